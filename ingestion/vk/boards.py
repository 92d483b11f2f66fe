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
from ingestion.privacy import clean, mask
from ingestion.run import Batch, Run
from ingestion.shape import FLAG, LIST, NUMBER, OBJECT, TEXT, Shape, page_items
from ingestion.tables import Row
from ingestion.vk.client import EXECUTE_CALLS, PAGE, Call, Skipped, Stopped, VkClient, stop_among
from ingestion.vk.rows import SAFE_FIELDS, ImpossibleDateError, count_of, moment, whole_number

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
        self._missing = 0  # topics and comments that VK counts and did not show

    def read(self, owners: Sequence[int], all_boards: bool) -> Iterator[Batch]:
        """Messages of topics that grew; `all_boards` looks at every community, else at those with topics."""
        run = self._run
        asked = list(owners) if all_boards or not run.live else [o for o in owners if str(o) in self._memory]
        if not asked or not (all_boards or not run.live or self._is_due()):
            return
        yield from self._comments(list(self._topics(asked)))
        if run.live:
            run.state["boards"] = self._memory
            # What lacks twice in a row is not there; else the next load looks again at once.
            if self._missing == run.state.get("boards_short", 0) or not self._missing:
                run.state["boards_asked"] = to_unix(run.fetched_at)
            else:
                run.state["boards_asked"] = 0
                self._tally.note(
                    f"VK counts {self._missing} more topics and comments of boards than it shows."
                )
            run.state["boards_short"] = self._missing

    def _is_stopped(self, answers: Sequence[Any]) -> bool:
        """Whether a daily limit ends the reading; what was not read is no part of the memory."""
        if stopped := stop_among(answers):
            self._tally.note(f"VK's daily limit of {stopped.method} is reached, boards wait until tomorrow.")
        return stopped is not None

    def _is_due(self) -> bool:
        return to_unix(self._run.fetched_at) - int(self._run.state.get("boards_asked", 0)) >= ASK_EVERY

    def _topics(self, owners: Sequence[int]) -> Iterator[Topic]:
        """Topics with comments that have not landed (live), or that moved since the window began."""
        waiting = [(owner, 0, 1) for owner in owners]
        shown: dict[int, set[int]] = {}
        while waiting:
            batch, waiting = waiting[:EXECUTE_CALLS], waiting[EXECUTE_CALLS:]
            calls = [
                Call(
                    "board.getTopics",
                    {"group_id": -owner, "order": 1, "count": PAGE, "offset": offset},
                    f"club{-owner}",
                )
                for owner, offset, _ in batch
            ]
            answers = self._client.execute(calls, self._tally)
            for (owner, offset, asked), answer in zip(batch, answers, strict=True):
                if isinstance(answer, Skipped | Stopped):
                    continue  # a closed wall is noted where posts are read, a board that is off is no news
                items = page_items("vk.topics", answer)
                total = whole_number(answer.get("count"))
                if self._is_lost(items, offset, total, asked):
                    waiting.append((owner, offset, asked + 1))
                    continue
                self._tally.unknown_fields |= TOPIC.check("vk.topics", items)
                if total:
                    self._memory.setdefault(str(owner), {})
                there = shown.setdefault(owner, set())
                fresh = [one for one in items if one["id"] not in there]
                there |= {one["id"] for one in items}
                yield from self._grown(owner, fresh)
                if (len(items) == PAGE) if total is None else (offset + PAGE < total):
                    waiting.append((owner, offset + PAGE, 1))
                else:
                    self._missing += max(0, (total or 0) - len(there))
            if self._is_stopped(answers):
                return

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

    def _is_lost(self, items: Sequence[Any], offset: int, total: int | None, asked: int) -> bool:
        """Whether an empty page was promised to hold something and is to be asked for again."""
        lost = not items and offset < (total or 0) and asked < self._run.settings.patience.attempts
        self._tally.retries += lost
        return lost

    def _comments(self, topics: Sequence[Topic]) -> Iterator[Batch]:
        waiting = [(topic, topic.skip, 1) for topic in topics]
        shown: dict[str, set[int]] = {}
        while waiting:
            batch, waiting = waiting[:EXECUTE_CALLS], waiting[EXECUTE_CALLS:]
            calls = [_comments_call(topic, offset) for topic, offset, _ in batch]
            answers = self._client.execute(calls, self._tally)
            rows: list[Row] = []
            for (topic, offset, asked), answer in zip(batch, answers, strict=True):
                if isinstance(answer, Stopped):
                    continue
                if isinstance(answer, Skipped):
                    self._tally.note(f"Comments of {topic.page} were skipped: {answer.reason}.")
                    continue
                items = page_items("vk.messages", answer)
                if self._is_lost(items, offset, topic.comments, asked):
                    waiting.append((topic, offset, asked + 1))
                    continue
                self._tally.unknown_fields |= COMMENT.check("vk.messages", items)
                there = shown.setdefault(topic.key, set())
                rows += self._rows(topic, [one for one in items if one["id"] not in there])
                there |= {one["id"] for one in items}
                if len(items) == PAGE or offset + PAGE < topic.comments:
                    waiting.append((topic, offset + PAGE, 1))
                    continue
                self._missing += max(0, topic.comments - topic.skip - len(there))
                if self._run.live:
                    # After a gap all is read anew, for nothing says where it was.
                    end = offset + len(items)
                    read = end if topic.skip + len(there) >= end else topic.skip
                    self._memory[str(topic.owner_id)][str(topic.topic_id)] = read
            yield from self._run.land("messages", rows)
            if self._is_stopped(answers):
                return

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
                "reply_to": _answered(clean(record["text"]), topic.owner_id),
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
