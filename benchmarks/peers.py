"""The same file and the same REST source through other tools that a package registry has.

    make peers
    python -m benchmarks.peers --rows 1000000

Each is a process of its own with a DuckDB file of its own, and is timed from its start to its end:

  otklik    as ever: checks, masks, accounts, quarantine
  ingestr   its reader of CSV files; its reader of Elasticsearch, the only one that goes to a REST server of
            one's own, which a stand-in answers with the same appeals
  singer    tap-spreadsheets and tap-rest-api-msdk into target-duckdb
  dlt       its own `filesystem` with `read_csv`, and its own `rest_api`, nothing set but where from and to

A peer that loses rows is told so, and timed all the same. Columns have English names: of Russian ones
ingestr makes a single column.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import duckdb

from benchmarks import api_ingest, files_load

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".venv-peers"
SCENARIO = "tyumen-2021"
# No network but this machine's: what a tool tells its makers would be waited for.
_QUIET = {"DISABLE_TELEMETRY": "true", "RUNTIME__DLTHUB_TELEMETRY": "false", "NO_COLOR": "1"}


@dataclass(frozen=True)
class Way:
    """One tool's way: commands, each fed by the one before, and where the rows are counted afterwards."""

    commands: list[list[str]]
    database: Path
    table: str
    python: str = sys.executable


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--run", nargs="+", help=argparse.SUPPRESS)  # one of our ways, in this process
    chosen = parser.parse_args()
    if chosen.run:
        name, *values = chosen.run
        {"file": _our_file, "rest": _our_rest, "dlt-file": _dlt_file, "dlt-rest": _dlt_rest}[name](*values)
        return
    with tempfile.TemporaryDirectory(prefix="otklik-bench-", dir=chosen.folder) as folder:
        found = measure(Path(folder), chosen.rows)
    if chosen.json:
        print(json.dumps(found))
        return
    for source, ways in found.items():
        print(f"{source}: {ways['otklik']['rows']:,} rows")
        for name, one in ways.items():
            print(
                f"  {name:<8} {one['seconds']:8.1f} s {one['ratio']:8.1f} × ours, {one['lost']:,} rows lost"
            )


def measure(folder: Path, rows: int) -> dict[str, dict[str, dict[str, Any]]]:
    """By source and tool: `seconds` of the wall, `rows` that landed, `lost`, and `ratio` to our seconds."""
    if not (PEERS / "ingestr").is_dir():
        raise SystemExit("the peers are not installed: run `make peers`")
    return {"file": _told(_files(folder / "file", rows)), "rest": _told(_rest(folder / "rest"))}


def must_reach(peer: str, source: str) -> int:
    """How many times our seconds a peer has to take."""
    return 10 if (peer, source) == ("ingestr", "file") else 1


def _told(found: dict[str, tuple[float, int]]) -> dict[str, dict[str, Any]]:
    our_seconds, all_rows = found["otklik"]
    return {
        name: {
            "seconds": round(seconds, 1),
            "rows": rows,
            "lost": all_rows - rows,
            "ratio": round(seconds / our_seconds, 1),
        }
        for name, (seconds, rows) in found.items()
    }


def _files(folder: Path, rows: int) -> dict[str, tuple[float, int]]:
    csv = folder / "in" / "appeals.csv"
    csv.parent.mkdir(parents=True)
    russian = folder / "russian.csv"
    names = {_column(told): field for field, told in files_load.MAPPING["columns"].items()}
    with duckdb.connect() as connection:
        connection.execute(files_load.ROWS.format(rows=rows, path=russian))
        columns = ", ".join(f'"{theirs}" AS {ours}' for theirs, ours in names.items())
        connection.execute(
            f"COPY (SELECT {columns} FROM read_csv('{russian}', all_varchar = true))"  # noqa: S608
            f" TO '{csv}' (HEADER)"
        )
    russian.unlink()
    tap = {"path": str(csv), "format": "csv", "delimiter": ",", "table_name": "appeals"}
    tap_of_files = {"files": [{**tap, "primary_keys": ["ticket_id"]}]}
    return _timed(
        {
            "otklik": _ours("file", folder, "raw.files_appeals", str(folder)),
            "ingestr": _ingestr(folder, f"csv://{csv}", "appeals"),
            "singer": _singer("files", folder, "tap-spreadsheets", tap_of_files),
            "dlt": _dlt("dlt-file", folder, str(csv.parent)),
        }
    )


