"""Discussion boards: topics that moved since they were last read, and what was written into them.

A board has no branches: a page answers by naming the comment (`[id77:bp-101_5|Имя], …`), and only such an
answer can be told from the page's other words. Topics are looked for once a day, then asked about hourly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ingestion.clock import to_unix
from ingestion.privacy import mask
from ingestion.run import Batch, Run
from ingestion.shape import FLAG, LIST, NUMBER, OBJECT, TEXT, Shape, page_items
from ingestion.tables import Row
from ingestion.vk.client import EXECUTE_CALLS, PAGE, Call, MethodStopped, Skipped, VkClient
from ingestion.vk.rows import SAFE_FIELDS, ImpossibleDateError, count_of, moment

ASK_EVERY = 3600  # seconds between two looks at boards that have topics
_REFERENCE = re.compile(r"\[(?:id|club|public)\d+:bp-(\d+)_(\d+)\|")

TOPIC = Shape(
    required={"id": NUMBER, "comments": NUMBER, "updated": NUMBER},
    optional={
        **dict.fromkeys(("title", "first_comment", "last_comment"), TEXT),
        **dict.fromkeys(("created", "created_by", "updated_by", "is_closed", "is_fixed"), FLAG + NUMBER),
    },
)
COMMENT = Shape(
    required={"id": NUMBER, "from_id": NUMBER, "date": NUMBER, "text": TEXT},
    optional={"likes": OBJECT, "attachments": LIST, "can_edit": FLAG + NUMBER, "real_offset": NUMBER},
)


@dataclass(frozen=True)
class Topic:
    """A topic whose comments are to be read, from the `skip`-th on; `comments` is how many it has now."""

    owner_id: int
    topic_id: int
    skip: int
    comments: int

    @property
    def key(self) -> str:
        return f"{self.owner_id}_{self.topic_id}"

    @property
    def page(self) -> str:
        return f"club{-self.owner_id}, topic {self.topic_id}"


class BoardReader:
    """Live, it remembers in `state['boards']` how many comments of each topic have landed, by wall."""

    def __init__(self, run: Run, client: VkClient) -> None:
        self._run, self._client = run, client
        self._tally = run.tallies["messages"]
        self._memory: dict[str, dict[str, int]] = dict(run.state.get("boards", {})) if run.live else {}

    def read(self, owners: Sequence[int], all_boards: bool) -> Iterator[Batch]:
        """Messages of topics that grew; `all_boards` looks at every community, else at those with topics."""
        run = self._run
        asked = list(owners) if all_boards or not run.live else [o for o in owners if str(o) in self._memory]
        if not asked or not (all_boards or not run.live or self._is_due()):
            return
        try:
            yield from self._comments(list(self._topics(asked)))
        except MethodStopped as stopped:
            self._tally.note(f"VK's daily limit of {stopped.method} is reached, boards wait until tomorrow.")
        if run.live:
            run.state["boards"] = self._memory
            run.state["boards_asked"] = to_unix(run.fetched_at)

    def _is_due(self) -> bool:
        return to_unix(self._run.fetched_at) - int(self._run.state.get("boards_asked", 0)) >= ASK_EVERY

    def _topics(self, owners: Sequence[int]) -> Iterator[Topic]:
        """Topics with comments that have not landed (live), or that moved since the window began."""
        waiting = [(owner, 0) for owner in owners]
        while waiting:
            batch, waiting = waiting[:EXECUTE_CALLS], waiting[EXECUTE_CALLS:]
            calls = [
                Call(
                    "board.getTopics",
                    {"group_id": -owner, "order": 1, "count": PAGE, "offset": offset},
                    f"club{-owner}",
                )
                for owner, offset in batch
            ]
            answers = self._client.execute(calls, self._tally)
            for (owner, offset), answer in zip(batch, answers, strict=True):
                if isinstance(answer, Skipped):
                    continue  # a closed wall is noted where posts are read, a board that is off is no news
                items = page_items("vk.topics", answer)
                self._tally.unknown_fields |= TOPIC.check("vk.topics", items)
                yield from self._grown(owner, items)
                if len(items) == PAGE:
                    waiting.append((owner, offset + PAGE))

    def _grown(self, owner: int, items: Sequence[Mapping[str, Any]]) -> Iterator[Topic]:
        window = self._run.window
        known = self._memory.setdefault(str(owner), {}) if items else {}
        for one in items:
            landed = known.get(str(one["id"]), 0)
            if window is not None:
                if one["updated"] >= to_unix(window.since):
                    yield Topic(owner, one["id"], 0, one["comments"])
            elif one["comments"] != landed:
                # deleted comments shift the rest: then the topic is read anew
                yield Topic(owner, one["id"], landed if one["comments"] > landed else 0, one["comments"])

    def _comments(self, topics: Sequence[Topic]) -> Iterator[Batch]:
        waiting = [(topic, topic.skip) for topic in topics]
        while waiting:
            batch, waiting = waiting[:EXECUTE_CALLS], waiting[EXECUTE_CALLS:]
            calls = [_comments_call(topic, offset) for topic, offset in batch]
            answers = self._client.execute(calls, self._tally)
            rows: list[Row] = []
            for (topic, offset), answer in zip(batch, answers, strict=True):
                if isinstance(answer, Skipped):
                    self._tally.note(f"Comments of {topic.page} were skipped: {answer.reason}.")
                    continue
                items = page_items("vk.messages", answer)
                self._tally.unknown_fields |= COMMENT.check("vk.messages", items)
                rows += self._rows(topic, items)
                if len(items) == PAGE:
                    waiting.append((topic, offset + PAGE))
                elif self._run.live:
                    self._memory[str(topic.owner_id)][str(topic.topic_id)] = offset + len(items)
            yield from self._run.land("messages", rows)

    def _rows(self, topic: Topic, items: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
        run = self._run
        for record in items:
            try:
                created_at = moment(record, run.latest)
            except ImpossibleDateError:
                self._tally.received += 1
                detail = "The date is before VK existed or in the future."
                reference = f"{topic.key}_{record['id']}"
                run.quarantine("messages", reference, "impossible date", detail, record, SAFE_FIELDS)
                continue
            if run.window is not None and created_at not in run.window:
                continue
            self._tally.received += 1
            author = record["from_id"]
            yield {
                "page_id": str(topic.owner_id),
                "chat_id": f"topic{topic.topic_id}",
                "message_id": str(record["id"]),
                "place": "post",
                "reply_to": _answered(record["text"], topic.owner_id),
                "author_kind": "page" if author < 0 else "citizen",
                "author_page_id": str(author) if author < 0 else None,
                "author_key": run.pseudonyms.author_key("vk", author) if author > 0 else None,
                "created_at": created_at,
                "edited_at": None,
                "text": mask(record["text"]),
                "likes_count": count_of("vk.messages", record, "likes"),
                "is_deleted": False,
            }


def _answered(text: str, owner_id: int) -> str | None:
    """The comment of this board that the text's first reference names."""
    found = _REFERENCE.search(text)
    return found[2] if found and int(found[1]) == -owner_id else None


def _comments_call(topic: Topic, offset: int) -> Call:
    params = {
        "group_id": -topic.owner_id,
        "topic_id": topic.topic_id,
        "need_likes": 1,
        "count": PAGE,
        "offset": offset,
        "sort": "asc",
    }
    return Call("board.getComments", params, topic.page)
