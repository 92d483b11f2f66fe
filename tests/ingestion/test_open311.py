"""Open311: windows, live cursor, dirty dates, and everything a service can do wrong."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from ingestion.clock import Window, parse_utc
from ingestion.errors import AccessRefused, ContractBroken, RequestRefused, SourceDown
from ingestion.pipeline import LoadReport, ingest
from tests.ingestion.support import Deployment, Server


def request(number: int, requested: str = "", **changes: Any) -> dict[str, Any]:
    return {
        "service_request_id": str(number),
        "service_code": "001",
        "service_name": "Ямы на дорогах",
        "status": "open",
        "status_notes": None,
        "description": f"Яма {number}, звоните +7 912 345-67-89",
        "agency_responsible": "Управа, Иванов И. И.",
        "requested_datetime": requested or f"2026-11-{number % 19 + 1:02}T09:00:00Z",
        "updated_datetime": requested or f"2026-11-{number % 19 + 1:02}T10:00:00Z",
        "expected_datetime": None,
        "address": "Ленина, 5",
        "zipcode": "625000",
        "lat": 57.15,
        "long": 65.53,
        **changes,
    }


class City:
    """A strict little service: windows of 90 days, both ends taken in, pages."""

    def __init__(self, server: Server, rows: list[dict[str, Any]]) -> None:
        self.rows, self.asked = rows, 0
        server.answer = self.answer

    def answer(self, asked: Request, form: dict[str, Any]) -> Any:
        self.asked += 1
        if not asked.url.path.endswith("/requests.json") or form.get("jurisdiction_id") != "city.example":
            return JSONResponse([{"code": 404, "description": "no such thing"}], 404)
        by = "updated_datetime" if "updated_after" in form else "requested_datetime"
        names = ("updated_after", "updated_before") if "updated_after" in form else ("start_date", "end_date")
        since, until = (form[name] for name in names)
        if parse_utc(until) - parse_utc(since) > timedelta(days=90):
            return JSONResponse([{"code": 400, "description": "at most 90 days"}], 400)
        found = [row for row in self.rows if since <= (row.get(by) or "") <= until]
        start = (int(form["page"]) - 1) * int(form["page_size"])
        return found[start : start + int(form["page_size"])]


@pytest.fixture
def city(server: Server, deployment: Deployment) -> City:
    deployment.extra["opened_on"] = "2026-01-01"
    deployment.sources["open311"] = {
        "base_url": server.url,
        "jurisdiction_id": "city.example",
        "api_key_env": "OTKLIK_TEST_TOKEN",
        "api_key_header": "X-Api-Key",
        "requests_per_second": 1000,
        "page_size": 5,
    }
    return City(server, [request(n) for n in range(1, 19)])


@pytest.fixture(autouse=True)
def _open_door(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shared server asks for a bearer token; GeoReport has none."""
    from ingestion.http import Api

    plain = Api.__init__

    def with_token(self: Api, *args: Any, **kwargs: Any) -> None:
        plain(self, *args, **kwargs)
        self.session.headers["Authorization"] = "Bearer token-that-must-not-leak"

    monkeypatch.setattr(Api, "__init__", with_token)


def load(deployment: Deployment, window: Window | None = None) -> LoadReport:
    return ingest("open311", deployment.region, deployment.settings, window)


def test_the_whole_history_lands_in_windows_that_fit(city: City, deployment: Deployment) -> None:
    tally = load(deployment).resources["requests"]
    assert (tally.landed, tally.quarantined) == (18, 0)
    assert deployment.query(
        "select service_request_id, description, agency_responsible, requested_at, latitude, zipcode"
        " from raw.open311_requests where service_request_id = '7'"
    ) == [("7", "Яма 7, звоните ‹телефон›", "Управа, ‹имя›", datetime(2026, 11, 8, 9), 57.15, "625000")]
    assert deployment.one("select count(distinct service_request_id) from raw.open311_requests") == 18


def test_live_lands_only_what_is_new_or_changed(city: City, deployment: Deployment) -> None:
    load(deployment)
    assert load(deployment).landed == 0
    city.rows[0] = request(
        1, status="closed", updated_datetime="2026-11-20T23:00:00Z", status_notes="Засыпано"
    )
    city.rows.append(request(30, "2026-11-20T22:00:00Z"))
    city.rows.append(
        request(31, "2026-11-19T22:00:00Z", updated_datetime="2019-01-01T00:00:00Z")
    )  # backdated
    city.rows.append(request(32, "2026-11-19T22:00:00Z", updated_datetime=None))
    assert load(deployment).landed == 4
    assert load(deployment).landed == 0


def test_more_in_one_second_than_a_page_holds(city: City, deployment: Deployment) -> None:
    city.rows += [request(100 + n, "2026-10-10T10:10:10Z") for n in range(12)]
    load(deployment)
    assert deployment.one("select count(distinct service_request_id) from raw.open311_requests") == 30


def test_a_window_is_half_open_and_moves_nothing(city: City, deployment: Deployment) -> None:
    window = Window(parse_utc("2026-11-02T09:00:00"), parse_utc("2026-11-04T09:00:00"))
    assert load(deployment, window).landed == 2
    assert load(deployment).landed == 18


