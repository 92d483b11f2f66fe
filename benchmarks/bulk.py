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
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.config import Settings, load_regions, load_settings

if TYPE_CHECKING:
    import duckdb

SCENARIO, AS_OF = "demo", "2026-11-20T19:00:00Z"
LATER = "2026-11-20T19:10:00Z"  # the as_of of the run after `arrive`
PER_LOAD = 100_000
_DAYS = 3 * 365

_SETTING = """
SET VARIABLE bulk_places = (
    SELECT list(DISTINCT name ORDER BY name) FROM raw.registry_territories WHERE region_id = $region
);
SET VARIABLE bulk_offices = (
    SELECT list(DISTINCT ogrn ORDER BY ogrn) FROM raw.registry_authorities
    WHERE region_id = $region AND ogrn IS NOT NULL
);
SET VARIABLE bulk_topics = (
    SELECT list({'topic': topics.label_ru, 'topic_group': groups.label_ru} ORDER BY topic_id)
    FROM read_csv($topics) AS topics INNER JOIN read_csv($groups) AS groups USING (topic_group)
);
"""

# Numbers go with time, give or take a day, as loads do. All else is drawn by a hash of the number and of what
# is drawn: any range gives the same rows.
_DRAWN = """
CREATE OR REPLACE TEMP TABLE bulk AS
SELECT
    i,
    'BULK-' || i AS pos_id,
    TIMESTAMP '2026-11-20 19:00:00'
    - to_seconds(CAST({days} * 86400.0 * ({last} - i) / ({last} - {first}) AS BIGINT))
    - to_seconds(CAST(hash(i, 'at') % 86400 AS BIGINT)) AS registered_at,
    hash(i, 'answered') % 10 < 9 AS is_answered,
    hash(i, 'closed') % 2 = 0 AS is_closed,
    to_minutes(CAST(60 + hash(i, 'pace') % 40000 AS BIGINT)) AS pace,
    {topic}.topic_group AS topic_group,
    {topic}.topic AS topic,
    {place} AS municipality,
    CAST(floor(400 * pow(hash(i, 'street') % 1000000 / 1000000.0, 3)) AS INTEGER) AS street,
    {office} AS ogrn
FROM range({begin}, {end}) AS numbers(i);
DELETE FROM bulk WHERE registered_at > TIMESTAMP '2026-11-20 18:00:00';
UPDATE bulk SET is_answered = false WHERE registered_at + pace > TIMESTAMP '2026-11-20 18:30:00';
UPDATE bulk SET is_closed = false WHERE NOT is_answered;
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
INSERT INTO raw.pos_appeals BY NAME
SELECT
    $region AS region_id, $fetched_at AS fetched_at, $load_id AS _dlt_load_id,
    pos_id, 'message' AS kind, registered_at AS created_at, registered_at,
    CASE WHEN is_answered THEN registered_at + pace ELSE registered_at END AS updated_at,
    CASE WHEN is_closed THEN 'closed' WHEN is_answered THEN 'answered' ELSE 'in_work' END AS status,
    topic_group AS category, topic AS subcategory, false AS fast_track, municipality,
    'Улица ' || street AS street, CAST(hash(i, 'house') % 120 + 1 AS VARCHAR) AS house,
    'Во дворе дома третий день нет воды, управляющая компания не отвечает, просим помочь. ' || i AS text,
    left(sha256('person' || (hash(i, 'author') % 2000000)), 32) AS author_key,
    ogrn, CASE WHEN is_closed THEN 'solved' END AS outcome
FROM bulk;
INSERT INTO raw.pos_statuses BY NAME
SELECT
    $region AS region_id, $fetched_at AS fetched_at, $load_id AS _dlt_load_id,
    pos_id, position, status, changed_at
FROM (
    SELECT pos_id, 0 AS position, 'registered' AS status, registered_at AS changed_at FROM bulk
    UNION ALL
    SELECT pos_id, 1, 'answered', registered_at + pace FROM bulk WHERE is_answered
    UNION ALL
    SELECT pos_id, 2, 'closed', registered_at + pace FROM bulk WHERE is_closed
);
INSERT INTO raw.pos_answers BY NAME
SELECT
    $region AS region_id, $fetched_at AS fetched_at, $load_id AS _dlt_load_id,
    pos_id, 'A-' || i AS answer_id, registered_at + pace AS answered_at, 'final' AS kind, ogrn,
    'Здравствуйте! Бригада выехала ' || i AS text
FROM bulk WHERE is_answered;
INSERT INTO raw.loads BY NAME
SELECT
    $region AS region_id, $fetched_at AS fetched_at, $load_id AS _dlt_load_id,
    'pos' AS source, resource, $load_seq AS load_seq, 'live' AS mode, landed AS received, landed,
    0 AS quarantined, 0 AS skipped_unchanged, 0 AS requests, 0 AS retries
FROM (
    SELECT 'appeals' AS resource, (SELECT count(*) FROM bulk) AS landed
    UNION ALL
    SELECT 'statuses', (SELECT count(*) FROM raw.pos_statuses WHERE _dlt_load_id = $load_id)
    UNION ALL
    SELECT 'answers', (SELECT count(*) FROM raw.pos_answers WHERE _dlt_load_id = $load_id)
);
INSERT INTO raw._dlt_loads BY NAME
SELECT $load_id AS load_id, schema_name, 0 AS status, now() AS inserted_at, schema_version_hash
FROM raw._dlt_loads LIMIT 1;
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
    with _Writer(settings) as writer:
        for begin in range(0, share, PER_LOAD):
            span = (begin, min(begin + PER_LOAD, share))
            for place, region in enumerate(regions):
                first, last, whole = (place * share + number for number in (*span, share))
                drawn = writer.drawn(first, last, (place * share, whole), _DAYS)
                writer.load(region, drawn + _LANDED)


def arrive(settings: Settings, rows: int, messages: int = 1000) -> None:
    """Write two loads of the first region on top of `rows` appeals of all, to be built with as_of LATER.

    Four in five messages are new appeals of the last day, the others answers to appeals of the last month.
    """
    answers = messages // 5
    regions = list(load_regions(settings))
    share = rows // len(regions)
    with _Writer(settings) as writer:
        fresh = (rows, rows + messages - answers)
        newer = writer.drawn(*fresh, fresh, days=0) + _LANDED
        older = writer.drawn(max(0, share - 1_000_000), share, (0, share), _DAYS)
        older += _ANSWERED_NOW.format(rows=answers)
        writer.load(regions[0], newer)
        writer.load(regions[0], older + _LANDED)


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
        found = self._connection.execute("SELECT max(load_seq) FROM raw.loads").fetchone()
        self._newest = int(found[0]) if found else 0
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def drawn(self, begin: int, end: int, whole: tuple[int, int], days: int) -> str:
        """SQL that draws the appeals numbered `begin` to `end`.

        They are some of `whole`, which spreads over so many days before AS_OF and one day more.
        """
        draws = {name: _drawn(name) for name in ("topic", "place", "office")}
        first, last = whole
        return _DRAWN.format(begin=begin, end=end, first=first, last=last, days=days, **draws)

    def load(self, region_id: str, script: str) -> None:
        """Write what was drawn as a load of that region."""
        self._newest += 1
        values = {
            "region": region_id,
            "fetched_at": self._settings.now(),
            "load_id": f"{1_700_000_000 + self._newest}.0",
            "load_seq": self._newest,
        }
        self._connection.execute("BEGIN")
        _run(self._connection, script, values)
        self._connection.execute("COMMIT")


def _drawn(name: str) -> str:
    """SQL of the member of that list which falls to appeal i."""
    members = f"getvariable('bulk_{name}s')"
    return f"{members}[1 + CAST(hash(i, '{name}') % len({members}) AS BIGINT)]"


def _run(connection: duckdb.DuckDBPyConnection, script: str, values: dict[str, object]) -> None:
    """Statement by statement, each with the values that it names."""
    for statement in script.split(";\n"):
        if statement.strip():
            named = {name: value for name, value in values.items() if f"${name}" in statement}
            connection.execute(statement, named)


if __name__ == "__main__":
    main()
