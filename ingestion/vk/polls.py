"""Polls attached to posts: read when first seen, then once a day while their post is looked back at."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

from ingestion.clock import from_unix
from ingestion.privacy import mask
from ingestion.run import Batch, Run
from ingestion.shape import FLAG, LIST, NUMBER, TEXT, Shape, names
from ingestion.tables import Row
from ingestion.vk.client import EXECUTE_CALLS, Call, Skipped, Stopped, VkClient, stop_among
from ingestion.vk.rows import SAFE_FIELDS, ImpossibleDateError, moment

# poll_id, owner, wall, post, unix date of the post
Seen = tuple[int, int, int, int, int]

POLL = Shape(
    required={"id": NUMBER, "owner_id": NUMBER, "question": TEXT, "created": NUMBER, "answers": LIST},
    optional={"votes": NUMBER, "end_date": NUMBER, "multiple": FLAG},
    ignored=names(
        """
        anonymous can_edit can_vote can_report can_share disable_unvote is_board author_id answer_ids friends
        background photo embed_hash closed
        """
    ),
)
ANSWER = Shape(required={"id": NUMBER, "text": TEXT, "votes": NUMBER}, optional={"rate": (float, int)})
_NO_POLL = {250: "the poll is closed to us", 251: "the poll is gone"}


def polls_of(record: Mapping[str, Any], wall: int) -> Iterator[Seen]:
    """Polls among the attachments of a post."""
    for attachment in record.get("attachments") or []:
        poll = attachment.get("poll") if isinstance(attachment, dict) else None
        if isinstance(poll, dict) and isinstance(poll.get("id"), int):
            yield poll["id"], int(poll.get("owner_id") or wall), wall, record["id"], record["date"]


class PollReader:
    """Live, `state['polls']` holds each poll's place and the day it was last read."""

    def __init__(self, run: Run, client: VkClient, cutoff: int) -> None:
        self._run, self._client = run, client
        old: Mapping[str, list[int]] = run.state.get("polls", {}) if run.live else {}
        self._memory = {key: list(value) for key, value in old.items() if value[4] >= cutoff}

    def read(self, seen: Sequence[Seen]) -> Iterator[Batch]:
        """Polls never read, and those not read today."""
        today = self._run.fetched_at.toordinal()
        for one in seen:
            self._memory.setdefault(f"{one[1]}_{one[0]}", [*one, 0])
        due = [poll for poll in self._memory.values() if poll[5] != today]
        for start in range(0, len(due), EXECUTE_CALLS):
            stopped = yield from self._read_batch(due[start : start + EXECUTE_CALLS], today)
            if stopped:
                self._run.tallies["polls"].note(
                    f"VK's daily limit of {stopped.method} is reached, polls wait until tomorrow."
                )
                break
        if self._run.live:
            self._run.state["polls"] = self._memory

    def _read_batch(self, batch: Sequence[list[int]], today: int) -> Generator[Batch, None, Stopped | None]:
        tally = self._run.tallies["polls"]
        calls = [
            Call(
                "polls.getById",
                {"owner_id": owner, "poll_id": poll_id},
                f"club{-wall}, poll {poll_id}",
            )
            for poll_id, owner, wall, *_ in batch
        ]
        polls: list[Row] = []
        options: list[Row] = []
        answers = self._client.execute(calls, tally, _NO_POLL)
        for place, answer in zip(batch, answers, strict=True):
            if isinstance(answer, Stopped):
                continue
            place[5] = today
            if isinstance(answer, Skipped):
                tally.note(f"Poll {place[0]} of club{-place[2]} was skipped: {answer.reason}.")
                continue
            tally.unknown_fields |= POLL.check("vk.polls", [answer])
            self._run.tallies["poll_options"].unknown_fields |= ANSWER.check(
                "vk.poll_options", answer["answers"]
            )
            tally.received += 1
            try:
                polls.append(self._poll_row(answer, place))
            except ImpossibleDateError:
                detail = "The date is before VK existed or in the future."
                reference = f"{place[1]}_{place[0]}"
                self._run.quarantine("polls", reference, "impossible date", detail, answer, SAFE_FIELDS)
                continue
            options += [
                {
                    "owner_id": place[1],
                    "poll_id": answer["id"],
                    "option_id": one["id"],
                    "text": mask(one["text"]),
                    "votes": one["votes"],
                }
                for one in answer["answers"]
            ]
        self._run.tallies["poll_options"].received += len(options)
        yield from self._run.land("polls", polls)
        yield from self._run.land("poll_options", options)
        return stop_among(answers)

    def _poll_row(self, record: Mapping[str, Any], place: Sequence[int]) -> Row:
        ends = record.get("end_date") or 0
        return {
            "owner_id": place[1],
            "poll_id": record["id"],
            "page_id": place[2],
            "post_id": place[3],
            "question": mask(record["question"]),
            "created_at": moment({"date": record["created"]}, self._run.latest),
            "ends_at": from_unix(ends) if ends else None,
            "is_multiple": bool(record.get("multiple")),
            "votes": record.get("votes"),
        }
