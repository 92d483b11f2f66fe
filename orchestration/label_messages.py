"""Labels for messages that came without: what is new in raw is read, and what it is taken for lands in raw.

A message is labelled when it came or changed; all of them are when the version of the labels is another one.
What the text is taken for already does not land again. Finding that nothing came imports nothing of weight.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ingestion.config import Region, Settings
from ingestion.erasures import NAMED
from ingestion.pipeline import LoadReport, land_made
from ingestion.sources import LABELS, SOURCES
from ingestion.tables import RawTable, Row
from ingestion.traces import state_of
from labels.in_force import labeller_version, models_of, note_of
from labels.places import Place
from orchestration.dbt_manifest import DBT_PROJECT_DIR

if TYPE_CHECKING:
    import duckdb

    from ingestion.run import Batch, Run
    from labels.labeller import Labeller, MessageLabel

WORDS = DBT_PROJECT_DIR / "seeds" / "label_words.csv"
_PAGE = 10_000  # messages
_TOLD = ("kind", "needs_answer", "topic_group", "topic", "territory_id", "tone")
FINISHED = """
    loads AS (
        SELECT loads._dlt_load_id, max(loads.load_seq) AS load_seq
        FROM raw.loads AS loads
        INNER JOIN raw._dlt_loads AS finished
            ON loads._dlt_load_id = finished.load_id AND finished.status = 0
        GROUP BY 1
    )
"""
_NEW = """
WITH {finished}, came AS (
    SELECT
        {ref} AS object_ref, {text} AS text, {lacks} AS lacks,
        row_number() OVER (PARTITION BY {ref} ORDER BY loads.load_seq DESC, {newest_first}) AS place
    FROM raw.{table} AS received INNER JOIN loads USING (_dlt_load_id)
    WHERE received.region_id = $region AND loads.load_seq > $read_to
), told AS (
    SELECT labels.*, row_number() OVER (PARTITION BY object_ref ORDER BY loads.load_seq DESC) AS place
    FROM raw.labels AS labels INNER JOIN loads USING (_dlt_load_id)
    WHERE labels.region_id = $region AND labels.source = '{source}'
)
SELECT came.object_ref, coalesce(came.text, ''), told.object_ref IS NOT NULL, {standing}
FROM came LEFT JOIN told ON came.object_ref = told.object_ref AND told.place = 1
WHERE came.place = 1 AND came.lacks
ORDER BY came.object_ref
"""
_PLACES = """
WITH {finished}, newest AS (
    SELECT max_by(received._dlt_load_id, loads.load_seq) AS load_id
    FROM raw.registry_territories AS received INNER JOIN loads USING (_dlt_load_id)
    WHERE received.region_id = $region
)
SELECT territory_id, name, coalesce(aliases, '') FROM raw.registry_territories
WHERE region_id = $region AND _dlt_load_id = (SELECT load_id FROM newest)
"""
_NEWEST = """
WITH {finished}
SELECT coalesce(max(loads.load_seq), -1)
FROM raw.loads AS book INNER JOIN loads USING (_dlt_load_id)
WHERE book.region_id = $region AND book.landed > 0 AND book.source IN (SELECT unnest($sources))
"""
_OF_CITIZENS = "author_kind = 'citizen' AND NOT is_deleted"
_UNPLACED = "trim(coalesce(municipality, '')) = ''"


@dataclass(frozen=True)
class Messages:
    """A raw table of messages: where its text stands, and which rows lack a label of their own."""

    table: RawTable
    lacks: str
    text: str = "text"
    said: str = ""  # which rows are citizens' messages at all; those that can lack a label where not given

    @property
    def source(self) -> str:
        return self.table.name.partition("_")[0]

    @property
    def ref(self) -> str:
        """SQL of raw.labels.object_ref: what facts hash, without the region."""
        own = NAMED[self.table.name].own
        parts = [f"'{own.kind}'", *(f'CAST("{column}" AS VARCHAR)' for column in own.columns)]
        return " || '|' || ".join(parts)

    @property
    def newest_first(self) -> str:
        """SQL: the order of a message's versions inside a load."""
        order = [
            f"received.{name} DESC NULLS LAST"
            for name in ("edited_at", "updated_at", "file_name", "row_number")
            if any(column.name == name for column in self.table.columns)
        ]
        return ", ".join([*order, "received.fetched_at DESC"])

    def new_since(self) -> str:
        """The query of what came after $read_to in $region, with the label that stands."""
        return _NEW.format(
            finished=FINISHED,
            ref=self.ref,
            text=self.text,
            lacks=self.lacks,
            newest_first=self.newest_first,
            table=self.table.name,
            source=self.source,
            standing=", ".join(f"told.{name}" for name in _TOLD),
        )


