"""Reads ПОС: live by the cursor `updated_at`, or appeals registered in a window; or a folder of exports."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson

from ingestion.clock import iso_z, parse_utc
from ingestion.pos.client import PosClient
from ingestion.pos.exports import read_exports
from ingestion.pos.votes import read_votes
from ingestion.privacy import Pseudonyms, mask_optional
from ingestion.run import Batch, Run
from ingestion.shape import FLAG, LIST, NULL, NUMBER, OBJECT, TEXT, Shape, page_items
from ingestion.tables import Row

APPEAL = Shape(
    required={
        "id": TEXT,
        "kind": TEXT,
        "created_at": TEXT,
        "registered_at": TEXT,
        "updated_at": TEXT,
        "status": TEXT,
        "status_history": LIST,
        "category": (str, NULL),
        "subcategory": (str, NULL),
        "municipality": (str, NULL),
        "text": (str, NULL),
        "answers": LIST,
    },
    optional={
        "fast_track": FLAG,
        "locality": TEXT,
        "street": TEXT,
        "house": TEXT,
        "applicant": OBJECT,
        "organisation": OBJECT,
        "outcome": TEXT,
        "rating": NUMBER,
    },
)
STATUS = Shape(required={"status": TEXT, "at": TEXT}, optional={})
ANSWER = Shape(required={"id": TEXT, "at": TEXT, "kind": TEXT}, optional={"ogrn": TEXT, "text": TEXT})
APPLICANT = Shape(required={}, optional={"id": TEXT, "age_group": TEXT})
ORGANISATION = Shape(required={}, optional={"ogrn": TEXT, "name": TEXT})
_EMPTY: Mapping[str, Any] = {}
_EARLIEST_YEAR = 2005

# What quarantine may show: everything we know, except who the applicant is.
_KEEP = (APPEAL.known | STATUS.known | ANSWER.known | ORGANISATION.known) - {"applicant"}


def read(run: Run) -> Iterator[Batch]:
    """Pages of appeals, each with its statuses and answers."""
    source = run.region.sources.pos
    assert source is not None, "pipeline checks that the source is connected"  # noqa: S101
    if source.folder is not None:
        yield from read_exports(run, source.folder)
        return
    appeals = run.tallies["appeals"]
    boundary = _Boundary(run)
    client = PosClient(source, run.region, run.settings, appeals)
    before: list[Any] = []
    # Asking from the cursor is inclusive: what stands at it must come again.
    for body in client.pages(_filters(run), promised=run.live and "updated_at" in run.state):
        page = page_items("pos.appeals", body)
        appeals.unknown_fields |= APPEAL.check("pos.appeals", page)
        appeals.received += len(page)
        changed = [record for record in page if not boundary.knows(record) and record not in before]
        before = page[-1:]
        appeals.skipped_unchanged += len(page) - len(changed)
        yield from _land(run, changed)
    boundary.remember()
    if source.votes and run.live:
        yield from read_votes(run, PosClient(source, run.region, run.settings, run.tallies["surveys"]))


def _filters(run: Run) -> dict[str, str]:
    if run.window is not None:
        return {"registered_since": iso_z(run.window.since), "registered_until": iso_z(run.window.until)}
    return {"updated_since": run.state["updated_at"]} if "updated_at" in run.state else {}


class _Boundary:
    """The live cursor. Asking from it is inclusive, so the objects at its very instant come again;
    their digests tell which of them have landed already."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._since = _believable(run.state["updated_at"], run.latest) if "updated_at" in run.state else None
        self._seen: dict[str, str] = dict(run.state.get("seen", {})) if run.live else {}
        self._newest = self._since
        self._at_newest: dict[str, Mapping[str, Any]] = {}

    def knows(self, record: Mapping[str, Any]) -> bool:
        """Whether exactly this version has landed; remembers it as candidate for the next boundary."""
        updated_at = _believable(record["updated_at"], self._run.latest)
        if not self._run.live or updated_at is None:
            return False
        if self._newest is None or updated_at > self._newest:
            self._newest, self._at_newest = updated_at, {}
        if updated_at == self._newest:
            self._at_newest[record["id"]] = record
        return updated_at == self._since and self._seen.get(record["id"]) == _digest(record)

    def remember(self) -> None:
        """Move the cursor in dlt's state; it is committed together with the rows."""
        if self._run.live and self._newest is not None:
            seen = {key: _digest(record) for key, record in self._at_newest.items()}
            if self._newest == self._since:
                seen = {**self._seen, **seen}
            self._run.state.update(updated_at=iso_z(self._newest), seen=seen)


