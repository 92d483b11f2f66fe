"""Open311 of the sandbox: a plain client is content with it, and bad days leave no trace in what lands."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from georeport import GeoReport

from ingestion.config import load_regions
from ingestion.pipeline import LoadReport, ingest
from sandbox.kit import Sandbox, launch
from tests.sandbox.test_deliveries import enriched, one, settings_for

SELECT = "select * exclude (_dlt_load_id, fetched_at) from raw.open311_requests order by all"


@pytest.fixture(scope="module")
def running(example_text: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("open311")
    scenario = folder / "mine.yaml"
    told = enriched(yaml.safe_load(example_text)) | {"open311": {"page_size": 10, "requests_per_second": 900}}
    scenario.write_text(yaml.safe_dump(told, allow_unicode=True), "utf-8")
    with launch(scenario, folder / "data") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.faults([])
    return running


def load(sandbox: Sandbox, data: Path) -> LoadReport:
    settings = settings_for(sandbox, data)
    return ingest("open311", load_regions(settings)["mine"], settings)


@pytest.fixture(scope="module")
def clean(running: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    data = tmp_path_factory.mktemp("clean")
    load(running, data)
    rows: list[Any] = one(data, SELECT)
    assert len(rows) == 40
    return rows


def test_a_plain_client_reads_what_the_connector_landed(sandbox: Sandbox, clean: list[Any]) -> None:
    """GeoReport by the book: pages of a window, nothing of the connector's own."""
    seen: dict[str, Any] = {}
    for page in range(1, 10):
        window = {"start_date": "2026-03-01T00:00:00Z", "end_date": "2026-03-15T14:00:00Z", "page": page}
        query = urlencode({"jurisdiction_id": "city.sandbox", **window})
        address = f"{sandbox.url}/open311/requests.json?{query}"
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - our own loopback address
            found = json.load(answer)
        if not found:
            break
        seen |= {request["service_request_id"]: request for request in found}
    assert len(seen) == len(clean) == 40
    assert {request["status"] for request in seen.values()} == {"open", "closed"}


def test_a_published_client_is_content(sandbox: Sandbox, clean: list[Any]) -> None:
    """`georeport`, which others wrote against the cities' own services."""
    client = GeoReport(f"{sandbox.url}/open311", jurisdiction="city.sandbox")
    services = {one["service_code"] for one in client.get_service_list()}
    found: dict[str, Any] = {}
    for day in range(1, 15):
        window = {"start_date": f"2026-03-{day:02}T00:00:00Z", "end_date": f"2026-03-{day + 1:02}T00:00:00Z"}
        requests = client.get_service_requests(**window)
        assert len(requests) <= 10
        found |= {one["service_request_id"]: one for one in requests}
    landed = {row[1]: row for row in clean}
    assert landed.keys() >= found.keys()
    assert len(found) > 30
    assert {one["service_code"] for one in found.values()} <= services
    number = min(found)
    assert client.get_service_requests(service_request_id=number) == [found[number]]
    closed = client.get_service_requests(status="closed", **window)
    assert {one["status"] for one in closed} <= {"closed"}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "page_repeated", "skip": 1, "times": 2},
        {"kind": "items_moved", "skip": 1, "times": 3},
        {"kind": "unknown_field", "field": "service_request_id", "times": 99},
    ],
    ids=lambda fault: str(fault["kind"]),
)
def test_bad_days_leave_no_trace(
    fault: dict[str, Any], sandbox: Sandbox, clean: list[Any], tmp_path: Path
) -> None:
    sandbox.faults([{"method": "requests.json", **fault}])
    report = load(sandbox, tmp_path)
    sandbox.faults([])
    load(sandbox, tmp_path)
    distinct = SELECT.replace("select", "select distinct", 1)
    assert one(tmp_path, distinct) == clean
    unknown = report.resources["requests"].unknown_fields
    assert ("sandbox_news" in unknown) == (fault["kind"] == "unknown_field")


@pytest.mark.parametrize("skip", range(4))
def test_a_lost_page_is_asked_for_again(
    skip: int, sandbox: Sandbox, clean: list[Any], tmp_path: Path
) -> None:
    sandbox.faults([{"kind": "page_lost", "method": "requests.json", "skip": skip}])
    tally = load(sandbox, tmp_path).resources["requests"]
    assert tally.retries > 0
    assert one(tmp_path, SELECT) == clean


@pytest.mark.parametrize("field", ["description", "address", "lat", "status", "status_notes", "service_name"])
def test_null_where_a_value_was(field: str, sandbox: Sandbox, clean: list[Any], tmp_path: Path) -> None:
    sandbox.faults([{"kind": "null_value", "method": "requests.json", "field": field, "times": 99}])
    tally = load(sandbox, tmp_path).resources["requests"]
    assert (tally.landed, tally.quarantined) == (40, 0)
    column = {"lat": "latitude"}.get(field, field)
    assert one(tmp_path, f"select count(*) > 0 from raw.open311_requests where {column} is null") == [(True,)]


@pytest.mark.parametrize("field", ["service_request_id", "requested_datetime"])
def test_what_cannot_do_without_a_value_is_set_aside(field: str, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults([{"kind": "null_value", "method": "requests.json", "field": field, "times": 99}])
    tally = load(sandbox, tmp_path).resources["requests"]
    assert (tally.landed, tally.quarantined) == (0, 40)
    assert one(tmp_path, "select distinct reason from raw.quarantine") == [("unusable request",)]
