"""OK, Telegram and MAX of the sandbox: the truth, their own rules, and the published schemas."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from sandbox.scenario import Scenario, scenario_from
from sandbox.servers.ok import signature
from sandbox.truth import truth
from tests.networks import document

if TYPE_CHECKING:
    from tests.sandbox.conftest import Answer, Client

SCHEMAS = Path(__file__).resolve().parents[3] / "shared" / "schemas"
needs_schemas = pytest.mark.skipif(
    not SCHEMAS.exists(), reason="the published schemas lie beside the repository"
)
_LONG_AGO = {"updates_live_hours": 24 * 400}


@pytest.fixture(scope="module")
def networks() -> Scenario:
    told = document()
    told["telegram"] |= _LONG_AGO
    return scenario_from(told)


@pytest.fixture
def client(play: Callable[..., Client], networks: Scenario) -> Client:
    return play(networks)


def ask(client: Client, verb: str, path: str, *, header: str = "", form: Any = None, **query: Any) -> Answer:
    from tests.sandbox.conftest import ask as ask_app

    client.clock.now += 1
    body = urlencode(form).encode() if form else b""
    return ask_app(client.app, verb, path, query=urlencode(query), body=body, authorization=header)


def ok(client: Client, method: str, **params: Any) -> Any:
    world = client.world
    form = {"application_key": world.token("ok-key"), "format": "json", "method": method, **params}
    form["sig"] = signature(form, world.token("ok"), world.token("ok-secret"))
    return ask(client, "POST", "/ok/fb.do", form={**form, "access_token": world.token("ok")}).json()


def telegram(client: Client, method: str, **params: Any) -> Any:
    path = f"/telegram/bot{client.world.token('telegram')}/{method}"
    return ask(client, "GET", path, **params).json()


def max_api(client: Client, path: str, **params: Any) -> Any:
    return ask(client, "GET", f"/max/{path}", header=client.world.token("max"), **params).json()


def updates(client: Client) -> list[dict[str, Any]]:
    every: list[dict[str, Any]] = []
    while page := telegram(client, "getUpdates", offset=every[-1]["update_id"] + 1 if every else 0)["result"]:
        every += page
    return every


def said(client: Client, source: str) -> tuple[int, int, int]:
    """What the truth says of a source: appeals, answered ones, responses."""
    counts = truth(client.world.scenario, client.world.population, client.world.now)["counts"]
    names = ("appeals_by_source", "answered_by_source", "responses_by_source")
    appeals, answered, responses = (counts[name][source] for name in names)
    return appeals, answered, responses


class Count:
    """Branches by their root: a citizen's first word and who answered it."""

    def __init__(self) -> None:
        self.parents: dict[Any, Any] = {}
        self.citizens: set[Any] = set()
        self.answers: Counter[Any] = Counter()

    def add(self, number: Any, parent: Any, *, citizen: bool) -> None:
        self.parents[number] = parent
        root = number
        while self.parents[root] is not None:
            root = self.parents[root]
        if citizen:
            self.citizens.add(number)
        elif root != number:
            self.answers[root] += 1

    def result(self) -> tuple[int, int, int]:
        roots = {number for number, parent in self.parents.items() if parent is None} & self.citizens
        answers = [count for root, count in self.answers.items() if root in roots]
        return len(roots), len(answers), sum(answers)


def sessions(messages: list[tuple[int, bool]]) -> tuple[int, int, int]:
    """Appeals, answered ones and answers of one chat: moments and whether the citizen speaks."""
    counts: list[int] = []
    last = None
    for moment, citizen in sorted(messages):
        if citizen and (last is None or moment - last >= 86_400):
            counts.append(0)
        elif not citizen:
            counts[-1] += 1
        last = moment
    return len(counts), sum(count > 0 for count in counts), sum(counts)