def _rest(folder: Path) -> dict[str, tuple[float, int]]:
    from ingestion.config import load_regions, load_settings
    from sandbox.kit import launch

    folder.mkdir(parents=True)
    with launch(SCENARIO, folder / "sandbox") as sandbox:
        settings = load_settings({**sandbox.env, "OTKLIK_DATA": str(folder / "data")})
        region = next(one for one in load_regions(settings).values() if one.sources.pos is not None)
        source = cast(Any, region.sources.pos)
        token = settings.token(source.token_env, region, "pos").get_secret_value()
        address = str(source.base_url).rstrip("/")
        page = source.page_size
        tap = {
            "api_url": address,
            "headers": {"Authorization": f"Bearer {token}"},
            "next_page_token_path": "$.next_cursor",
            "pagination_request_style": "jsonpath_paginator",
            "pagination_response_style": "default",
            "pagination_next_page_param": "cursor",
            "params": {"limit": str(page)},
            "streams": [
                {
                    "name": "appeals",
                    "path": "/api/v1/appeals",
                    "records_path": "$.items[*]",
                    "primary_keys": ["id"],
                    "num_inference_records": page,
                }
            ],
        }
        environment = {**sandbox.env, "OTKLIK_DATA": str(folder / "data")}
        with _elasticsearch(_items(address, token, page)) as stand_in:
            return _timed(
                {
                    "otklik": _ours("rest", folder, "raw.pos_appeals", json.dumps(environment)),
                    "ingestr": _ingestr(folder, f"elasticsearch://{stand_in}?secure=false", "appeals"),
                    "singer": _singer("rest", folder, "tap-rest-api-msdk", tap),
                    "dlt": _dlt("dlt-rest", folder, address, token, str(page)),
                }
            )


def _column(told: Any) -> str:
    column: str = told if isinstance(told, str) else told["column"]
    return column


def _ours(way: str, folder: Path, table: str, *values: str) -> Way:
    command = [sys.executable, "-m", "benchmarks.peers", "--run", way, *values]
    return Way([command], folder / "data" / "warehouse.duckdb", table)


def _dlt(way: str, folder: Path, *values: str) -> Way:
    database = folder / "dlt.duckdb"
    command = [sys.executable, "-m", "benchmarks.peers", "--run", way, str(database), *values]
    return Way([command], database, "raw.appeals")


def _ingestr(folder: Path, source: str, table: str) -> Way:
    home, database = PEERS / "ingestr" / "bin", folder / "ingestr.duckdb"
    command = [
        *(str(home / "ingestr"), "ingest", "--yes", "--progress", "log"),
        *("--source-uri", source, "--source-table", table),
        *("--dest-uri", f"duckdb:///{database}", "--dest-table", "raw.appeals"),
    ]
    return Way([command], database, "raw.appeals", str(home / "python"))


def _singer(kind: str, folder: Path, tap: str, config: dict[str, Any]) -> Way:
    home, database = PEERS / f"singer-{kind}" / "bin", folder / "singer.duckdb"
    target = {"filepath": str(database), "default_target_schema": "main"}
    for name, content in (("tap", config), ("target", target)):
        (folder / f"{name}.json").write_text(json.dumps(content), "utf-8")
    commands = [
        [str(home / tap), "--config", str(folder / "tap.json")],
        [str(home / "target-duckdb"), "--config", str(folder / "target.json")],
    ]
    return Way(commands, database, "main.appeals", str(home / "python"))


def _timed(ways: dict[str, Way]) -> dict[str, tuple[float, int]]:
    """Seconds and rows landed by tool; one after the other."""
    found = {}
    for name, way in ways.items():
        print(f"… {name}", file=sys.stderr)
        begun = time.perf_counter()
        _run(name, way)
        found[name] = time.perf_counter() - begun, _rows(way)
    return found


