"""Official answers: what is new in raw is looked at, and what can be seen in it lands in raw.

An answer is looked at when it came or changed; all are when the code is another one. It is compared with
those kept of the month before and after it (labels.answers.Likenesses), found by their sketches, so that a
live run costs what came and not what stands. Without new answers nothing of weight is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ingestion.config import Region, Settings
from ingestion.pipeline import LoadReport, land_made
from ingestion.sources import ANSWERS, SOURCES
from ingestion.tables import Row
from ingestion.traces import state_of
from labels.in_force import answers_version
from orchestration.label_messages import FINISHED, Messages, newest_load, was_loaded

if TYPE_CHECKING:
    import duckdb

    from ingestion.run import Batch, Run
    from labels.answers import Likenesses

_PAGE = 5_000  # answers looked at at once
_SEEN = ("long_enough", "names_a_date", "names_a_deed", "not_sent_elsewhere", "not_interim", "likeness_key")
_OF_OFFICIALS = "author_kind IN ('page', 'operator', 'community') AND NOT is_deleted"
_NEWEST = """
    SELECT
        {ref} AS object_ref, {part} AS part, '{source}' AS source, {text} AS text, {at} AS answered_at,
        coalesce({said}, false) AS is_said,
        row_number() OVER (PARTITION BY {ref}, {part} ORDER BY loads.load_seq DESC, {newest_first}) AS place
    FROM raw.{table} AS received INNER JOIN loads USING (_dlt_load_id)
    WHERE received.region_id = $region AND {which}
"""
_NEW = """
WITH {finished}, came AS ({answers}), told AS (
    SELECT
        features.*,
        row_number() OVER (PARTITION BY object_ref, part ORDER BY loads.load_seq DESC) AS place
    FROM raw.answer_features AS features INNER JOIN loads USING (_dlt_load_id)
    WHERE features.region_id = $region
)
SELECT
    came.object_ref, came.part, came.source, came.answered_at, came.text, told.object_ref IS NOT NULL,
    told.sketch, {standing}
FROM came LEFT JOIN told
    ON came.object_ref = told.object_ref AND came.part IS NOT DISTINCT FROM told.part AND told.place = 1
WHERE came.place = 1 AND came.is_said AND came.answered_at IS NOT NULL AND trim(coalesce(came.text, '')) <> ''
ORDER BY came.answered_at, came.object_ref, came.part
"""
# Answers kept to compare with that share a band of their sketches with one of the new ones, and their texts.
_CANDIDATES = """
WITH {finished}, looked_at AS (
    SELECT
        features.*,
        row_number() OVER (PARTITION BY object_ref, part ORDER BY loads.load_seq DESC) AS place
    FROM raw.answer_features AS features INNER JOIN loads USING (_dlt_load_id)
    WHERE features.region_id = $region AND answered_at BETWEEN $since AND $until
), bands AS (
    SELECT
        object_ref, part, likeness_key, answered_at,
        substr(sketch, CAST(unnest(range(1, length(sketch), {band})) AS BIGINT), {band}) AS mark
    FROM looked_at
    WHERE place = 1 AND sketch IS NOT NULL
), candidates AS (
    SELECT DISTINCT object_ref, part, likeness_key, answered_at
    FROM bands SEMI JOIN (SELECT unnest($marks) AS mark) AS wanted USING (mark)
), newest AS ({answers})
SELECT candidates.likeness_key, candidates.answered_at, newest.text
FROM candidates INNER JOIN newest
    ON candidates.object_ref = newest.object_ref AND candidates.part IS NOT DISTINCT FROM newest.part
WHERE newest.place = 1 AND newest.is_said
ORDER BY candidates.answered_at, candidates.object_ref, candidates.part
"""


@dataclass(frozen=True)
class Answers(Messages):
    """A raw table that holds answers: `said` tells which rows, `part` which answer of its appeal a row is."""

    part: str = "CAST(NULL AS VARCHAR)"
    at: str = "created_at"

    def newest(self, which: str) -> str:
        """The query of each answer's newest version among the rows where `which` holds, {ref} in it."""
        return _NEWEST.format(
            ref=self.ref,
            part=self.part,
            source=self.source,
            text=self.text,
            at=self.at,
            said=self.said,
            table=self.table.name,
            newest_first=self.newest_first,
            which=which.format(ref=self.ref),
        )


def tables_of_answers() -> list[Answers]:
    """Every table that can bring an official answer; `part` is what facts make response_id of."""
    found = []
    for table in (table for spec in SOURCES.values() for table in spec.tables):
        names = {column.name for column in table.columns}
        if table.name == "vk_comments" or table.name.endswith("_messages"):
            found.append(Answers(table, "", said=_OF_OFFICIALS))
        elif table.name == "open311_requests":
            closed = "coalesce(updated_at, requested_at)"
            found.append(Answers(table, "", "status_notes", "status = 'closed'", "'closed'", closed))
        elif table.name == "incident_appeals":
            part = (
                "CASE WHEN coalesce(lower(step) LIKE '%промежуточн%', false) "
                "THEN 'interim answer' ELSE 'first answer' END"
            )
            found.append(Answers(table, "", "first_answer_text", "true", part, "first_answered_at"))
        elif table.name.endswith("_answers") and {"answer_id", "answered_at"} <= names:
            found.append(Answers(table, "", said="true", part="answer_id", at="answered_at"))
    return found