def test_a_walk_through_ok_gives_the_truth(client: Client) -> None:
    count = Count()
    group = ok(client, "url.getInfo", url="https://ok.ru/ok_moygorod")["objectIdStr"]
    second = ok(client, "url.getInfo", url="https://ok.ru/ok_kray_official")["objectIdStr"]
    for gid in (group, second):
        discussions, anchor = [], ""
        while True:
            page = ok(
                client, "discussions.getList", gid=gid, count=3, **({"anchor": anchor} if anchor else {})
            )
            discussions += page["discussions"]
            anchor = page["anchor"]
            if not page["has_more"]:
                break
        assert len({one["object_id"] for one in discussions}) == len(discussions) > 5
        for one in discussions:
            known = {"discussionId": one["object_id"], "discussionType": "GROUP_TOPIC", "count": 4}
            comments, anchor = [], ""
            while True:
                page = ok(
                    client, "discussions.getComments", **known, **({"anchor": anchor} if anchor else {})
                )
                comments += page["comments"]
                anchor = page["anchor"]
                if not page["has_more"]:
                    break
            assert len(comments) == one["total_comments_count"]
            for comment in comments:
                citizen = comment.get("author_type") != "GROUP" and comment["type"] == "ACTIVE_MESSAGE"
                count.add(comment["id"], comment.get("reply_to_comment_id"), citizen=citizen)
    assert count.result() == said(client, "ok")
    topics = ok(client, "mediatopic.getByIds", topic_ids=",".join(one["object_id"] for one in discussions))
    assert [one["id"] for one in topics["media_topics"]] == [one["object_id"] for one in discussions]
    moment = dt.datetime.fromtimestamp(topics["media_topics"][0]["created_ms"] / 1000, dt.UTC)
    assert discussions[0]["creation_date"] == f"{moment + dt.timedelta(hours=3):%Y-%m-%d %H:%M:%S}"


def test_ok_refuses_in_its_own_way(client: Client) -> None:
    form = {"application_key": client.world.token("ok-key"), "method": "group.getInfo", "uids": "1"}
    form |= {"access_token": client.world.token("ok"), "sig": "0" * 32}
    answer = ask(client, "POST", "/ok/fb.do", form=form)
    assert (answer.status, answer.json()["error_code"]) == (200, 104)
    assert ok(client, "group.getAll")["error_code"] == 3
    assert ok(client, "discussions.getList", gid="5")["error_code"] == 300
    closed = ok(client, "url.getInfo", url="ok.ru/ok_sever")["objectIdStr"]
    assert ok(client, "discussions.getList", gid=closed)["error_code"] == 7
    assert ok(client, "url.getInfo", url="https://ok.ru/nobody") == {"type": "UNKNOWN"}
    client.control("POST", "faults", [{"kind": "api_error", "method": "group.getInfo", "code": 102}])
    assert ok(client, "group.getInfo", uids=closed)["error_code"] == 102
    assert ok(client, "group.getInfo", uids=closed)[0]["private"] is True


def test_the_updates_of_telegram_give_the_truth(client: Client) -> None:
    every = updates(client)
    numbers = [update["update_id"] for update in every]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert telegram(client, "getUpdates")["result"] == []  # what was confirmed is gone
    count, chats, forwards = Count(), {}, {}
    for update in every:
        message = update.get("message") or update.get("business_message")
        if message is None:
            continue
        if message["chat"]["type"] == "private":
            if message["text"] != "/start":
                chats.setdefault(message["chat"]["id"], []).append(
                    (message["date"], message["from"]["id"] == message["chat"]["id"])
                )
        elif message.get("is_automatic_forward"):
            forwards[message["chat"]["id"], message["message_id"]] = message
        else:
            thread = (message["chat"]["id"], message["message_thread_id"])
            reply = message["reply_to_message"]
            parent = None if reply["message_id"] == thread[1] else (thread[0], reply["message_id"])
            assert thread in forwards
            count.add((thread[0], message["message_id"]), parent, citizen="sender_chat" not in message)
    bots = [sessions(messages) for messages in chats.values()]
    totals = tuple(sum(part) for part in zip(count.result(), *bots, strict=True))
    assert totals == said(client, "telegram")
    assert len(bots) < sum(one[0] for one in bots)  # some citizens come back
    kinds = Counter(name for update in every for name in update if name != "update_id")
    assert set(kinds) >= {"edited_message", "channel_post", "deleted_business_messages"}


def test_telegram_forgets_what_nobody_fetches_for_a_day(play: Callable[..., Client]) -> None:
    client = play(scenario_from(document()))
    one = telegram(client, "getUpdates", limit=1)["result"]
    oldest = next(iter(update for name, update in one[0].items() if name != "update_id"))
    assert oldest["date"] >= client.world.now - 86_400
    assert telegram(client, "getUpdates", limit=1)["result"] == one  # nothing was confirmed
    assert telegram(client, "getUpdates", offset=-1)["result"][0]["update_id"] > one[0]["update_id"]
    client.control("DELETE", "telegram")
    assert telegram(client, "getUpdates", limit=1)["result"] == one


