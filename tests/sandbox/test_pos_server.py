"""The ПОС service keeps its contract: cursor, windows, errors, and nothing later than now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.scenario import Scenario, iso

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client


@pytest.fixture
def client(play: Callable[..., Client], tiny: Scenario) -> Client:
    return play(tiny)


def _key(item: dict[str, Any]) -> tuple[str, str]:
    return item["updated_at"], item["id"]


def test_the_cursor_gives_every_appeal_once_in_order(client: Client) -> None:
    items = list(client.pos_walk(limit=7))
    assert len(items) == len({item["id"] for item in items}) == 150
    assert [_key(item) for item in items] == sorted(_key(item) for item in items)
    assert [_key(item) for item in client.pos_walk(limit=1000)] == [_key(item) for item in items]


@pytest.mark.parametrize("name", ["updated", "registered"])
def test_windows_are_half_open_and_adjoin(client: Client, name: str) -> None:
    everything = list(client.pos_walk(limit=1000))
    border = everything[60][f"{name}_at"]
    before = list(client.pos_walk(limit=11, **{f"{name}_until": border}))
    after = list(client.pos_walk(limit=11, **{f"{name}_since": border}))
    assert all(item[f"{name}_at"] < border for item in before)
    assert all(item[f"{name}_at"] >= border for item in after)
    assert {item["id"] for item in before + after} == {item["id"] for item in everything}
    assert len(before) + len(after) == len(everything)


def test_windows_combine(client: Client) -> None:
    days = [iso(second) for second in client.world.scenario.day_starts()]
    window = {"registered_since": days[2], "registered_until": days[6], "updated_since": days[5]}
    found = list(client.pos_walk(limit=5, **window))
    expected = [
        item
        for item in client.pos_walk(limit=1000)
        if days[2] <= item["registered_at"] < days[6] and item["updated_at"] >= days[5]
    ]
    assert found == expected
    assert found


def test_a_fraction_of_a_second_keeps_since_inclusive(client: Client) -> None:
    first = next(client.pos_walk())
    asked = first["updated_at"].replace("Z", ".5Z")
    assert first["id"] not in {item["id"] for item in client.pos_walk(updated_since=asked)}
    assert first["id"] in {item["id"] for item in client.pos_walk(updated_since=first["updated_at"])}


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"limit": 0}, "bad_limit"),
        ({"limit": 1001}, "bad_limit"),
        ({"limit": "many"}, "bad_limit"),
        ({"updated_since": "yesterday"}, "bad_moment"),
        ({"updated_since": "2026-03-01T00:00:00"}, "bad_moment"),
        ({"cursor": "!"}, "bad_cursor"),
        ({"cursor": "e30="}, "bad_cursor"),
        ({"offset": 5}, "unknown_parameter"),
    ],
)
def test_wrong_questions_are_refused(client: Client, params: dict[str, Any], code: str) -> None:
    answer = client.pos(**params)
    assert answer.status == 400
    assert answer.json()["error"]["code"] == code


def test_tokens_paths_and_rate(client: Client, tiny: Scenario) -> None:
    assert client.pos(token="wrong").status == 401
    assert client.pos(token="").status == 401
    assert client.pos("people").status == 404
    token, limit = client.world.token("pos"), tiny.pos.requests_per_second
    from tests.sandbox.conftest import ask

    client.clock.now = 500.0
    answers = [ask(client.app, "GET", "/pos/api/v1/appeals", token, "limit=1") for _ in range(limit + 1)]
    assert {answer.status for answer in answers[:-1]} == {200}
    assert answers[-1].status == 429
    assert answers[-1].headers["retry-after"] == "1"


def test_an_appeal_shows_only_what_has_happened(client: Client) -> None:
    final = {item["id"]: item for item in client.pos_walk(limit=1000)}
    now = client.world.scenario.day_starts()[7] + 4321
    client.world.now = now
    early = {item["id"]: item for item in client.pos_walk(limit=1000)}
    assert 0 < len(early) < len(final)
    for key, item in early.items():
        last = final[key]
        events = [step["at"] for step in last["status_history"]] + [
            answer["at"] for answer in last["answers"]
        ]
        past = [at for at in events if at <= iso(now)]
        assert item["status_history"] == [step for step in last["status_history"] if step["at"] <= iso(now)]
        assert item["answers"] == [answer for answer in last["answers"] if answer["at"] <= iso(now)]
        assert max(past) <= item["updated_at"] <= iso(now)
        assert item["status"] == item["status_history"][-1]["status"]
        assert (item["outcome"] is None) or item["answers"][-1]["kind"] == "final"
        assert item["text"] == last["text"]


def test_ids_carry_code_and_local_year(client: Client) -> None:
    for item in client.pos_walk(limit=1000):
        registered = dt.datetime.fromisoformat(item["registered_at"]).astimezone(client.world.scenario.zone)
        code, year, number = item["id"].split("-")
        assert (code, year, len(number)) == ("98", str(registered.year), 6)
