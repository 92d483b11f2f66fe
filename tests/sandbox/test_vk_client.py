"""`vk_api`, a client that knows nothing of us, reads the sandbox's VK and is content."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import vk_api

from sandbox.kit import Sandbox, launch


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    page = Path(__file__).parents[2].joinpath("docs", "scenarios.md").read_text("utf-8")
    folder = tmp_path_factory.mktemp("vk")
    scenario = folder / "mine.yaml"
    scenario.write_text(page.split("```yaml\n")[1].split("```")[0], "utf-8")
    with launch(scenario, folder / "data") as running:
        yield running


@pytest.fixture(scope="module")
def session(sandbox: Sandbox) -> vk_api.VkApi:
    """The client as it is published; only the address it calls is ours."""
    token = next(value for name, value in sandbox.env.items() if name.endswith("_VK_TOKEN"))

    class Elsewhere(requests.Session):
        def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
            return super().request(
                method, re.sub(r"https://api\.vk\.(com|ru)", f"{sandbox.url}/vk", url), *args, **kwargs
            )

    return vk_api.VkApi(token=token, session=Elsewhere(), api_version="5.199")


def test_walls_comments_boards_and_polls(session: vk_api.VkApi, sandbox: Sandbox) -> None:
    api, tools = session.get_api(), vk_api.VkTools(session)
    wall = tools.get_all_slow("wall.get", 100, {"owner_id": -230000001})
    assert wall["count"] == len(wall["items"])
    talked = next(post for post in wall["items"] if post["comments"]["count"])
    comments = api.wall.getComments(owner_id=-230000001, post_id=talked["id"], thread_items_count=10)
    assert comments["items"]
    topics = api.board.getTopics(group_id=230000001)["items"]
    said = api.board.getComments(group_id=230000001, topic_id=topics[0]["id"])
    assert said["count"] == topics[0]["comments"]
    assert api.polls.getById(owner_id=-230000001, poll_id=501)["votes"] == 200
    groups = api.groups.getById(group_ids="230000001,moygorod", fields="members_count")["groups"]
    assert groups[0]["members_count"] == 4000


def test_execute_and_errors_are_what_the_client_expects(session: vk_api.VkApi) -> None:
    calls = [f"API.wall.get({json.dumps({'owner_id': -230000001, 'count': 1})})"] * 2
    assert len(session.method("execute", {"code": f"return [{', '.join(calls)}];"})) == 2
    with pytest.raises(vk_api.exceptions.ApiError, match="only for community members"):
        session.get_api().wall.get(owner_id=-230000003)
