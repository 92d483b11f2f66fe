"""Votes and polls of ПОС: the whole list at each poll, of which only what changed lands."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from ingestion.pos.client import VOTES, PosClient
from ingestion.run import Batch, Run
from ingestion.shape import LIST, NULL, NUMBER, TEXT, Shape, page_items
from ingestion.surveys.rows import SAFE_FIELDS, option_row, surveys_of
from ingestion.tables import Row

VOTE = Shape(
    required={"id": TEXT, "title": TEXT, "starts_on": TEXT, "questions": LIST},
    optional={"ends_on": TEXT, "territory": TEXT, "participants": NUMBER},
)
QUESTION = Shape(required={"id": TEXT, "text": TEXT, "options": LIST}, optional={})
OPTION = Shape(required={"id": TEXT, "text": TEXT, "votes": (int, NULL)}, optional={"territory": TEXT})
_CHANNEL = "pos"


def read_votes(run: Run, client: PosClient) -> Iterator[Batch]:
    """Votes that are new or changed since the last load."""
    surveys, options = run.tallies["surveys"], run.tallies["options"]
    known: dict[str, str] = dict(run.state.get("votes", {}))
    for body in client.pages({}, VOTES, promised=bool(known)):
        page = page_items("pos.votes", body)
        surveys.unknown_fields |= VOTE.check("pos.votes", page)
        surveys.received += len(page)
        lines: list[tuple[Row, Row]] = []
        for vote in page:
            digest = hashlib.sha256(orjson.dumps(vote, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
            if known.get(vote["id"]) == digest:
                surveys.skipped_unchanged += 1
                continue
            try:
                found = [option_row(record) for record in _records(vote)]
                if not found:
                    raise ValueError("there are no options")
            except ValueError as error:
                detail = f"In this vote {error}."
                run.quarantine(
                    "surveys", vote["id"], "unusable vote", detail, {"title": vote["title"]}, SAFE_FIELDS
                )
                continue
            lines += found
            known[vote["id"]] = digest
        options.received += len(lines)
        yield from run.land("surveys", surveys_of(lines))
        yield from run.land("options", [option for _, option in lines])
    run.state["votes"] = known


def _records(vote: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One flat record per option, as a line of a file would tell it."""
    QUESTION.check("pos.votes.questions", vote["questions"])
    for question in vote["questions"]:
        OPTION.check("pos.votes.options", question["options"])
        for option in question["options"]:
            yield {
                "survey_id": vote["id"],
                "title": vote["title"],
                "starts_on": vote["starts_on"],
                "ends_on": vote.get("ends_on"),
                "channel": _CHANNEL,
                "territory": option.get("territory") or vote.get("territory"),
                "participants": vote.get("participants"),
                "question_id": question["id"],
                "question": question["text"],
                "option_id": option["id"],
                "option": option["text"],
                "votes": option["votes"],
            }