def test_telegram_refuses_in_its_own_way(client: Client) -> None:
    wrong = ask(client, "GET", "/telegram/bot1:wrong/getMe")
    assert (wrong.status, wrong.json()["ok"]) == (401, False)
    assert telegram(client, "getChat", chat_id="@telegram_sever")["error_code"] == 403
    assert telegram(client, "getChat", chat_id="@telegram_arhiv")["error_code"] == 400
    assert telegram(client, "setWebhook", url="https://example.org/hook")["result"] is True
    assert telegram(client, "getUpdates")["error_code"] == 409
    assert telegram(client, "getWebhookInfo")["result"]["url"] == "https://example.org/hook"
    assert telegram(client, "deleteWebhook")["ok"]
    client.control("POST", "faults", [{"kind": "http_429", "path_contains": "telegram", "retry_after": 3}])
    assert telegram(client, "getUpdates")["parameters"] == {"retry_after": 3}
    allowed = telegram(client, "getUpdates", allowed_updates='["channel_post"]', timeout=0)
    assert allowed["ok"]


def max_history(client: Client, chat: int) -> list[dict[str, Any]]:
    every: list[dict[str, Any]] = []
    newest: dict[str, Any] = {}
    while page := max_api(client, "messages", chat_id=chat, count=7, **newest)["messages"]:
        every += page
        newest = {"from": page[-1]["timestamp"] - 1}
    return every


def max_chats(client: Client) -> list[dict[str, Any]]:
    chats: list[dict[str, Any]] = []
    marker: dict[str, Any] = {}
    while True:
        page = max_api(client, "chats", count=20, **marker)
        chats += page["chats"]
        if page["marker"] is None:
            return chats
        marker = {"marker": page["marker"]}


