"""VK's answers obey the published schema (draft-03: `required: true` on the properties themselves)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from sandbox.faults import Faults
from sandbox.scenario import load_scenario, scenario_from
from sandbox.servers.vk_hooks import VkHooks

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client

SCHEMAS = Path(__file__).resolve().parents[3] / "shared" / "schemas" / "vk"
pytestmark = pytest.mark.skipif(
    not SCHEMAS.exists(), reason="the published schemas lie beside the repository"
)
_BASE = "https://schemas.example.org/vk/"
_OFFICE = -220100101


def _lifted(node: Any) -> Any:
    """Draft-03's `required: true` on a property becomes the object's list of required properties.

    `additionalProperties: false` goes: beneath an `allOf` it forbids the other branches' own properties,
    and live answers carry fields that the schema lacks.
    """
    if isinstance(node, list):
        return [_lifted(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {
        name: _lifted(value)
        for name, value in node.items()
        if not (name in {"required", "additionalProperties"} and isinstance(value, bool))
    }
    properties = node.get("properties")
    if isinstance(properties, dict):
        required = [
            name
            for name, value in properties.items()
            if isinstance(value, dict) and value.get("required") is True
        ]
        if required:
            result["required"] = required
    return result


def _anything(uri: str) -> Resource[Any]:
    """Files of the schema that are not here (photos, market, …) accept what they like."""

    class _Any(dict[str, Any]):
        def __missing__(self, key: str) -> dict[str, Any]:
            return _Any()

        def __contains__(self, key: object) -> bool:
            return True

    return Resource.from_contents({"definitions": _Any()}, default_specification=DRAFT7)


@pytest.fixture(scope="module")
def registry() -> Registry[Any]:
    resources = [
        (
            f"{_BASE}{path.relative_to(SCHEMAS)}",
            DRAFT7.create_resource(
                _lifted({k: v for k, v in json.loads(path.read_text("utf-8")).items() if k != "$schema"})
            ),
        )
        for path in SCHEMAS.glob("**/*.json")
    ]
    return Registry(retrieve=_anything).with_resources(resources)


@pytest.fixture(scope="module")
def client(play: Callable[..., Client]) -> Client:
    return play(load_scenario("demo"))


def _check(registry: Registry[Any], file: str, name: str, answer: Any) -> None:
    validator = Draft7Validator({"$ref": f"{_BASE}{file}#/definitions/{name}"}, registry=registry)
    problems = [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(answer)]
    assert problems == []


def test_the_schema_would_object(registry: Registry[Any]) -> None:
    with pytest.raises(AssertionError, match="'count' is a required property"):
        _check(registry, "wall/responses.json", "wall_get_response", {"response": {"items": []}})
    wrong = {"response": {"count": 1, "items": [{"id": "7", "from_id": 1, "date": 1, "text": ""}]}}
    with pytest.raises(AssertionError, match="is not of type 'integer'"):
        _check(registry, "wall/responses.json", "wall_getComments_response", wrong)


def test_walls(client: Client, registry: Registry[Any]) -> None:
    plain = client.vk("wall.get", owner_id=_OFFICE, count=100)
    _check(registry, "wall/responses.json", "wall_get_response", plain)
    extended = client.vk("wall.get", owner_id=_OFFICE, count=100, extended=1)
    _check(registry, "wall/responses.json", "wall_get_extended_response", extended)


def test_comments_deleted_ones_and_threads(client: Client, registry: Registry[Any]) -> None:
    deleted = 0
    posts = client.vk("wall.get", owner_id=_OFFICE, count=100)["response"]["items"]
    for post in [post for post in posts if post["comments"]["count"]][:40]:
        ask = {"owner_id": _OFFICE, "post_id": post["id"], "count": 100, "need_likes": 1, "preview_length": 0}
        answer = client.vk("wall.getComments", **ask, thread_items_count=10)
        _check(registry, "wall/responses.json", "wall_getComments_response", answer)
        deleted += sum(root.get("deleted", False) for root in answer["response"]["items"])
    assert deleted


def test_groups_search_statistics_and_errors(client: Client, registry: Registry[Any]) -> None:
    ids = ",".join(str(page.id) for page in client.world.scenario.pages)
    fields = "members_count,description,cover,verified,status,city,menu,activity,site,has_photo,wall"
    groups = client.vk("groups.getById", group_ids=ids, fields=fields)
    assert len(groups["response"]["groups"]) == len(client.world.scenario.pages)
    _check(registry, "groups/responses.json", "groups_getById_object_response", groups)
    found = client.vk("newsfeed.search", q="Озёрск", count=200, start_time=0)
    assert found["response"]["items"]
    _check(registry, "newsfeed/responses.json", "newsfeed_search_response", found)
    days = client.vk("stats.get", group_id=-_OFFICE, timestamp_from=0)
    assert len(days["response"]) == 365
    _check(registry, "stats/responses.json", "stats_get_response", days)
    error = {"inner_type": "base_error", **client.vk("wall.get")["error"]}
    _check(registry, "base/objects.json", "base_error", error)


def test_callbacks(client: Client, registry: Registry[Any]) -> None:
    events = VkHooks(client.world, Faults()).events()
    kinds = {event["type"] for event in events}
    assert kinds == {f"wall_reply_{kind}" for kind in ("new", "edit", "restore", "delete")}
    assert len({event["event_id"] for event in events}) == len(events)
    # Of each kind some: tens of thousands say nothing more.
    for kind in sorted(kinds):
        for event in [event for event in events if event["type"] == kind][:100]:
            _check(registry, "callback/objects.json", "callback_base", event)
            said = "wall_comment_delete" if kind == "wall_reply_delete" else kind
            _check(registry, "callback/objects.json", f"callback_{said}", event["object"])
    with pytest.raises(AssertionError, match="'event_id' is a required property"):
        _check(
            registry, "callback/objects.json", "callback_base", {"type": kinds.pop(), "group_id": 1, "v": ""}
        )


def test_boards_and_polls(registry: Registry[Any], play: Callable[..., Client]) -> None:
    page = Path(__file__).parents[2].joinpath("docs", "scenarios.md").read_text("utf-8")
    client = play(scenario_from(yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])))
    topics = client.vk("board.getTopics", group_id=230000001, count=100)
    _check(registry, "board/responses.json", "board_getTopics_response", topics)
    assert topics["response"]["items"]
    for topic in topics["response"]["items"]:
        asked = {"group_id": 230000001, "topic_id": topic["id"], "count": 100, "need_likes": 1}
        comments = client.vk("board.getComments", **asked)
        _check(registry, "board/responses.json", "board_getComments_response", comments)
        assert len(comments["response"]["items"]) == topic["comments"]
    poll = client.vk("polls.getById", owner_id=-230000001, poll_id=501)
    _check(registry, "polls/responses.json", "polls_getById_response", poll)
    posts = client.vk("wall.get", owner_id=-230000001, count=100)
    _check(registry, "wall/responses.json", "wall_get_response", posts)
    attached = [one["poll"] for post in posts["response"]["items"] for one in post["attachments"]]
    assert attached == [poll["response"]]
