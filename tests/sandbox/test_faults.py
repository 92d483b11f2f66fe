"""Faults of single answers: they strike where they are named, as often as told, and then are over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.scenario import Scenario

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client

OPEN = -230000001


@pytest.fixture
def client(play: Callable[..., Client], tiny: Scenario) -> Client:
    return play(tiny)


def _post(client: Client, *faults: dict[str, Any]) -> None:
    assert client.control("POST", "faults", list(faults)).status == 200


def test_a_vk_error_strikes_so_often_and_then_no_more(client: Client) -> None:
    _post(client, {"kind": "vk_error", "method": "wall.get", "code": 10, "times": 2})
    answers = [client.vk("wall.get", owner_id=OPEN) for _ in range(3)]
    assert [answer.get("error", {}).get("error_code") for answer in answers] == [10, 10, None]
    assert client.control("GET", "faults").json() == []


def test_skip_lets_requests_pass_first(client: Client) -> None:
    _post(client, {"kind": "vk_error", "method": "wall.get", "code": 29, "skip": 2})
    assert ["error" in client.vk("wall.get", owner_id=OPEN) for _ in range(4)] == [False, False, True, False]


def test_a_share_strikes_the_same_requests_each_time(client: Client) -> None:
    def struck(seed: int) -> list[bool]:
        client.control("DELETE", "faults")
        _post(client, {"kind": "vk_error", "method": "wall.get", "share": 0.2, "seed": seed, "times": 99})
        return ["error" in client.vk("wall.get", owner_id=OPEN) for _ in range(100)]

    first = struck(7)
    assert 8 < sum(first) < 35
    assert struck(7) == first != struck(8)


def test_inside_execute_only_the_named_call_fails(client: Client) -> None:
    _post(client, {"kind": "vk_error", "method": "wall.getComments", "code": 212})
    post = client.vk("wall.get", owner_id=OPEN, count=2)["response"]["items"][1]
    comments = ("wall.getComments", {"owner_id": OPEN, "post_id": post["id"]})
    answer = client.execute([("wall.get", {"owner_id": OPEN}), comments, comments])
    assert [bool(part) for part in answer["response"]] == [True, False, True]
    assert answer["execute_errors"] == [
        {"method": "wall.getComments", "error_code": 212, "error_msg": "Access to post comments denied"}
    ]


def test_a_whole_execute_can_fail(client: Client) -> None:
    _post(client, {"kind": "vk_error", "method": "execute", "code": 6})
    assert client.execute([("wall.get", {"owner_id": OPEN})])["error"]["error_code"] == 6


def test_a_flipped_type_is_flipped_in_every_item_of_one_page(client: Client) -> None:
    _post(client, {"kind": "type_flip", "method": "wall.get", "field": "date"})
    spoiled = client.vk("wall.get", owner_id=OPEN, count=5)["response"]["items"]
    assert all(isinstance(item["date"], str) for item in spoiled)
    healed = client.vk("wall.get", owner_id=OPEN, count=5)["response"]["items"]
    assert all(isinstance(item["date"], int) for item in healed)


def test_a_missing_key_is_missing_in_pos_too(client: Client) -> None:
    _post(client, {"kind": "missing_key", "path_contains": "/pos/", "field": "registered_at"})
    assert "registered_at" not in client.pos().json()["items"][0]
    assert "registered_at" in client.pos().json()["items"][0]


def test_http_faults_named_for_an_inner_method_hit_the_execute_around_it(client: Client) -> None:
    from tests.sandbox.conftest import ask

    _post(client, {"kind": "http_500", "method": "wall.getComments"})
    assert "response" in client.vk("wall.get", owner_id=OPEN)
    form = b"v=5.199&code=return%20%5BAPI.wall.getComments(%7B%7D)%5D%3B"
    assert ask(client.app, "POST", "/vk/method/execute", client.world.token("vk"), body=form).status == 500


def test_wrong_faults_are_refused_and_faults_can_be_cleared(client: Client) -> None:
    for wrong in ({"kind": "meteor"}, {"kind": "slow", "speed": 1}, "slow"):
        answer = client.control("POST", "faults", [wrong])
        assert answer.status == 400
        assert "error" in answer.json()
    _post(client, {"kind": "http_500", "times": 99})
    assert client.control("DELETE", "faults").json() == []
    assert client.pos().status == 200
