"""Appeals of ПОС from the sandbox into a warehouse, three ways: ours, dlt's defaults, a bare loop.

    python -m benchmarks.api_ingest --scenario tyumen-2021

`dlt` is the same reader, its rows given to dlt as Python objects to normalise and load by its defaults.
`bare` asks for the pages with one HTTP session, parses them with orjson, makes Arrow tables of the same three
shapes and inserts them: no checks, no masks, no accounts. All three read the same server, which takes its
share of the processors in each.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MUST_REACH_DLT, MUST_REACH_BARE = 5.0, 2.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scenario", default="tyumen-2021")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    found = measure(chosen.scenario)
    if chosen.json:
        print(json.dumps(found))
        return
    print(f"{found['rows']:,} rows in appeals, statuses and answers")
    for name in ("otklik", "dlt", "bare"):
        print(f"{name:<8} {found[name]:8.2f} s {found['rows'] / found[name]:10,.0f} rows/s")
    print(f"dlt's defaults / otklik {found['dlt_ratio']:6.2f} (≥ {MUST_REACH_DLT})")
    print(f"otklik / bare loop      {found['bare_ratio']:6.2f} (≤ {MUST_REACH_BARE})")


def measure(scenario: str) -> dict[str, Any]:
    """Seconds of the wall of each way; each starts with an empty warehouse of its own."""
    from ingestion.config import load_regions, load_settings
    from sandbox.kit import launch

    with tempfile.TemporaryDirectory(prefix="otklik-bench-") as folder:
        root = Path(folder)
        with launch(scenario, root / "sandbox") as sandbox:
            settings = load_settings({**sandbox.env, "OTKLIK_DATA": str(root / "data")})
            regions = load_regions(settings)
            region = unhurried(next(one for one in regions.values() if one.sources.pos is not None))
            counts, seconds = {}, {}
            for name, way in (("bare", _bare), ("otklik", _ours), ("dlt", _dlt_defaults)):
                settings.data.mkdir(parents=True, exist_ok=True)
                begun = time.perf_counter()
                counts[name] = way(region, settings)
                seconds[name] = round(time.perf_counter() - begun, 2)
                shutil.rmtree(settings.data)
    if len(set(counts.values())) != 1:
        raise SystemExit(f"the ways landed different numbers of rows: {counts}")
    return {
        "rows": counts["otklik"],
        **seconds,
        "dlt_ratio": round(seconds["dlt"] / seconds["otklik"], 2),
        "bare_ratio": round(seconds["otklik"] / seconds["bare"], 2),
    }


def unhurried(region: Any) -> Any:
    """The region with no limit of requests to ПОС: what is measured is our own speed."""
    pos = region.sources.pos.model_copy(update={"requests_per_second": 10_000.0})
    return region.model_copy(update={"sources": region.sources.model_copy(update={"pos": pos})})


def _ours(region: Any, settings: Any) -> int:
    from ingestion.pipeline import ingest

    report = ingest("pos", region, settings)
    return sum(report.resources[name].landed for name in ("appeals", "statuses", "answers"))


def _dlt_defaults(region: Any, settings: Any) -> int:
    """Our reader's rows as dicts through `dlt.pipeline(...).run(...)`, nothing set but where to."""
    import dlt
    import duckdb

    from ingestion.run import Run
    from ingestion.sources import find_source

    spec = find_source("pos")
    run = Run(spec, region, settings, None, fetched_at=settings.now(), state={}, bulk=None)
    run.load_id = "bench"

    @dlt.resource(name="pos")
    def rows() -> Iterator[Any]:
        for table, page in spec.reader()(run):
            for row in page.to_pylist():
                yield dlt.mark.with_table_name(row, table.name)

    target = settings.data / "plain.duckdb"
    pipeline = dlt.pipeline(
        pipeline_name="bench_defaults",
        pipelines_dir=str(settings.data / "dlt"),
        destination=dlt.destinations.duckdb(str(target)),
        dataset_name="raw",
    )
    pipeline.run(rows())
    with duckdb.connect(str(target), read_only=True) as connection:
        return _count(connection)


def _bare(region: Any, settings: Any) -> int:
    import duckdb
    import orjson
    import pyarrow as pa
    import requests

    source = region.sources.pos
    token = settings.token(source.token_env, region, "pos").get_secret_value()
    address, asked = f"{str(source.base_url).rstrip('/')}/api/v1/appeals", {"limit": source.page_size}
    made: set[str] = set()
    with duckdb.connect(str(settings.data / "bare.duckdb")) as connection, requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        connection.execute("CREATE SCHEMA raw")
        while True:
            body = orjson.loads(session.get(address, params=asked, timeout=60).content)
            for name, rows in _flattened(body["items"]).items():
                if not rows:
                    continue
                page = pa.Table.from_pylist(rows, schema=_schemas(pa)[name])
                verb = f"INSERT INTO raw.pos_{name}" if name in made else f"CREATE TABLE raw.pos_{name} AS"
                connection.register("page", page)
                connection.execute(f"{verb} SELECT * FROM page")  # noqa: S608
                made.add(name)
            if body["next_cursor"] is None:
                return _count(connection)
            asked["cursor"] = body["next_cursor"]


def _flattened(items: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {"appeals": items, "statuses": [], "answers": []}
    for item in items:
        item["author"] = (item.get("applicant") or {}).get("id")
        item["age_group"] = (item.get("applicant") or {}).get("age_group")
        item["ogrn"] = (item.get("organisation") or {}).get("ogrn")
        rows["statuses"] += [{"pos_id": item["id"], **one} for one in item["status_history"]]
        rows["answers"] += [{"pos_id": item["id"], **one} for one in item["answers"]]
    return rows


def _schemas(pa: Any) -> dict[str, Any]:
    texts = {
        "appeals": (
            "id kind created_at registered_at updated_at status category subcategory municipality locality"
            " street house text author age_group ogrn outcome"
        ),
        "statuses": "pos_id status at",
        "answers": "pos_id id at kind ogrn text",
    }
    return {
        name: pa.schema([(column, pa.string()) for column in columns.split()])
        for name, columns in texts.items()
    }


def _count(connection: Any) -> int:
    total = 0
    for name in ("appeals", "statuses", "answers"):
        ((count,),) = connection.execute(f"SELECT count(*) FROM raw.pos_{name}").fetchall()  # noqa: S608
        total += count
    return total


if __name__ == "__main__":
    main()
