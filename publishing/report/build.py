"""Candidate release → its `report/`: one page per region, and one of all regions where there are several.

    report/index.html          the region, or all regions side by side
    report/<region_id>.html    one region of several
    report/report.xlsx         the tables (workbook.py)

A page is one file: data, styles and scripts stand in it, and its own policy forbids it to ask any address. It
is made of the release's marts and manifest alone, so that the same release gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import yaml

from publishing.catalogue import PublishedTable
from publishing.errors import PublishError
from publishing.parts import sha256_of
from publishing.release import MANIFEST, Shelf, open_release, write_manifest
from publishing.report import data
from publishing.report.borders import Borders, BordersError, outlines
from publishing.report.companions import write_companions
from publishing.report.workbook import NAME, build_workbook
from publishing.restatements import RESTATEMENTS
from publishing.watermarks import sources_read

if TYPE_CHECKING:
    import duckdb

_log = logging.getLogger(__name__)
FOLDER = "report"
INDEX = "index.html"
_SCRIPTS = (
    *("words.js", "cube.js", "elements.js", "charts.js"),
    *("maps.js", "sections.js", "registers.js", "page.js"),
)


def report_on(
    shelf: Shelf,
    tables: Sequence[PublishedTable],
    dbt_manifest: Path,
    measures: Path | None = None,
    borders: Mapping[str, Borders] | None = None,
    warn: Callable[[str], None] = _log.warning,
) -> list[Path]:
    """Make the pages and the workbook of the candidate; none where its figures are published already.

    tables: those of the release, with their descriptions. dbt_manifest: says what dbt's tests ask. measures:
    the Markdown page of definitions. borders: by region_id; without them, or where they cannot be drawn, the
    map has tiles, and `warn` is told why.
    """
    manifest = json.loads((shelf.candidate / MANIFEST).read_text("utf-8"))
    current = shelf.current_manifest()
    if current and current.get("content") == manifest["content"]:
        return []
    with open_release(shelf.candidate) as connection:
        pages = build_report(connection, shelf.candidate, manifest, borders, warn)
        workbook = shelf.candidate / FOLDER / NAME
        described = [*tables, RESTATEMENTS]
        pages.append(build_workbook(connection, workbook, release_of(manifest), described))
    pages += write_companions(shelf.candidate, manifest, described, dbt_manifest, measures)
    manifest["pages"] = [
        {
            "path": path.relative_to(shelf.candidate).as_posix(),
            "bytes": path.stat().st_size,
            "sha256": sha256_of(path),
        }
        for path in sorted(pages)
    ]
    write_manifest(shelf.candidate, manifest)
    return pages


def build_report(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    manifest: Mapping[str, Any],
    borders: Mapping[str, Borders] | None = None,
    warn: Callable[[str], None] = _log.warning,
) -> list[Path]:
    """Write the pages of a release into `folder`/report; returns them.

    connection: the release's tables, as `open_release` gives them. manifest: with the results of all checks.
    borders, warn: as `report_on` takes them.
    """
    target = folder / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    regions = data.regions(connection)
    several = len(regions) > 1
    links = [
        {"id": region["id"], "name": region["name"], "file": _file(region["id"]) if several else INDEX}
        for region in regions
    ]
    common = {"release": release_of(manifest), "checks": _checks(manifest), "regions": links}
    written = []
    if several or not regions:
        content = {**common, "page": "overview", "overview": data.overview(connection)}
        written.append(_write(target / INDEX, content))
    for region, link in zip(regions, links, strict=True):
        found = data.region_page(connection, region["id"])
        places = [place["id"] for place in found["territories"] if place["id"] != data.UNKNOWN]
        found["map"] = _map((borders or {}).get(region["id"]), places, warn)
        found["watermarks"] = [
            {"source": mark["source"], "fetched_at": mark["fetched_at"]}
            for mark in sources_read(manifest)
            if mark["region_id"] == region["id"]
        ]
        written.append(_write(target / link["file"], {**common, "page": "region", "region": region, **found}))
    return written


def _map(
    borders: Borders | None, territories: Sequence[str], warn: Callable[[str], None]
) -> dict[str, Any] | None:
    """Outlines of the territories; None where tiles have to do."""
    if borders is None:
        return None
    try:
        return outlines(borders, territories)
    except BordersError as error:
        # A map is no reason to withhold a release.
        warn(str(error))
        return None


@cache
def words() -> dict[str, Any]:
    """What the pages say, by language; definitions of the figures included."""
    content: dict[str, Any] = yaml.load(_asset("texts.yaml"), yaml.CSafeLoader)
    return content


def _file(region_id: str) -> str:
    # Configuration allows nothing else; a name that is also an address has to be sure of it.
    if not region_id.replace("-", "").replace("_", "").isalnum() or region_id == "index":
        raise PublishError(f"The region {region_id!r} cannot name a page", "choose another region_id")
    return f"{region_id}.html"


def release_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """What a page says of its release: id, as_of, git_commit."""
    return {key: manifest[key] for key in ("id", "as_of", "git_commit")}


def _checks(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """How many checks the release passed, and those that did not hold but stop nothing."""
    suites: Mapping[str, Any] = manifest.get("checks", {})
    judged = [check for name in ("gate", "audit") for check in suites.get(name, ())]
    tests = [check for name in ("dbt_facts", "dbt_marts") for check in suites.get(name, ())]
    failing = [check["name"] for check in judged if not check["passed"]]
    failing += [check["name"].split(".")[2] for check in tests if check["status"] != "pass"]
    return {"total": len(judged) + len(tests), "failing": failing}


def _write(path: Path, content: Mapping[str, Any]) -> Path:
    path.write_text(render(content), "utf-8")
    return path


def render(content: Mapping[str, Any]) -> str:
    """The page that shows `content`."""
    embedded = {"words": words(), **content}
    data_json = _for_script(orjson.dumps(embedded, default=data.plain).decode())
    script, style = _script(), _asset("page.css")
    region = content.get("region")
    values = {
        "title": html.escape(region["name"] if region else "Отклик"),
        "script_hash": _hash(script),
        "style_hash": _hash(style),
        "style": style,
        "script": script,
        "data": data_json,
    }
    # In one pass: what was put in is never looked at for a placeholder.
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], _asset("page.html"))


def _for_script(text: str) -> str:
    """JSON that cannot end the script element it stands in, whatever names say."""
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _asset(name: str) -> str:
    return files("publishing.report").joinpath("assets", name).read_text("utf-8")


@cache
def _script() -> str:
    parts = "\n".join(_asset(name) for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}\n}})();'