def test_dirty_dates_go_through_or_to_quarantine(city: City, deployment: Deployment) -> None:
    city.rows = [
        request(1, updated_datetime="2026-11-01T09:00:00Z", requested_datetime="2026-11-02T09:00:00Z"),
        request(2, "2026-11-03T09:00:00Z", status="closed", updated_datetime="2026-11-03T09:01:00Z"),
        request(3, updated_datetime="3020-01-01T00:00:00Z"),
        request(4, "2026-11-05T09:00:00+05:00"),
        request(5, "2026-11-05T09:00:00"),
        request(6, "2026-11-05 in the morning"),
        request(7, expected_datetime="never", lat="57,1", long="65.5"),
        request(0, "2026-11-05T09:00:00Z", service_request_id=None),
        request(8, "2026-11-05T09:00:00Z", service_request_id=9_223_372_036_854_775_807),
    ]  # fmt: skip
    tally = load(deployment).resources["requests"]
    assert (tally.landed, tally.quarantined) == (7, 2)
    assert tally.notes == ["1 dates of changes were unreadable or impossible and were left empty."]
    rows = {
        row[0]: row[1:]
        for row in deployment.query(
            "select service_request_id, requested_at, updated_at, longitude from raw.open311_requests"
        )
    }
    assert rows["1"][1] < rows["1"][0]
    assert rows["3"][1] is None
    assert rows["4"][0] == rows["5"][0] == datetime(2026, 11, 5, 4)
    assert rows["7"][2] == 65.5
    assert "9223372036854775807" in rows
    assert load(deployment).landed == 0


def test_strange_values_land_whole(city: City, deployment: Deployment) -> None:
    city.rows = [
        request(1, description="я🙂\x00" * 50_000, surname="Иванов", media_url="http://x"),
        request(2, service_name=None),
    ]
    tally = load(deployment).resources["requests"]
    assert tally.landed == 2
    assert tally.unknown_fields == {"surname"}
    assert (
        deployment.one("select length(description) from raw.open311_requests where service_request_id = '1'")
        == 100_000
    )


@pytest.mark.parametrize("trouble", ["429", "429 with a hint", "500", "truncated", "drip"])
def test_troubles_that_pass_are_outlasted(
    trouble: str, city: City, server: Server, deployment: Deployment
) -> None:
    answer, left = server.answer, [1, 2]

    async def drip() -> Any:
        yield b"["
        await asyncio.sleep(3)

    def troubled(asked: Request, form: dict[str, Any]) -> Any:
        if not left:
            return answer(asked, form)
        left.pop()
        if trouble == "truncated":
            return Response(orjson.dumps(city.rows)[:99])
        if trouble == "drip":
            left.clear()
            return StreamingResponse(drip())
        hint = {"Retry-After": "0"} if "hint" in trouble else {}
        return JSONResponse([], int(trouble[:3]), hint)

    server.answer = troubled
    tally = load(deployment).resources["requests"]
    assert (tally.landed, tally.retries > 0) == (18, True)


@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        (JSONResponse([], 503), SourceDown, "HTTP 503 after all retries"),
        (JSONResponse([], 403), AccessRefused, "OTKLIK_TEST_TOKEN"),
        (JSONResponse([], 404), RequestRefused, "HTTP 404"),
        ({"error": "html"}, ContractBroken, "no list of requests"),
        (
            [{"service_request_id": "1", "status": "open"}],
            ContractBroken,
            "requested_datetime came as nothing",
        ),
        ([request(1, description={"a": 1})], ContractBroken, "description came as object"),
    ],
)
def test_troubles_that_stay_are_one_sentence(
    answer: Any, error: type[Exception], sentence: str, city: City, server: Server, deployment: Deployment
) -> None:
    load(deployment)
    server.answer = lambda asked, form: answer
    with pytest.raises(error, match=sentence) as caught:
        load(deployment)
    assert "\n" not in str(caught.value)
    assert deployment.token not in str(caught.value)
    assert deployment.one("select count(*) from raw.open311_requests") == 18
    server.answer = city.answer
    assert load(deployment).landed == 0


def test_a_page_that_repeats_itself_never_ends_the_night(
    city: City, server: Server, deployment: Deployment
) -> None:
    same = [request(n, "2026-10-10T10:10:10Z") for n in range(5)]
    server.answer = lambda asked, form: same
    with pytest.raises(ContractBroken, match="repeats the page before it"):
        load(deployment)


def test_requests_that_move_and_change_while_we_read(
    city: City, server: Server, deployment: Deployment
) -> None:
    """New ones in front and changes in the middle: with pages by offset some would be lost."""
    calls = 0

    def moving(asked: Request, form: dict[str, Any]) -> Any:
        nonlocal calls
        calls += 1
        city.rows.insert(0, request(500 + calls, "2026-11-20T12:00:00Z"))
        city.rows.append(city.rows.pop(1))
        return city.answer(asked, form)

    server.answer = moving
    load(deployment)
    server.answer = city.answer
    load(deployment)
    landed = {int(key) for (key,) in deployment.query("select service_request_id from raw.open311_requests")}
    assert landed == {int(row["service_request_id"]) for row in city.rows}