def test_the_history_of_max_gives_the_truth(client: Client) -> None:
    count, bots = Count(), []
    for chat in max_chats(client):
        history = max_history(client, chat["chat_id"])
        assert len({message["body"]["mid"] for message in history}) == len(history)
        if chat["type"] == "dialog":
            words = [(one["timestamp"] // 1000, not one["sender"]["is_bot"]) for one in history]
            bots.append(sessions(words))
        elif chat["type"] == "chat":
            forwards = {one["body"]["mid"] for one in history if one["link"]["type"] == "forward"}
            for one in sorted(history, key=lambda message: message["timestamp"]):
                mid = one["body"]["mid"]
                if mid not in forwards:
                    answered = one["link"]["message"]["mid"]
                    parent = None if answered in forwards else answered
                    gone = parent is not None and parent not in count.parents  # a reply to what was deleted
                    if not gone:
                        count.add(mid, parent, citizen="sender" in one)
    totals = tuple(sum(part) for part in zip(count.result(), *bots, strict=True))
    assert totals == said(client, "max")


def test_max_hands_updates_out_by_marker(client: Client) -> None:
    first = max_api(client, "updates", limit=10, timeout=0)
    assert max_api(client, "updates", limit=10, timeout=0) == first  # nothing was committed
    second = max_api(client, "updates", limit=10, timeout=0, marker=first["marker"])
    assert second["updates"][0] not in first["updates"]
    assert max_api(client, "updates", limit=10, timeout=0) == second
    kinds = Counter(update["update_type"] for update in max_api(client, "updates", limit=1000)["updates"])
    assert set(kinds) == {"message_created", "message_edited", "message_removed", "bot_started"}


def test_max_refuses_in_its_own_way(client: Client) -> None:
    assert ask(client, "GET", "/max/me", header="wrong").status == 401
    assert ask(client, "GET", f"/max/me?access_token={client.world.token('max')}").status == 401
    token = client.world.token("max")
    assert ask(client, "GET", "/max/chats/max_sever", header=token).status == 403
    assert ask(client, "GET", "/max/chats/max_arhiv", header=token).status == 404
    assert (
        ask(client, "POST", "/max/subscriptions", header=token, form={"url": "https://x.org"}).status == 200
    )
    assert ask(client, "GET", "/max/updates", header=token).status == 405
    assert ask(client, "DELETE", "/max/subscriptions", header=token, url="https://x.org").status == 200
    assert ask(client, "GET", "/max/messages", header=token, chat_id=-71, timeout=0).status == 403


def test_messages_can_be_written_now(client: Client) -> None:
    page = 240_000_200
    updates(client)
    wish = {"network": "telegram", "page": page, "text": "Где автобус?"}
    comment = client.control("POST", "messages", wish).json()
    answer = {**wish, "text": "Едет.", "speaker": "page", "reply_to": comment["id"]}
    assert client.control("POST", "messages", answer).status == 200
    edit = {**wish, "text": "Где автобус 5?", "edit": comment["id"]}
    assert client.control("POST", "messages", edit).status == 200
    first, second, third = updates(client)[-3:]
    assert first["message"]["text"] == "Где автобус 5?"
    assert second["message"]["reply_to_message"]["message_id"] == comment["id"]
    assert third["edited_message"]["edit_date"] == client.world.now
    chat = {"network": "max", "chat": 77, "text": "Здравствуйте"}
    assert client.control("POST", "messages", chat).status == 200
    assert [one["type"] for one in max_chats(client) if one["chat_id"] == 80_000_000_077] == ["dialog"]
    assert client.control("POST", "messages", {"network": "fax", "text": "?"}).status == 400


def _telegram_schema() -> Registry[Any]:
    spec = json.loads((SCHEMAS / "telegram" / "api.min.json").read_text("utf-8"))
    basic = {
        "Integer": {"type": "integer"},
        "Float": {"type": "number"},
        "String": {"type": "string"},
        "Boolean": {"type": "boolean"},
    }

    def of(kind: str) -> dict[str, Any]:
        if kind.startswith("Array of "):
            return {"type": "array", "items": of(kind.removeprefix("Array of "))}
        return basic.get(kind) or {"$ref": f"urn:telegram#/$defs/{kind}"}

    definitions = {
        name: {"anyOf": [of(one) for one in entry["subtypes"]]}
        if entry.get("subtypes")
        else {
            "type": "object",
            "properties": {
                one["name"]: {"anyOf": [of(kind) for kind in one["types"]]} for one in entry.get("fields", [])
            },
            "required": [one["name"] for one in entry.get("fields", []) if one["required"]],
            "additionalProperties": False,
        }
        for name, entry in spec["types"].items()
    }
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": definitions}
    return Registry().with_resource("urn:telegram", DRAFT202012.create_resource(schema))


def check(registry: Registry[Any], reference: str, answer: Any) -> None:
    validator = Draft202012Validator({"$ref": reference}, registry=registry)
    assert [f"{one.json_path}: {one.message[:200]}" for one in validator.iter_errors(answer)] == []


@needs_schemas
def test_telegram_answers_as_its_specification_says(client: Client) -> None:
    registry = _telegram_schema()
    for update in updates(client):
        check(registry, "urn:telegram#/$defs/Update", update)
    check(registry, "urn:telegram#/$defs/User", telegram(client, "getMe")["result"])
    for name in ("@telegram_moygorod", "-1002240000200"):
        check(
            registry, "urn:telegram#/$defs/ChatFullInfo", telegram(client, "getChat", chat_id=name)["result"]
        )
    check(registry, "urn:telegram#/$defs/WebhookInfo", telegram(client, "getWebhookInfo")["result"])
    with pytest.raises(AssertionError, match="is not valid under any"):
        check(registry, "urn:telegram#/$defs/Update", {"message": {}})


def _nullable(node: Any) -> Any:
    """OpenAPI 3.0 says `nullable`, JSON Schema says null."""
    if isinstance(node, list):
        return [_nullable(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {
        name: _nullable(value) for name, value in node.items() if name not in {"nullable", "discriminator"}
    }
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


@needs_schemas
def test_max_answers_as_its_openapi_says(client: Client) -> None:
    told = _nullable(yaml.safe_load((SCHEMAS / "max" / "schema.yaml").read_text("utf-8")))
    schemas = told["components"]["schemas"]
    # An update is one of its inheritors, which repeat `Update` itself: the discriminator tells which.
    kinds = {
        "message_created": "MessageCreatedUpdate",
        "message_edited": "MessageEditedUpdate",
        "message_removed": "MessageRemovedUpdate",
        "bot_started": "BotStartedUpdate",
    }
    del schemas["Update"]["oneOf"]
    registry: Registry[Any] = Registry().with_resource(
        "urn:max", Resource.from_contents(told, default_specification=DRAFT202012)
    )
    where = "urn:max#/components/schemas/"
    answer = max_api(client, "updates", limit=1000)
    check(registry, f"{where}UpdateList", answer)
    assert {update["update_type"] for update in answer["updates"]} == set(kinds)
    for update in answer["updates"]:
        check(registry, where + kinds[update["update_type"]], update)
    check(registry, f"{where}ChatList", max_api(client, "chats", count=100))
    for chat in max_chats(client)[:12]:
        check(
            registry, f"{where}MessageList", max_api(client, "messages", chat_id=chat["chat_id"], count=100)
        )
    check(registry, f"{where}Chat", max_api(client, "chats/max_moygorod"))
    check(registry, f"{where}BotInfo", max_api(client, "me"))
    check(registry, f"{where}GetSubscriptionsResult", max_api(client, "subscriptions"))
    with pytest.raises(AssertionError, match="is a required property"):
        check(registry, f"{where}ChatList", {"chats": [{}], "marker": None})
