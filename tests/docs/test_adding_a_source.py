"""docs/adding-a-source.md is executed as it stands: files, diffs, the source read, the facts built."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest
import yaml

from sandbox.registry import write_registry
from sandbox.scenario import scenario_from
from sandbox.world import World

pytestmark = pytest.mark.scenario
ROOT = Path(__file__).parents[2]
CALLS = [
    {"id": 1, "at": "2026-03-03T05:00:00Z", "caller": "8 912 345-67-89", "words": "Яма", "answered_at": None},
    {
        "id": 2,
        "at": "2026-03-03T06:00:00Z",
        "words": "Свет",
        "caller": "1",
        "answered_at": "2026-03-03T08:00:00Z",
    },
    {"id": 3, "at": "yesterday", "words": "Звоните 8 912 345-67-89", "caller": "1", "answered_at": None},
]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


@contextmanager
def hot_line() -> Iterator[str]:
    """The service of the page, on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            after = int(parse_qs(urlsplit(self.path).query)["after"][0])
            known = self.headers["Authorization"] == "Bearer hot-line-token"
            body = json.dumps({"calls": [one for one in CALLS if one["id"] > after]}).encode()
            self.send_response(200 if known else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


def follow(text: str, root: Path) -> None:
    """Write the page's files and apply its diffs below `root`."""
    for title, content in re.findall(r"```\w+ title=(\S+)\n(.*?)```", text, re.DOTALL):
        path = root / title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    for block in re.findall(r"```diff\n(.*?)```", text, re.DOTALL):
        for name, hunks in re.findall(r"\+\+\+ b/(\S+)\n(.*?)(?=^--- |\Z)", block, re.DOTALL | re.MULTILINE):
            path = root / name
            content = path.read_text("utf-8")
            for hunk in re.split(r"^@@.*\n", hunks, flags=re.MULTILINE)[1:]:
                lines = hunk.splitlines(keepends=True)
                before = "".join(line[1:] for line in lines if line[0] in " -")
                after = "".join(line[1:] for line in lines if line[0] in " +")
                assert content.count(before) == 1, (
                    f"{name} holds these lines {content.count(before)} times:\n{before}"
                )
                content = content.replace(before, after)
            path.write_text(content, "utf-8")


def test_the_page_does_what_it_says(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    shutil.copytree(ROOT / "ingestion", root / "ingestion", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(
        ROOT / "dbt_project", root / "dbt_project", ignore=shutil.ignore_patterns("target", "logs")
    )
    follow(page("adding-a-source.md"), root)

    example = scenario_from(yaml.safe_load(page("scenarios.md").split("```yaml\n")[1].split("```")[0]))
    registry = tmp_path / "registry"
    write_registry(World.of(example), registry)
    regions = tmp_path / "regions"
    regions.mkdir()
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "OTKLIK_DATA": str(tmp_path / "data"),
        "OTKLIK_REGIONS": str(regions),
        "OTKLIK_HMAC_KEY": "6d0f3a7c19e84b52c7f0a1d95be2836440dd87f1c2a95e3b",
        "OTKLIK_AS_OF": "2026-03-15T14:00:00Z",
        "OTKLIK_HOTLINE_TOKEN": "hot-line-token",
        "OTKLIK_WAREHOUSE": str(tmp_path / "data" / "warehouse.duckdb"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }

    def run(*arguments: str, folder: Path = root) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    with hot_line() as url:
        region = {
            "region_id": "mine",
            "name": "Мой край",
            "time_zone": "Asia/Vladivostok",
            "sources": {
                "registry": {"folder": str(registry)},
                "hotline": {"base_url": url, "token_env": "OTKLIK_HOTLINE_TOKEN"},
            },
        }
        (regions / "mine.yaml").write_text(yaml.safe_dump(region, allow_unicode=True), "utf-8")
        run("-m", "ingestion", "registry")
        first = json.loads(run("-m", "ingestion", "hotline", "--json"))[0]["resources"]["appeals"]
        assert (first["received"], first["landed"], first["quarantined"]) == (3, 2, 1)
        assert (
            json.loads(run("-m", "ingestion", "hotline", "--json"))[0]["resources"]["appeals"]["received"]
            == 0
        )

    sources = root / "dbt_project" / "models" / "staging" / "hotline" / "_hotline__sources.yml"
    sources.write_text(run("-m", "ingestion.describe", "hotline"), "utf-8")
    build = ["-m", "dbt.cli.main", "--quiet", "build", "--profiles-dir", "."]
    run(*build, "--exclude", "path:models/marts", "test_type:unit", folder=root / "dbt_project")

    with duckdb.connect(environment["OTKLIK_WAREHOUSE"], read_only=True) as connection:
        assert connection.execute(
            "select source, channel, is_countable, first_answer_minutes from facts.fct_appeals"
            " order by 4 nulls first"
        ).fetchall() == [("hotline", "other", True, None), ("hotline", "other", True, 120)]
        kept = connection.execute("select payload from raw.quarantine").fetchall()
    assert len(kept) == 1
    assert "912" not in kept[0][0]