def _digest(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(record, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _believable(text: str, latest: datetime) -> datetime | None:
    """The instant, unless it is unreadable or ahead of time: that must never become the cursor, or
    everything before it would be missed."""
    try:
        moment = parse_utc(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment <= latest else None


def _land(run: Run, records: list[dict[str, Any]]) -> Iterator[Batch]:
    appeals: list[Row] = []
    statuses: list[Row] = []
    answers: list[Row] = []
    _check_nested(run, records)
    for record in records:
        try:
            appeal, history, replies = _rows(record, run.pseudonyms, run.latest)
        except _ValueProblemError as bad:
            run.quarantine("appeals", record["id"] or "(no id)", bad.reason, bad.detail, record, _KEEP)
            continue
        appeals.append(appeal)
        statuses += history
        answers += replies
    run.tallies["statuses"].received += len(statuses)
    run.tallies["answers"].received += len(answers)
    yield from run.land("appeals", appeals)
    yield from run.land("statuses", statuses)
    yield from run.land("answers", answers)


def _check_nested(run: Run, records: list[dict[str, Any]]) -> None:
    tallies = run.tallies
    statuses = [status for record in records for status in record["status_history"]]
    tallies["statuses"].unknown_fields |= STATUS.check("pos.statuses", statuses)
    answers = [answer for record in records for answer in record["answers"]]
    tallies["answers"].unknown_fields |= ANSWER.check("pos.answers", answers)
    for name, shape in (("applicant", APPLICANT), ("organisation", ORGANISATION)):
        nested = [record[name] for record in records if record.get(name) is not None]
        unknown = shape.check(f"pos.appeals.{name}", nested)
        tallies["appeals"].unknown_fields |= {f"{name}.{field}" for field in unknown}


class _ValueProblemError(ValueError):
    """One appeal whose values cannot be landed."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def _rows(
    record: Mapping[str, Any], pseudonyms: Pseudonyms, latest: datetime
) -> tuple[Row, list[Row], list[Row]]:
    pos_id = record["id"].strip()
    if not pos_id:
        raise _ValueProblemError("empty id", "The appeal has an empty id.")
    applicant = record.get("applicant") or _EMPTY
    organisation = record.get("organisation") or _EMPTY
    rating = record.get("rating")
    if rating is not None and not 1 <= rating <= 5:
        raise _ValueProblemError("impossible rating", "The rating is not within 1 to 5.")
    appeal = {
        "pos_id": pos_id,
        "kind": record["kind"],
        "created_at": _moment(record, "created_at", latest),
        "registered_at": _moment(record, "registered_at", latest),
        "updated_at": _moment(record, "updated_at", latest),
        "status": record["status"],
        "category": record["category"],
        "subcategory": record["subcategory"],
        "fast_track": record.get("fast_track"),
        "municipality": record["municipality"],
        "locality": mask_optional(record.get("locality")),
        "street": mask_optional(record.get("street")),
        "house": mask_optional(record.get("house")),
        "text": mask_optional(record["text"]),
        "author_key": pseudonyms.author_key("pos", applicant["id"]) if applicant.get("id") else None,
        "age_group": applicant.get("age_group"),
        "ogrn": organisation.get("ogrn"),
        "outcome": record.get("outcome"),
        "rating": rating,
    }
    history: list[Row] = [
        {
            "pos_id": pos_id,
            "position": place,
            "status": one["status"],
            "changed_at": _moment(one, "at", latest),
        }
        for place, one in enumerate(record["status_history"])
    ]
    replies: list[Row] = [
        {
            "pos_id": pos_id,
            "answer_id": one["id"],
            "answered_at": _moment(one, "at", latest),
            "kind": one["kind"],
            "ogrn": one.get("ogrn"),
            "text": mask_optional(one.get("text")),
        }
        for one in record["answers"]
    ]
    return appeal, history, replies


def _moment(record: Mapping[str, Any], field: str, latest: datetime) -> datetime:
    try:
        moment = parse_utc(record[field])
    except (ValueError, OverflowError):
        raise _ValueProblemError("unreadable date", f"{field} is not an ISO-8601 time.") from None
    if moment.year < _EARLIEST_YEAR or moment > latest:
        detail = f"{field} is before {_EARLIEST_YEAR} or in the future."
        raise _ValueProblemError("impossible date", detail)
    return moment