def _run(name: str, way: Way) -> None:
    log = way.database.with_name(f"{name}.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as told:
        running: list[subprocess.Popen[bytes]] = []
        for command in way.commands:
            is_last = len(running) == len(way.commands) - 1
            running.append(
                subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env={**os.environ, **_QUIET},
                    stdin=running[-1].stdout if running else subprocess.DEVNULL,
                    stdout=told if is_last else subprocess.PIPE,
                    stderr=told,
                )
            )
        for process in running:
            if process.stdout is not None:
                process.stdout.close()
        codes = [process.wait() for process in reversed(running)]
    if any(codes):
        raise SystemExit(f"{name} failed: {log.read_text('utf-8', errors='replace')[-2000:]}")


def _rows(way: Way) -> int:
    """Counted by the tool's own DuckDB: a file of a newer one is not read by an older."""
    script = (
        "import sys, duckdb; connection = duckdb.connect(sys.argv[1], read_only=True);"
        "print(connection.execute('select count(*) from ' + sys.argv[2]).fetchall()[0][0])"
    )
    command = [way.python, "-c", script, str(way.database), way.table]
    return int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def _our_file(folder: str) -> None:
    columns = {
        field: field if isinstance(told, str) else {**told, "column": field}
        for field, told in files_load.MAPPING["columns"].items()
    }
    files_load.ours(Path(folder), {**files_load.MAPPING, "columns": columns})


def _our_rest(environment: str) -> None:
    from ingestion.config import load_regions, load_settings
    from ingestion.pipeline import ingest

    settings = load_settings(json.loads(environment))
    region = next(one for one in load_regions(settings).values() if one.sources.pos is not None)
    ingest("pos", api_ingest.unhurried(region), settings)


def _dlt_file(database: str, folder: str) -> None:
    from dlt.sources.filesystem import filesystem, read_csv

    files = filesystem(bucket_url=f"file://{folder}", file_glob="*.csv")
    _dlt_pipeline(database).run((files | read_csv()).with_name("appeals"))


def _dlt_rest(database: str, address: str, token: str, page: str) -> None:
    from dlt.sources.rest_api import rest_api_source

    source = rest_api_source(
        {
            "client": {
                "base_url": address,
                "auth": {"type": "bearer", "token": token},
                "paginator": {"type": "cursor", "cursor_path": "next_cursor", "cursor_param": "cursor"},
            },
            "resources": [
                {
                    "name": "appeals",
                    "endpoint": {
                        "path": "api/v1/appeals",
                        "params": {"limit": int(page)},
                        "data_selector": "items",
                    },
                }
            ],
        }
    )
    _dlt_pipeline(database).run(source)


def _dlt_pipeline(database: str) -> Any:
    import dlt

    return dlt.pipeline(
        pipeline_name="bench_peers",
        pipelines_dir=f"{database}.dlt",
        destination=dlt.destinations.duckdb(database),
        dataset_name="raw",
    )


def _items(address: str, token: str, page: int) -> list[dict[str, Any]]:
    import requests

    found: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"limit": page}
    while True:
        answer = requests.get(
            f"{address}/api/v1/appeals",
            params=asked,
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        ).json()
        found += answer["items"]
        if answer["next_cursor"] is None:
            return found
        asked["cursor"] = answer["next_cursor"]


@contextmanager
def _elasticsearch(items: list[dict[str, Any]]) -> Iterator[str]:
    """A server on loopback that answers a search and its scrolling with `items`; gives host and port."""
    hits = [{"_id": item["id"], "_source": item} for item in items]
    places: dict[str, int] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        size = 5  # as ingestr asks

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
            if self.path.startswith("/_search/scroll"):
                scroll = str(asked["scroll_id"])
            else:
                scroll = str(len(places))
                places[scroll] = 0
            begin = places[scroll]
            places[scroll] = begin + self.size
            self._answer({"_scroll_id": scroll, "hits": {"hits": hits[begin : begin + self.size]}})

        def do_GET(self) -> None:
            self._answer({"version": {"number": "8.0.0"}})

        def do_DELETE(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer({"succeeded": True})

        def _answer(self, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/vnd.elasticsearch+json; compatible-with=8")
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *values: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    main()
