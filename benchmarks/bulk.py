"""Millions of appeals straight into raw: what months of loads would have left, made in minutes.

    python -m benchmarks.bulk --rows 1000000 [--regions 1] --data /tmp/bulk

The deployment is the demo's: its registry is read through dlt as ever; then ПОС appeals with their statuses
and answers are written into raw by SQL, as loads of 100,000 appeals each, the oldest first, over the three
years before the demo's as_of. The same rows for the same number. Nine in ten appeals are answered, half of
these closed. They are about 48,000 houses of each municipality, of some streets far more than of others.
`--regions` shares them out among so many regions like the demo's, which has the official pages alone.
`arrive` adds what a quiet ten minutes bring to one region: new appeals of the last day, and answers to
waiting ones.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.config import Settings, load_regions, load_settings

if TYPE_CHECKING:
    import duckdb

SCENARIO, AS_OF = "demo", "2026-11-20T19:00:00Z"
LATER = "2026-11-20T19:10:00Z"  # the as_of of the run after `arrive`
PER_LOAD = 100_000
_LOADS_AT_ONCE = 10  # a statement of so many has work for several threads
_DAYS = 3 * 365

# Each with its number, from nought: what falls to an appeal is joined by a hash.
_SETTING = """
CREATE TEMP TABLE places AS
SELECT row_number() OVER (ORDER BY name) - 1 AS number, name
FROM (SELECT DISTINCT name FROM raw.registry_territories WHERE region_id = $region);
CREATE TEMP TABLE offices AS
SELECT row_number() OVER (ORDER BY ogrn) - 1 AS number, ogrn
FROM (SELECT DISTINCT ogrn FROM raw.registry_authorities WHERE region_id = $region AND ogrn IS NOT NULL);
CREATE TEMP TABLE topics AS
SELECT
    row_number() OVER (ORDER BY topic_id) - 1 AS number,
    topics.label_ru AS topic,
    groups.label_ru AS topic_group
FROM read_csv($topics) AS topics INNER JOIN read_csv($groups) AS groups USING (topic_group);
"""

_LISTS = ("topics", "places", "offices")

# Numbers go with time, give or take a day, as loads do. All else is drawn by a hash of the number and of what
# is drawn: any range gives the same rows.
_DRAWN = """
CREATE OR REPLACE TEMP TABLE numbers AS
SELECT *, unnest(range(begins, ends)) AS i
FROM (VALUES {spans}) AS spans (region_id, load_seq, begins, ends, first, last);
CREATE OR REPLACE TEMP TABLE bulk AS
SELECT
    * REPLACE (
        is_answered AND registered_at + pace <= TIMESTAMP '2026-11-20 18:30:00' AS is_answered,
        is_answered AND registered_at + pace <= TIMESTAMP '2026-11-20 18:30:00' AND is_closed AS is_closed
    )
FROM (
    SELECT
        region_id,
        load_seq,
        i,
        'BULK-' || i AS pos_id,
        TIMESTAMP '2026-11-20 19:00:00'
        - to_seconds(CAST({days} * 86400.0 * (last - i) / (last - first) AS BIGINT))
        - to_seconds(CAST(hash(i, 'at') % 86400 AS BIGINT)) AS registered_at,
        hash(i, 'answered') % 10 < 9 AS is_answered,
        hash(i, 'closed') % 2 = 0 AS is_closed,
        to_minutes(CAST(60 + hash(i, 'pace') % 40000 AS BIGINT)) AS pace,
        topics.topic_group,
        topics.topic,
        places.name AS municipality,
        CAST(floor(400 * pow(hash(i, 'street') % 1000000 / 1000000.0, 3)) AS INTEGER) AS street,
        offices.ogrn
    FROM numbers
    INNER JOIN topics ON hash(i, 'topic') % {topics} = topics.number
    INNER JOIN places ON hash(i, 'place') % {places} = places.number
    INNER JOIN offices ON hash(i, 'office') % {offices} = offices.number
)
WHERE registered_at <= TIMESTAMP '2026-11-20 18:00:00';
"""

# What the source says of appeals that have waited since the newest month: answered within the last minutes.
_ANSWERED_NOW = """
DELETE FROM bulk WHERE is_answered OR registered_at < TIMESTAMP '2026-10-20 19:00:00';
DELETE FROM bulk WHERE i NOT IN (SELECT i FROM bulk ORDER BY hash(i, 'now') LIMIT {rows});
UPDATE bulk SET
    is_answered = true,
    pace = TIMESTAMP '2026-11-20 19:05:00' - registered_at;