def tables_of_messages() -> list[Messages]:
    """Every table that can bring a message without a label: what a source says itself is not asked for."""
    found = []
    for table in (table for spec in SOURCES.values() for table in spec.tables):
        names = {column.name for column in table.columns}
        if table.name == "vk_comments":
            found.append(Messages(table, f"{_OF_CITIZENS} AND thread_id IS NULL"))
        elif table.name == "vk_mentions":
            found.append(Messages(table, "author_key IS NOT NULL"))
        elif table.name.endswith(("_messages", "_posts")):
            found.append(Messages(table, _OF_CITIZENS))
        elif table.name == "open311_requests":
            found.append(Messages(table, "true", "description"))
        elif table.name == "pos_appeals":
            found.append(Messages(table, _lacks("category", "subcategory"), said="true"))
        elif table.name == "incident_appeals" or ("ticket_id" in names and "topic_group" in names):
            found.append(Messages(table, _lacks("topic_group", "topic"), said="true"))
    return found


def _lacks(group: str, topic: str) -> str:
    return f"(trim(coalesce({group}, '') || coalesce({topic}, '')) = '' OR {_UNPLACED})"


def label_region(settings: Settings, region: Region, run_id: str = "") -> LoadReport | None:
    """Label what came since the last time; None where nothing did. The caller holds the warehouse lock.

    Raises IngestionError and LabelsError; what failed leaves no row behind, and the next run begins anew.
    """
    import duckdb

    assert region.labels is not None, "asked for by the region's file only"  # noqa: S101
    if not settings.warehouse.exists():
        return None
    note = note_of(models_of(settings.data, region.region_id))
    model = note["label_version"] if note else None
    sources = sorted({one.source for one in tables_of_messages()})
    with duckdb.connect(str(settings.warehouse)) as connection:
        if not was_loaded(connection):
            return None
        places = _places(connection, region)
        version = labeller_version(model, WORDS, places, region.labels.threshold)
        known = state_of(connection, LABELS.name, region.region_id)
        newest = newest_load(connection, region, sources)
    if newest <= _read_to(known, version):
        return None

    def read(run: Run) -> Iterator[Batch]:
        yield from _label(run, places, version, newest, model)

    return land_made(replace(LABELS, made_by=read), region, settings, run_id=run_id)


def newest_load(connection: duckdb.DuckDBPyConnection, region: Region, sources: Sequence[str]) -> int:
    """load_seq of the newest finished load of these sources that brought rows; -1 before the first."""
    ((newest,),) = connection.execute(
        _NEWEST.format(finished=FINISHED), {"region": region.region_id, "sources": list(sources)}
    ).fetchall()
    return int(newest)


def was_loaded(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether any load was committed; before that there are no books to look into."""
    found = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'raw' AND table_name = '_dlt_loads'"
    )
    return found.fetchone() is not None


def _read_to(state: Any, version: str) -> int:
    """The load up to which messages have labels of this version; -1 where none have."""
    return int(state["read_to"]) if state.get("label_version") == version else -1


def _label(
    run: Run, places: Sequence[Place], version: str, newest: int, model: str | None
) -> Iterator[Batch]:
    """All that is new, table by table."""
    assert run.bulk is not None, "the pipeline gives it to every load"  # noqa: S101
    tally = run.tallies["labels"]
    labeller = _labeller(run, places, version, model)
    asked = {"region": run.region.region_id, "read_to": _read_to(run.state, version)}
    with run.bulk.connection.cursor() as connection:
        for messages in tables_of_messages():
            found = connection.execute(messages.new_since(), asked)
            while page := found.fetchmany(_PAGE):
                tally.received += len(page)
                changed: list[Row] = []
                for row, label in zip(page, labeller.label([text for _, text, *_ in page]), strict=True):
                    ref, text, stands, *standing = row
                    told = _row(label, text)
                    if stands and standing == [told[name] for name in _TOLD]:
                        tally.skipped_unchanged += 1
                        continue
                    named = {"object_ref": ref, "source": messages.source, "label_version": version}
                    changed.append({**named, **told})
                yield from run.land("labels", changed)
    run.state["label_version"], run.state["read_to"] = version, newest


def _labeller(run: Run, places: Sequence[Place], version: str, model: str | None) -> Labeller:
    from labels.artefact import load
    from labels.dictionary import Dictionary
    from labels.labeller import Labeller
    from labels.places import Gazetteer

    assert run.region.labels is not None, "asked for by the region's file only"  # noqa: S101
    stored = load(models_of(run.settings.data, run.region.region_id) / model) if model else None
    threshold = run.region.labels.threshold
    return Labeller(Dictionary.read(WORDS), Gazetteer.of(places), threshold, stored, model or "dictionary")


def _row(label: MessageLabel, text: str) -> Row:
    # A picture without words is no small talk, however low the threshold: a person has to look.
    silent = not text.strip()
    return {
        "kind": None if silent else label.kind,
        "needs_answer": silent or label.needs_answer,
        "topic_group": label.topic_group,
        "topic": label.topic or None,
        "territory_id": label.territory_id,
        "tone": label.tone,
        # The last digits depend on how many messages are multiplied at once.
        "confidence": round(float(label.confidence), 3),
        "told_by": label.told_by,
    }


def _places(connection: duckdb.DuckDBPyConnection, region: Region) -> list[Place]:
    """The region's territories under each of their names, by its newest registry."""
    found = connection.execute(_PLACES.format(finished=FINISHED), {"region": region.region_id}).fetchall()
    return [
        Place(territory, name)
        for territory, title, aliases in found
        for name in (title, *aliases.split("|"))
        if name.strip()
    ]