def look_at_answers_of_region(settings: Settings, region: Region, run_id: str = "") -> LoadReport | None:
    """Look at the answers that came since the last time; None where none did.

    The caller holds the warehouse lock. Raises IngestionError and LabelsError; what failed leaves no row
    behind, and the next run begins anew.
    """
    import duckdb

    assert region.labels is not None, "asked for by the region's file only"  # noqa: S101
    if not settings.warehouse.exists():
        return None
    version = answers_version()
    sources = sorted({one.source for one in tables_of_answers()})
    with duckdb.connect(str(settings.warehouse)) as connection:
        if not was_loaded(connection):
            return None
        known = state_of(connection, ANSWERS.name, region.region_id)
        newest = newest_load(connection, region, sources)
    if newest <= _read_to(known, version):
        return None

    def read(run: Run) -> Iterator[Batch]:
        yield from _look(run, version, newest)

    return land_made(replace(ANSWERS, made_by=read), region, settings, run_id=run_id)


def _read_to(state: Any, version: str) -> int:
    """The load up to which answers were looked at by this version; -1 where none were."""
    return int(state["read_to"]) if state.get("answers_version") == version else -1


def _look(run: Run, version: str, newest: int) -> Iterator[Batch]:
    """All that is new, in the order in which it was answered."""
    from labels.answers import REACH, Likenesses, look_at

    assert run.bulk is not None, "the pipeline gives it to every load"  # noqa: S101
    tally = run.tallies["answer_features"]
    likenesses = Likenesses()
    region, read_to = run.region.region_id, _read_to(run.state, version)
    with run.bulk.connection.cursor() as connection, run.bulk.connection.cursor() as beside:
        kept = _Kept(beside, region)
        found = connection.execute(_new_answers(), {"region": region, "read_to": read_to})
        while page := found.fetchmany(_PAGE):
            tally.received += len(page)
            likenesses.forget_before(page[0][3] - REACH)
            if read_to >= 0:
                # Another version may find others alike: no key that stands can be relied on.
                kept.bring([(text, at) for _, _, _, at, text, *_ in page], likenesses)
            changed: list[Row] = []
            for ref, part, source, answered_at, text, stands, known_by, *standing in page:
                words = likenesses.words(text)
                key, is_kept = likenesses.key_of(words, answered_at) if words else (None, False)
                sketch = likenesses.sketch(words) if words and is_kept else None
                features = look_at(text)
                seen = {name: getattr(features, name, key) for name in _SEEN}
                if stands and standing == list(seen.values()) and sketch in (None, known_by):
                    tally.skipped_unchanged += 1
                    continue
                changed.append(
                    {
                        "object_ref": ref,
                        "part": part,
                        "source": source,
                        "answered_at": answered_at,
                        **seen,
                        "sketch": sketch,
                        "answers_version": version,
                    }
                )
            yield from run.land("answer_features", changed)
    run.state["answers_version"], run.state["read_to"] = version, newest


def _new_answers() -> str:
    return _NEW.format(
        finished=FINISHED,
        answers=_of_all_tables("loads.load_seq > $read_to"),
        standing=", ".join(f"told.{name}" for name in _SEEN),
    )


def _of_all_tables(which: str) -> str:
    return " UNION ALL ".join(one.newest(which) for one in tables_of_answers())


@dataclass(frozen=True)
class _Kept:
    """The answers of earlier runs that new ones are compared with."""

    connection: duckdb.DuckDBPyConnection
    region_id: str

    def bring(self, answers: Sequence[tuple[str, datetime]], likenesses: Likenesses) -> None:
        """Add those that may be like one of `answers`."""
        from labels.answers import BAND, REACH, Like

        told = {words for text, _ in answers if (words := likenesses.words(text))}
        sketches = [likenesses.sketch(words) for words in told]
        marks = sorted({sketch[at : at + BAND] for sketch in sketches for at in range(0, len(sketch), BAND)})
        asked = {
            "region": self.region_id,
            "since": answers[0][1] - REACH,
            "until": answers[-1][1] + REACH,
            "marks": marks,
        }
        query = _CANDIDATES.format(
            finished=FINISHED,
            band=BAND,
            answers=_of_all_tables("{ref} IN (SELECT object_ref FROM candidates)"),
        )
        for key, answered_at, text in self.connection.execute(query, asked).fetchall():
            if words := likenesses.words(text or ""):
                likenesses.add(Like(key, words, answered_at))