"""

_LANDED = """
CREATE OR REPLACE TEMP TABLE landing AS
SELECT *, (1700000000 + load_seq) || '.0' AS _dlt_load_id FROM bulk;
INSERT INTO raw.pos_appeals BY NAME
SELECT
    region_id, $fetched_at AS fetched_at, _dlt_load_id,
    pos_id, 'message' AS kind, registered_at AS created_at, registered_at,
    CASE WHEN is_answered THEN registered_at + pace ELSE registered_at END AS updated_at,
    CASE WHEN is_closed THEN 'closed' WHEN is_answered THEN 'answered' ELSE 'in_work' END AS status,
    topic_group AS category, topic AS subcategory, false AS fast_track, municipality,
    'Улица ' || street AS street, CAST(hash(i, 'house') % 120 + 1 AS VARCHAR) AS house,
    'Во дворе дома третий день нет воды, управляющая компания не отвечает, просим помочь. ' || i AS text,
    left(sha256('person' || (hash(i, 'author') % 2000000)), 32) AS author_key,
    ogrn, CASE WHEN is_closed THEN 'solved' END AS outcome
FROM landing;
INSERT INTO raw.pos_statuses BY NAME
SELECT region_id, $fetched_at AS fetched_at, _dlt_load_id, pos_id, position, status, changed_at
FROM (
    SELECT *, 0 AS position, 'registered' AS status, registered_at AS changed_at FROM landing
    UNION ALL
    SELECT *, 1, 'answered', registered_at + pace FROM landing WHERE is_answered
    UNION ALL
    SELECT *, 2, 'closed', registered_at + pace FROM landing WHERE is_closed
);
INSERT INTO raw.pos_answers BY NAME
SELECT
    region_id, $fetched_at AS fetched_at, _dlt_load_id,
    pos_id, 'A-' || i AS answer_id, registered_at + pace AS answered_at, 'final' AS kind, ogrn,
    'Здравствуйте! Бригада выехала ' || i AS text
FROM landing WHERE is_answered;
INSERT INTO raw.loads BY NAME
SELECT
    region_id, $fetched_at AS fetched_at, _dlt_load_id,
    'pos' AS source, resource, load_seq, 'live' AS mode, landed AS received, landed,
    0 AS quarantined, 0 AS skipped_unchanged, 0 AS requests, 0 AS retries
FROM (
    SELECT region_id, _dlt_load_id, load_seq, 'appeals' AS resource, count(*) AS landed
    FROM landing GROUP BY ALL
    UNION ALL
    SELECT
        region_id, _dlt_load_id, load_seq, 'statuses',
        sum(1 + CAST(is_answered AS INTEGER) + CAST(is_closed AS INTEGER))
    FROM landing GROUP BY ALL
    UNION ALL
    SELECT
        region_id, _dlt_load_id, load_seq, 'answers', count(*) FILTER (WHERE is_answered)
    FROM landing GROUP BY ALL
);
INSERT INTO raw._dlt_loads BY NAME
SELECT _dlt_load_id AS load_id, schema_name, 0 AS status, now() AS inserted_at, schema_version_hash
FROM (SELECT DISTINCT _dlt_load_id FROM landing), (SELECT * FROM raw._dlt_loads LIMIT 1);
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--regions", type=int, default=1)
    parser.add_argument("--data", type=Path, required=True, help="folder of the deployment; must not exist")
    chosen = parser.parse_args()
    begun = time.perf_counter()
    settings, _ = deployment(chosen.data, chosen.rows, chosen.regions)
    seconds = time.perf_counter() - begun
    print(f"{chosen.rows:,} appeals in {seconds:.1f} s, {chosen.rows / seconds:,.0f} a second")
    print(settings.warehouse)


def deployment(data: Path, rows: int, regions: int = 1) -> tuple[Settings, dict[str, str]]:
    """The demo's deployment below `data` with about `rows` appeals in raw and nothing built yet, and its
    environment.

    `rows` counts what is drawn; those of the last hour before as_of are left out.
    """
    from ingestion.pipeline import ingest
    from sandbox.kit import launch

    if data.exists():
        raise SystemExit(f"{data} exists already: name a new folder")
    with launch(SCENARIO, data) as sandbox:
        environment = {**sandbox.env, "OTKLIK_DATA": str(data)}
        settings = load_settings(environment)
        for number in range(2, regions + 1):
            _add_region(settings, number)
        for region in load_regions(settings).values():
            ingest("registry", region, settings)
    fill(settings, rows)
    return settings, environment


