"""ПОС: cursor, boundary, windows, contract, quarantine, faults."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ingestion.clock import Window, parse_utc
from ingestion.errors import AccessRefused, ContractBroken, IngestionError, SourceDown
from ingestion.pipeline import LoadReport, ingest
from tests.ingestion.support import Deployment, Server


def appeal(number: int, updated_at: str = "2026-11-01T10:00:00Z", **changes: Any) -> dict[str, Any]:
    return {
        "id": f"72-2026-{number:06}",
        "kind": "message",
        "created_at": "2026-11-01T08:00:00Z",
        "registered_at": f"2026-11-{number % 28 + 1:02}T09:00:00Z",
        "updated_at": updated_at,
        "status": "answered",
        "status_history": [
            {"status": "registered", "at": "2026-11-01T09:00:00Z"},
            {"status": "answered", "at": "2026-11-01T10:00:00Z"},
        ],
        "category": "ЖКХ",
        "subcategory": "Отопление",
        "fast_track": False,
        "municipality": "г. Озёрск",
        "locality": "г. Озёрск",
        "street": "Ленина",
        "house": "5",
        "text": f"Нет тепла {number}, звоните +7 912 345-67-89",
        "applicant": {"id": f"applicant-{number}", "age_group": "35-45"},
        "organisation": {"ogrn": "1027200000001", "name": "Управа"},
        "answers": [
            {"id": "a1", "at": "2026-11-01T10:00:00Z", "kind": "final", "ogrn": "1027200000001", "text": "Ок"}
        ],
        "outcome": "solved",
        "rating": 5,
        **changes,
    }


class Pos:
    """A tiny ПОС: filters, keyset order, pages of `limit`."""

    def __init__(self, server: Server, appeals: list[dict[str, Any]]) -> None:
        self.appeals = appeals
        server.answer = self.answer

    def answer(self, request: Request, form: dict[str, Any]) -> dict[str, Any]:
        found = [
            one
            for one in sorted(self.appeals, key=lambda one: (one["updated_at"], one["id"]))
            if form.get("updated_since", "") <= one["updated_at"]
            and form.get("registered_since", "") <= one["registered_at"] < form.get("registered_until", "9")
        ]
        start = int(form.get("cursor", 0))
        end = start + int(form["limit"])
        return {"items": found[start:end], "next_cursor": str(end) if end < len(found) else None}


@pytest.fixture
def pos(server: Server, deployment: Deployment) -> Pos:
    deployment.sources["pos"] = {
        "base_url": server.url,
        "token_env": "OTKLIK_TEST_TOKEN",
        "page_size": 2,
        "requests_per_second": 1000,
    }
    return Pos(server, [appeal(n) for n in range(1, 6)])


def load(deployment: Deployment, window: Window | None = None) -> LoadReport:
    return ingest("pos", deployment.region, deployment.settings, window)


def test_all_pages_land_with_statuses_and_answers(pos: Pos, deployment: Deployment) -> None:
    report = load(deployment)
    assert {name: tally.landed for name, tally in report.resources.items()} == {
        "appeals": 5,
        "statuses": 10,
        "answers": 5,
        "surveys": 0,
        "options": 0,
    }
    row = deployment.query(
        "select pos_id, region_id, registered_at, age_group, ogrn, rating, fetched_at, text, _dlt_load_id"
        " from raw.pos_appeals order by 1"
    )[0]
    assert row[0:2] == ("72-2026-000001", "test")
    assert row[2] == parse_utc("2026-11-02T09:00:00Z")
    assert row[3:6] == ("35-45", "1027200000001", 5)
    assert row[6] == parse_utc(deployment.as_of)
    assert row[7] == "Нет тепла 1, звоните ‹телефон›"
    assert row[8] == report.load_id
    assert deployment.query(
        "select resource, load_seq, received, landed, requests from raw.loads where received > 0 order by 1"
    ) == [
        ("answers", 1, 5, 5, 0),
        ("appeals", 1, 5, 5, 3),
        ("statuses", 1, 10, 10, 0),
    ]


def test_boundary_rows_are_not_landed_again_but_changes_are(pos: Pos, deployment: Deployment) -> None:
    load(deployment)
    report = load(deployment)
    assert report.landed == 0
    assert report.resources["appeals"].skipped_unchanged == 5
    pos.appeals[0] = appeal(1, rating=1)  # changed within the same second
    pos.appeals.append(appeal(6, updated_at="2026-11-02T10:00:00Z"))
    third = load(deployment)
    assert third.load_seq == 3
    assert third.resources["appeals"].landed == 2
    assert third.cursors["updated_at"] == "2026-11-02T10:00:00Z"
    assert load(deployment).resources["appeals"].received == 1


def test_window_reads_by_registration_and_leaves_the_cursor(pos: Pos, deployment: Deployment) -> None:
    window = Window(parse_utc("2026-11-02T00:00:00Z"), parse_utc("2026-11-04T00:00:00Z"))
    assert load(deployment, window).resources["appeals"].landed == 2
    load(deployment)
    again = load(deployment, window)
    assert (again.resources["appeals"].landed, again.mode) == (2, "window")
    assert load(deployment).resources["appeals"].skipped_unchanged == 5
    assert deployment.query(
        "select distinct window_since, window_until from raw.loads where mode = 'window'"
    ) == [(window.since, window.until)]


def test_broken_contract_keeps_nothing_and_heals(pos: Pos, server: Server, deployment: Deployment) -> None:
    load(deployment)
    good = [appeal(n, updated_at="2026-11-03T10:00:00Z") for n in (8, 9)]
    pages = [
        {"items": good[:1], "next_cursor": "2"},
        {"items": [appeal(9, fast_track="no")], "next_cursor": None},
    ]
    server.answer = lambda request, form: pages[int(form.get("cursor", 1)) - 1]
    with pytest.raises(ContractBroken, match="fast_track came as text instead of true/false in 1 of the 1"):
        load(deployment)
    assert deployment.one("select count(*) from raw.pos_appeals") == 5
    assert deployment.one("select max(load_seq) from raw.loads") == 1
    pages[1] = {"items": good[1:], "next_cursor": None}
    assert load(deployment).resources["appeals"].landed == 2


def test_impossible_values_go_to_quarantine_without_personal_data(pos: Pos, deployment: Deployment) -> None:
    pos.appeals[1] = appeal(2, registered_at="2026-13-45")
    pos.appeals[2] = appeal(3, registered_at="3020-01-01T00:00:00Z")
    pos.appeals[3] = appeal(4, rating=9)
    report = load(deployment)
    assert (report.resources["appeals"].landed, report.resources["appeals"].quarantined) == (2, 3)
    rows = deployment.query("select source_ref, reason, payload from raw.quarantine order by 1")
    assert [row[:2] for row in rows] == [
        ("72-2026-000002", "unreadable date"),
        ("72-2026-000003", "impossible date"),
        ("72-2026-000004", "impossible rating"),
    ]
    for _, _, payload in rows:
        assert "applicant-" not in payload
        assert "345-67-89" not in payload


def test_unknown_fields_are_named_and_dropped(pos: Pos, deployment: Deployment) -> None:
    pos.appeals[0]["passport"] = "7104 123456"
    pos.appeals[0]["applicant"]["surname"] = "Иванов"
    load(deployment)
    said = deployment.one("select unknown_fields from raw.loads where resource = 'appeals'")
    assert said == "applicant.surname, passport"


def test_wrong_token_is_one_sentence(pos: Pos, deployment: Deployment) -> None:
    deployment.token = "another"
    with pytest.raises(AccessRefused) as caught:
        load(deployment)
    assert "OTKLIK_TEST_TOKEN" in str(caught.value)
    assert "another" not in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_server_errors_are_repeated_then_said(pos: Pos, server: Server, deployment: Deployment) -> None:
    answer, failures = server.answer, [JSONResponse({}, 500), JSONResponse({}, 429, {"Retry-After": "1"})]
    server.answer = lambda request, form: failures.pop() if failures else answer(request, form)
    assert load(deployment).resources["appeals"].retries == 2
    server.answer = lambda request, form: JSONResponse({"error": {"code": "overloaded"}}, 503)
    with pytest.raises(SourceDown, match=r"HTTP 503 \(overloaded\) after all retries"):
        load(deployment)
    server.answer = answer
    assert load(deployment).resources["appeals"].skipped_unchanged == 5


def test_body_that_is_not_json_is_said(pos: Pos, server: Server, deployment: Deployment) -> None:
    server.answer = lambda request, form: Response('{"items": [')
    with pytest.raises(SourceDown, match="readable JSON"):
        load(deployment)


def test_nobody_listens(deployment: Deployment) -> None:
    deployment.sources["pos"] = {"base_url": "http://127.0.0.1:9", "token_env": "OTKLIK_TEST_TOKEN"}
    with pytest.raises(SourceDown, match=r"127\.0\.0\.1:9 cannot be reached"):
        load(deployment)


def test_endless_pages_are_refused(pos: Pos, server: Server, deployment: Deployment) -> None:
    server.answer = lambda request, form: {"items": [appeal(1)], "next_cursor": "same"}
    with pytest.raises(ContractBroken, match="same next_cursor twice"):
        load(deployment)
    server.answer = lambda request, form: {"items": [], "next_cursor": "2"}
    with pytest.raises(ContractBroken, match="an empty page that leads to another one"):
        load(deployment)


def test_region_without_the_source(deployment: Deployment) -> None:
    with pytest.raises(IngestionError, match=r"test has no source pos; add sources\.pos"):
        load(deployment)


def test_a_page_without_next_cursor_is_a_breach(pos: Pos, server: Server, deployment: Deployment) -> None:
    server.answer = lambda request, form: {"items": [appeal(1)]}
    with pytest.raises(ContractBroken, match="next_cursor came as nothing"):
        load(deployment)


def test_a_date_ahead_of_time_does_not_move_the_cursor(pos: Pos, deployment: Deployment) -> None:
    pos.appeals.append(appeal(8, updated_at="2026-11-01T10:00:00.5Z"))
    pos.appeals.append(appeal(9, updated_at="3020-01-01T00:00:00Z"))
    report = load(deployment)
    assert report.cursors["updated_at"] == "2026-11-01T10:00:00.500000Z"
    assert (report.resources["appeals"].landed, report.resources["appeals"].quarantined) == (6, 1)


def test_nobody_s_data_reaches_the_disk(pos: Pos, deployment: Deployment) -> None:
    pos.appeals[1] = appeal(2, rating=9)  # into quarantine
    load(deployment)
    everything = str(
        [deployment.query(f"from raw.{table}") for table in ("pos_appeals", "pos_answers", "quarantine")]
    )
    files = b"".join(path.read_bytes() for path in (deployment.root / "data").rglob("*") if path.is_file())
    for trace in ("applicant-", "345-67-89", deployment.token):
        assert trace not in everything
        assert trace.encode() not in files
