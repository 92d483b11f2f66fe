"""VK's discussion boards and polls as its API tells them."""

from __future__ import annotations

from typing import Any

from sandbox.boards import BoardComment, BoardTopic, board_text
from sandbox.noise import mix
from sandbox.scenario import Page
from sandbox.servers.vk_objects import poll_object
from sandbox.world import World


def topics_answer(world: World, page: Page, order: int, offset: int, count: int) -> dict[str, Any]:
    """Topics of a board; order 1 and -1 go by the last comment, 2 and -2 by the first, minus is ascending."""
    topics = [topic for topic in world.boards.get(page.id, []) if _visible(world, topic)]
    topics.sort(
        key=lambda topic: (_visible(world, topic)[-1 if abs(order) == 1 else 0].date, topic.id),
        reverse=order > 0,
    )
    return {
        "count": len(topics),
        "items": [_topic_object(world, topic) for topic in topics[offset : offset + count]],
        "default_order": 1,
        "can_add_topics": 1,
    }


def comments_answer(
    world: World, page: Page, topic_id: int, start: int, offset: int, count: int, newest: bool, likes: bool
) -> dict[str, Any] | None:
    """Comments of a topic from comment `start` on; None where there is no such topic."""
    topic = next((one for one in world.boards.get(page.id, []) if one.id == topic_id), None)
    if topic is None:
        return None
    visible = _visible(world, topic)
    ordered = visible[::-1] if newest else visible
    if start:
        ordered = [one for one in ordered if (one.id <= start if newest else one.id >= start)]
    items = [_comment_object(world, topic, one, likes) for one in ordered[offset : offset + count]]
    return {"count": len(visible), "items": items}


def poll_answer(world: World, owner: int, poll_id: int) -> dict[str, Any] | None:
    """A poll that a visible post carries."""
    for poll in world.scenario.vk.polls:
        if poll.id == poll_id and owner in {0, -poll.page}:
            posts = world.walls.posts[-poll.page]
            if any(post.poll is poll and post.date <= world.now for post in posts):
                return poll_object(world, poll)
    return None


def _visible(world: World, topic: BoardTopic) -> list[BoardComment]:
    return [comment for comment in topic.comments if comment.date <= world.now]


def _topic_object(world: World, topic: BoardTopic) -> dict[str, Any]:
    visible = _visible(world, topic)
    return {
        "id": topic.id,
        "title": topic.title,
        "created": visible[0].date,
        "created_by": visible[0].author,
        "updated": visible[-1].date,
        "updated_by": visible[-1].author,
        "is_closed": 0,
        "is_fixed": 0,
        "comments": len(visible),
    }


def _comment_object(world: World, topic: BoardTopic, comment: BoardComment, likes: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "id": comment.id,
        "from_id": comment.author,
        "date": comment.date,
        "text": board_text(world, topic, comment),
    }
    if likes:
        result["likes"] = {"count": mix(comment.id + topic.id) % 5, "user_likes": 0, "can_like": 1}
    return result