def _add_region(settings: Settings, number: int) -> None:
    """A region like the demo's that reads nothing but its registry; official pages are nobody else's."""
    region_id = f"{SCENARIO}-{number:03}"
    told = (settings.regions / f"{SCENARIO}.yaml").read_text("utf-8")
    told = told.replace(f"region_id: {SCENARIO}\n", f"region_id: {region_id}\n")
    told = told.replace(f"registry/{SCENARIO}", f"registry/{region_id}")
    (settings.regions / f"{region_id}.yaml").write_text(told, "utf-8")
    registry = settings.regions.parent / "registry"
    shutil.copytree(registry / SCENARIO, registry / region_id)
    _leave_the_head(registry / region_id / "gospublics.xlsx")


def _leave_the_head(path: Path) -> None:
    """Take all rows but the first from a workbook of one sheet."""
    import xlsxwriter
    from python_calamine import CalamineWorkbook

    with CalamineWorkbook.from_path(path) as book:
        (name,) = book.sheet_names
        head = book.get_sheet_by_name(name).to_python()[0]
    with xlsxwriter.Workbook(str(path)) as fresh:
        fresh.add_worksheet(name).write_row(0, 0, head)


def fill(settings: Settings, rows: int) -> None:
    """Write about `rows` appeals into raw, as many for each region, at most 100,000 a load, oldest first."""
    regions = list(load_regions(settings))
    share = rows // len(regions)
    spans = [
        _Span(region, place * share, share, begin, min(begin + PER_LOAD, share))
        for begin in range(0, share, PER_LOAD)
        for place, region in enumerate(regions)
    ]
    with _Writer(settings) as writer:
        for at in range(0, len(spans), _LOADS_AT_ONCE):
            writer.load(spans[at : at + _LOADS_AT_ONCE], _DAYS)


def arrive(settings: Settings, rows: int, messages: int = 1000) -> None:
    """Write two loads of the first region on top of `rows` appeals of all, to be built with as_of LATER.

    Four in five messages are new appeals of the last day, the others answers to appeals of the last month.
    """
    answers = messages // 5
    regions = list(load_regions(settings))
    share = rows // len(regions)
    with _Writer(settings) as writer:
        writer.load([_Span(regions[0], rows, messages - answers, 0, messages - answers)], days=0)
        newest = _Span(regions[0], 0, share, max(0, share - 1_000_000), share)
        writer.load([newest], _DAYS, _ANSWERED_NOW.format(rows=answers))


@dataclass(frozen=True)
class _Span:
    """One load of a region: appeals `begin` to `end` of its `count`, which are numbered from `first`."""

    region_id: str
    first: int
    count: int
    begin: int
    end: int

    def row(self, load_seq: int) -> str:
        numbers = (load_seq, *(self.first + number for number in (self.begin, self.end, 0, self.count)))
        return f"('{self.region_id}', {', '.join(map(str, numbers))})"


class _Writer:
    """Loads of bulk rows into one warehouse, numbered on from the newest."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __enter__(self) -> _Writer:
        import duckdb

        self._connection = duckdb.connect(str(self._settings.warehouse))
        seeds = Path(__file__).resolve().parent.parent / "dbt_project" / "seeds"
        told = {"topics": str(seeds / "topics.csv"), "groups": str(seeds / "topic_groups.csv")}
        # all regions have the demo's municipalities and authorities
        _run(self._connection, _SETTING, {"region": SCENARIO, **told})
        self._newest = self._number("SELECT max(load_seq) FROM raw.loads")
        # as literals: a count that stands in the condition of a join makes a nested loop of it
        self._counts = {
            name: self._number(f"SELECT count(*) FROM {name}")  # noqa: S608
            for name in _LISTS
        }
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _number(self, query: str) -> int:
        found = self._connection.execute(query).fetchone()
        return int(found[0]) if found else 0

    def load(self, spans: Sequence[_Span], days: int, change: str = "") -> None:
        """Draw these appeals, `change` what was drawn, and write each span as a load of its region.

        All that a span is a part of spreads over so many days before AS_OF and one day more.
        """
        rows = ", ".join(span.row(self._newest + number) for number, span in enumerate(spans, 1))
        self._newest += len(spans)
        script = _DRAWN.format(spans=rows, days=days, **self._counts) + change + _LANDED
        self._connection.execute("BEGIN")
        _run(self._connection, script, {"fetched_at": self._settings.now()})
        self._connection.execute("COMMIT")


def _run(connection: duckdb.DuckDBPyConnection, script: str, values: dict[str, object]) -> None:
    """Statement by statement, each with the values that it names."""
    for statement in script.split(";\n"):
        if statement.strip():
            named = {name: value for name, value in values.items() if f"${name}" in statement}
            connection.execute(statement, named)


if __name__ == "__main__":
    main()
