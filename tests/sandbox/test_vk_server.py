"""The VK server pages, refuses and limits as VK does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.scenario import Scenario
from sandbox.servers.vk_execute import CodeError, parse_code

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client

OPEN, CLOSED = -230000001, -230000003


@pytest.fixture
def client(play: Callable[..., Client], tiny: Scenario) -> Client:
    return play(tiny)


def _code(answer: dict[str, Any]) -> int:
    code: int = answer["error"]["error_code"]
    return code


def _busy_post(client: Client) -> dict[str, Any]:
    items = client.vk("wall.get", owner_id=OPEN, count=100)["response"]["items"]
    post: dict[str, Any] = max(items, key=lambda item: item["comments"]["count"])
    return post


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("wall.delete", {}, 3),
        ("wall.get", {}, 100),
        ("wall.get", {"owner_id": "x"}, 100),
        ("wall.get", {"owner_id": OPEN, "count": 101}, 100),
        ("wall.get", {"owner_id": CLOSED}, 15),
        ("wall.get", {"owner_id": -5}, 15),
        ("wall.getComments", {"owner_id": OPEN}, 100),
        ("wall.getComments", {"owner_id": OPEN, "post_id": 1, "count": 101}, 100),
        ("wall.getComments", {"owner_id": OPEN, "post_id": 1, "thread_items_count": 11}, 100),
        ("wall.getComments", {"owner_id": OPEN, "post_id": 999_999}, 15),
        ("wall.getComments", {"owner_id": CLOSED, "post_id": 1}, 15),
        ("groups.getById", {}, 100),
        ("groups.getById", {"group_ids": ",".join(["1"] * 501)}, 100),
        ("newsfeed.search", {}, 100),
        ("newsfeed.search", {"q": "x", "count": 201}, 100),
        ("stats.get", {"group_id": 4}, 125),
        ("stats.get", {"group_id": -CLOSED}, 15),
        ("execute", {}, 100),
        ("execute", {"code": "return 1;"}, 12),
        ("execute", {"code": "return [" + ",".join(["API.wall.get({})"] * 26) + "];"}, 13),
        ("wall.get", {"owner_id": OPEN, "v": "4.9"}, 8),
    ],
)
def test_errors_have_vks_numbers(client: Client, method: str, params: dict[str, Any], code: int) -> None:
    answer = client.vk(method, **params)
    assert _code(answer) == code
    shown = {row["key"]: row["value"] for row in answer["error"]["request_params"]}
    assert shown["method"] == method


def test_a_deleted_community_says_so(play: Callable[..., Client], demo: Any) -> None:
    client = play(demo.scenario)
    assert _code(client.vk("wall.get", owner_id=-220100303)) == 18
    group = client.vk("groups.getById", group_ids="ozersk_voda")["response"]["groups"][0]
    assert group["deactivated"] == "deleted"


def test_tokens_are_checked_and_stay_out_of_addresses(client: Client) -> None:
    assert _code(client.vk("wall.get", token="wrong", owner_id=OPEN)) == 5
    assert _code(client.vk("wall.get", token="", owner_id=OPEN)) == 5
    from tests.sandbox.conftest import ask

    token = client.world.token("vk")
    query = f"owner_id={OPEN}&v=5.199&access_token={token}"
    answer = ask(client.app, "GET", "/vk/method/wall.get", token, query)
    assert _code(answer.json()) == 5
    assert token not in answer.body.decode()


@pytest.mark.parametrize(("purpose", "per_second"), [("vk", 20), ("vk-service", 3), ("vk-user", 3)])
def test_requests_above_the_limit_get_error_6(client: Client, purpose: str, per_second: int) -> None:
    token = client.world.token(purpose)
    client.clock.now = 100.0
    answers = [client.vk_now("wall.get", token, owner_id=OPEN) for _ in range(per_second + 1)]
    assert all("response" in answer for answer in answers[:-1])
    assert _code(answers[-1]) == 6
    client.clock.now = 101.0
    assert "response" in client.vk_now("wall.get", token, owner_id=OPEN)


def test_execute_counts_as_one_request_and_marks_what_failed(client: Client) -> None:
    calls = [("wall.get", {"owner_id": OPEN, "count": 1}), ("wall.get", {"owner_id": CLOSED})]
    answer = client.execute(calls * 12)
    assert [bool(part) for part in answer["response"]] == [True, False] * 12
    assert len(answer["execute_errors"]) == 12
    assert answer["execute_errors"][0]["method"] == "wall.get"
    assert answer["execute_errors"][0]["error_code"] == 15
    assert client.control("GET", "requests").json() == {"vk execute": 1, "vk execute/wall.get": 24}


@pytest.mark.parametrize(
    "code",
    [
        "return 1;",
        "return [API.wall.get(1)];",
        "return [API.wall.get({)];",
        "return [API.wall.get({}) 2];",
        "",
    ],
)
def test_other_vkscript_is_refused(code: str) -> None:
    with pytest.raises(CodeError):
        parse_code(code)


def test_vkscript_of_the_one_shape_is_read() -> None:
    assert parse_code("return [];") == []
    code = 'return [API.wall.get({"owner_id": -1}),\n API.groups.getById( {"group_ids": "a]);"} ) ];'
    assert parse_code(code) == [("wall.get", {"owner_id": -1}), ("groups.getById", {"group_ids": "a]);"})]


def test_the_pinned_post_comes_first_and_the_others_newest_first(client: Client) -> None:
    items = client.vk("wall.get", owner_id=OPEN, count=100)["response"]["items"]
    dates = [item["date"] for item in items]
    assert items[0]["is_pinned"] == 1
    assert dates[0] == min(dates)
    assert dates[1:] == sorted(dates[1:], reverse=True)


def test_paging_a_wall_gives_every_post_once(client: Client) -> None:
    whole = client.vk("wall.get", owner_id=OPEN, count=100)["response"]
    parts = [
        client.vk("wall.get", owner_id=OPEN, count=3, offset=n)["response"]
        for n in range(0, whole["count"], 3)
    ]
    assert [item["id"] for part in parts for item in part["items"]] == [item["id"] for item in whole["items"]]
    owner = client.vk("wall.get", owner_id=OPEN, filter="owner")["response"]
    others = client.vk("wall.get", domain="moygorod", filter="others", extended=1)["response"]
    assert owner["count"] + others["count"] == whole["count"]
    assert {profile["id"] for profile in others["profiles"]} == {item["from_id"] for item in others["items"]}


def test_comments_are_roots_with_threads(client: Client) -> None:
    post = _busy_post(client)
    ask = {
        "owner_id": OPEN,
        "post_id": post["id"],
        "count": 100,
        "preview_length": 0,
        "thread_items_count": 2,
    }
    answer = client.vk("wall.getComments", **ask)["response"]
    roots = answer["items"]
    assert answer["current_level_count"] == len(roots) < answer["count"] == post["comments"]["count"]
    assert all(root["parents_stack"] == [] and len(root["thread"]["items"]) <= 2 for root in roots)
    assert [root["id"] for root in roots] == sorted(root["id"] for root in roots)
    tail = client.vk("wall.getComments", **ask, start_comment_id=roots[-2]["id"])["response"]["items"]
    assert [root["id"] for root in tail] == [root["id"] for root in roots[-2:]]
    backwards = client.vk("wall.getComments", **ask, sort="desc")["response"]["items"]
    assert [root["id"] for root in backwards] == [root["id"] for root in reversed(roots)]


def test_a_long_branch_needs_a_request_of_its_own(client: Client) -> None:
    for post in client.vk("wall.get", owner_id=OPEN, count=100)["response"]["items"]:
        ask = {"owner_id": OPEN, "post_id": post["id"], "count": 100, "thread_items_count": 10}
        for root in client.vk("wall.getComments", **ask)["response"]["items"]:
            if root["thread"]["count"] > 10:
                branch = client.vk("wall.getComments", **ask, comment_id=root["id"])["response"]
                assert branch["count"] == len(branch["items"]) == root["thread"]["count"]
                assert all(reply["parents_stack"] == [root["id"]] for reply in branch["items"])
                assert "thread" not in branch["items"][0]
                return
    pytest.fail("the example promises one branch of more than ten replies")


def test_texts_are_cut_at_90_unless_told_otherwise(client: Client) -> None:
    ask = {"owner_id": OPEN, "post_id": _busy_post(client)["id"], "count": 100}
    cut = client.vk("wall.getComments", **ask)["response"]["items"]
    whole = client.vk("wall.getComments", **ask, preview_length=0)["response"]["items"]
    assert max(len(comment["text"]) for comment in cut) <= 93
    assert max(len(comment["text"]) for comment in whole) > 93
    assert "likes" not in whole[0]
    assert "likes" in client.vk("wall.getComments", **ask, need_likes=1)["response"]["items"][0]


def test_groups_answer_the_fields_asked_for(client: Client) -> None:
    asked = {"group_ids": "moygorod,230000002", "fields": "members_count,menu,site"}
    moygorod, kray = client.vk("groups.getById", **asked)["response"]["groups"]
    assert moygorod["members_count"] == 4000
    assert len(moygorod["menu"]["items"]) == 2
    assert f"utm_campaign={client.world.ogrns['adm-town']}" in moygorod["site"]
    assert "description" not in moygorod
    assert (moygorod["is_government_organization"], kray["is_government_organization"]) == (True, False)
    old = client.vk("groups.getById", v="5.131", group_id="moygorod")["response"]
    assert [group["id"] for group in old] == [230000001]


def test_search_pages_by_start_from_and_looks_a_day_back_unless_told(client: Client) -> None:
    found, begin = [], ""
    while True:
        more = {"start_from": begin} if begin else {}
        answer = client.vk("newsfeed.search", q="мойгород", count=3, start_time=0, **more)["response"]
        found += [(item["owner_id"], item["id"]) for item in answer["items"]]
        begin = answer.get("next_from", "")
        if not begin:
            break
    assert len(found) == len(set(found)) == answer["total_count"]
    mentions = {(post.owner, post.id) for post in client.world.walls.mentions}
    assert len(mentions) == 8
    assert mentions < set(found)  # own pages' posts are found too
    recent = client.vk("newsfeed.search", q="мойгород")["response"]["items"]
    assert all(item["date"] >= client.world.now - 86_400 for item in recent)


def test_statistics_need_the_admins_token_and_come_by_local_day(client: Client) -> None:
    day = client.world.scenario.day_starts()[3]
    ask = {"group_id": 230000001, "timestamp_from": day, "timestamp_to": day + 2 * 86_400}
    days = client.vk("stats.get", **ask)["response"]
    assert [entry["period_from"] for entry in days] == [day + 86_400, day]
    assert _code(client.vk("stats.get", token=client.world.token("vk-service"), **ask)) == 15


def test_a_comment_posted_now_is_seen_at_once(client: Client) -> None:
    post = _busy_post(client)
    wish = {"owner_id": OPEN, "post_id": post["id"], "text": "Только что написано"}
    made = client.control("POST", "vk/comments", wish).json()
    answered = client.control(
        "POST", "vk/comments", {**wish, "from_id": OPEN, "reply_to_comment": made["comment_id"]}
    ).json()
    comments = client.vk(
        "wall.getComments", owner_id=OPEN, post_id=post["id"], count=100, thread_items_count=1
    )
    last = comments["response"]["items"][-1]
    assert (last["id"], last["text"], last["date"]) == (made["comment_id"], wish["text"], client.world.now)
    assert last["thread"]["items"][0]["id"] == answered["comment_id"]
    assert comments["response"]["count"] == post["comments"]["count"] + 2
    assert client.control("POST", "vk/comments", {**wish, "post_id": 10**6}).status == 400


def test_what_is_later_than_now_is_not_there(client: Client) -> None:
    before = client.world.scenario.day_starts()[5]
    assert client.control("POST", "now", {"now": "soon"}).status == 400
    client.world.now = before
    items = client.vk("wall.get", owner_id=OPEN, count=100)["response"]["items"]
    assert max(item["date"] for item in items) <= before
    for item in items:
        comments = client.vk(
            "wall.getComments", owner_id=OPEN, post_id=item["id"], count=100, thread_items_count=10
        )
        roots = comments["response"]["items"]
        seen = [root["date"] for root in roots]
        seen += [reply["date"] for root in roots for reply in root["thread"]["items"]]
        assert item["comments"]["count"] == comments["response"]["count"]
        assert all(date <= before for date in seen)
