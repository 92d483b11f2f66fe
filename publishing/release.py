"""Warehouse → immutable release: built beside the current one, audited, then put in place atomically.

    published/releases/<id>/marts/<mart>.parquet
                           /facts/<dim>.parquet
                           /facts/<fct>/region_id=<region>/month=<YYYY-MM>.parquet
                           /report/index.html, …
                           /manifest.json
    published/current -> releases/<id>
    published/restatements.parquet
    published/serving.duckdb

The id is the moment the figures were first stated for and a hash of the files' content: a later run that
finds the same figures makes no new release. Nothing here reads the clock.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from publishing.catalogue import PublishedTable
from publishing.errors import PublishError
from publishing.parts import PARQUET, sha256_of, write_tables
from publishing.restatements import RESTATEMENTS, write_restatements
from publishing.watermarks import read_watermarks
from quality.closed_months import BEFORE

if TYPE_CHECKING:
    import duckdb

MANIFEST = "manifest.json"
APPEALS = "facts/fct_appeals"


@dataclass(frozen=True)
class Shelf:
    """The folder `published` and what stands where in it."""

    root: Path

    @property
    def releases(self) -> Path:
        return self.root / "releases"

    @property
    def current(self) -> Path:
        return self.root / "current"

    @property
    def serving(self) -> Path:
        return self.root / "serving.duckdb"

    @property
    def ledger(self) -> Path:
        """Every restatement ever told: it outlives the releases that told them."""
        return self.root / "restatements.parquet"

    @property
    def candidate(self) -> Path:
        return self.root / ".candidate"

    def release_ids(self) -> list[str]:
        """Releases from the oldest `as_of` to the newest."""
        return sorted(path.parent.name for path in self.releases.glob(f"*/{MANIFEST}"))

    def current_manifest(self) -> dict[str, Any] | None:
        """The manifest of the current release; None before the first."""
        path = self.current / MANIFEST
        return json.loads(path.read_text("utf-8")) if path.is_file() else None

    def manifest(self, release_id: str) -> dict[str, Any]:
        """A release's manifest. Raises PublishError when there is no such release."""
        path = self.releases / release_id / MANIFEST
        if release_id in ("", ".", "..") or "/" in release_id or not path.is_file():
            raise PublishError(
                f"There is no release {release_id}", "list those which exist with `otklik releases`"
            )
        return json.loads(path.read_text("utf-8"))


@dataclass(frozen=True)
class Provenance:
    """What a release says about where it comes from."""

    as_of: datetime
    git_commit: str
    fingerprint: str
    checks: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    # Grows with every erasure.
    erasures: int = 0


def build_candidate(
    warehouse: Path,
    shelf: Shelf,
    tables: Iterable[PublishedTable],
    provenance: Provenance,
    memory_limit: str = "",
) -> dict[str, Any]:
    """Write the candidate release and return its manifest (still without the audit's results).

    A partition whose rows have not changed since the current release (same rules, same number of rows, same
    newest load) is linked, not written again. memory_limit: as DuckDB takes it, such as 4GB; its own where
    empty. Raises PublishError when the warehouse cannot be read.
    """
    import duckdb

    tables = list(tables)
    previous = shelf.current_manifest()
    # An erasure may change rows that no load touched: what was a duplicate of the erased counts now.
    rules = (provenance.fingerprint, provenance.erasures)
    reusable = (
        previous if previous and (previous["fingerprint"], previous.get("erasures", 0)) == rules else None
    )
    shutil.rmtree(shelf.candidate, ignore_errors=True)
    shelf.candidate.mkdir(parents=True)
    try:
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            connection.execute("set threads to 1")
            connection.execute("set timezone to 'UTC'")
            _limit(connection, memory_limit)
            written = write_tables(connection, tables, shelf.candidate, shelf.current, reusable)
            watermarks = read_watermarks(connection)
            mappings = dict(
                connection.execute("select region_id, mapping_seq from facts.dim_regions").fetchall()
            )
    except duckdb.IOException as error:
        raise PublishError(
            f"The warehouse {warehouse} cannot be read", "end the program that has it open and run again"
        ) from error
    facts = (mappings, watermarks)
    written[RESTATEMENTS.path] = _write_restatements(shelf, written, previous, provenance, *facts)
    volatile = {table.path for table in tables if table.is_volatile}
    content = [
        (file["path"], file["sha256"])
        for path, table in written.items()
        if path not in volatile
        for file in table["files"]
    ]
    digest = hashlib.sha256(json.dumps(sorted(content)).encode()).hexdigest()
    manifest = {
        "id": f"{provenance.as_of:%Y%m%dT%H%M%SZ}-{digest[:8]}",
        "content": digest,
        "as_of": provenance.as_of.isoformat() + "Z",
        "git_commit": provenance.git_commit,
        "fingerprint": provenance.fingerprint,
        "erasures": provenance.erasures,
        "watermarks": watermarks,
        "mappings": mappings,
        "tables": written,
        "checks": dict(provenance.checks),
    }
    write_manifest(shelf.candidate, manifest)
    return manifest


def record_audit(shelf: Shelf, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Write the audit's results into the candidate's manifest."""
    manifest = json.loads((shelf.candidate / MANIFEST).read_text("utf-8"))
    manifest["checks"]["audit"] = list(results)
    write_manifest(shelf.candidate, manifest)
    return manifest


def put_in_place(shelf: Shelf) -> tuple[dict[str, Any], bool]:
    """Make the audited candidate a release; returns the release's manifest and whether it is new.

    When the current release holds the same files, it stays: its figures still hold. Raises PublishError for a
    candidate that was not audited.
    """
    path = shelf.candidate / MANIFEST
    manifest = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if "audit" not in manifest.get("checks", {}):
        raise PublishError("There is no audited candidate release", "run the whole street: `otklik run`")
    current = shelf.current_manifest()
    if current and current.get("content") == manifest["content"]:
        shutil.rmtree(shelf.candidate)
        return current, False
    target = shelf.releases / manifest["id"]
    if target.exists():
        # Left by a run that died between this step and the next, or an older release that holds again.
        shutil.rmtree(shelf.candidate)
        return shelf.manifest(manifest["id"]), True
    shelf.releases.mkdir(parents=True, exist_ok=True)
    os.replace(shelf.candidate, target)
    return manifest, True


def point_current(shelf: Shelf, release_id: str) -> None:
    """Let `current` name the release, in one step, after its restatements have gone into the ledger."""
    told = shelf.releases / release_id / f"{RESTATEMENTS.path}.parquet"
    fresh_ledger = shelf.ledger.with_suffix(".new")
    fresh_ledger.unlink(missing_ok=True)
    if told.is_file():
        os.link(told, fresh_ledger)
        os.replace(fresh_ledger, shelf.ledger)
        fresh_ledger.unlink(missing_ok=True)  # which stays where both are links to one file
    fresh = shelf.root / ".current"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(Path("releases") / release_id)
    os.replace(fresh, shelf.current)


def retire(shelf: Shelf, keep: int) -> list[str]:
    """Delete old releases and return their ids."""
    retired = retired_by(shelf, keep)
    for release_id in retired:
        shutil.rmtree(shelf.releases / release_id)
    return retired


def retired_by(shelf: Shelf, keep: int) -> list[str]:
    """Ids of the releases that `retire` would delete.

    Kept are the newest `keep`, the last one of each of the newest `keep` days of as_of (so that a live
    deployment's minutes do not push out its days), and the current one.
    """
    standing = shelf.release_ids()
    current = shelf.current_manifest()
    last_of_day = {release_id[:8]: release_id for release_id in standing}
    days = sorted(last_of_day)[-keep:]
    kept = {*standing[-keep:], *(last_of_day[day] for day in days), current["id"] if current else ""}
    return [release_id for release_id in standing if release_id not in kept]


def open_release(folder: Path) -> duckdb.DuckDBPyConnection:
    """A connection that sees just the files a release's manifest names, as schema.table."""
    import duckdb

    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    connection = duckdb.connect()
    connection.execute("set timezone to 'UTC'")
    _view_tables(connection, folder, manifest["tables"])
    return connection


def open_candidate(shelf: Shelf, memory_limit: str = "") -> duckdb.DuckDBPyConnection:
    """As `open_release`, on the candidate; what it is about to replace stands in the schema `before`."""
    connection = open_release(shelf.candidate)
    _limit(connection, memory_limit)
    tables = json.loads((shelf.candidate / MANIFEST).read_text("utf-8"))["tables"]
    _view_before(connection, shelf, tables, shelf.current_manifest())
    return connection


def _limit(connection: duckdb.DuckDBPyConnection, memory: str) -> None:
    if memory:
        connection.execute(f"set memory_limit = '{memory}'")


def _view_tables(connection: duckdb.DuckDBPyConnection, folder: Path, tables: Mapping[str, Any]) -> None:
    for path in tables:
        schema, name = path.split("/")
        connection.execute(f"create schema if not exists {schema}")
        connection.execute(f"create view {schema}.{name} as select * from {scan(folder, tables, path)}")  # noqa: S608


def _view_before(
    connection: duckdb.DuckDBPyConnection,
    shelf: Shelf,
    tables: Mapping[str, Any],
    previous: Mapping[str, Any] | None,
) -> None:
    """The replaced release's tables in the schema `before`: those of today's shape, the others empty.

    A table whose columns are not today's belongs to another version of the platform and cannot be compared.
    """
    connection.execute(f"create schema {BEFORE}")
    connection.execute(f"create table {BEFORE}.comparable (name varchar)")
    standing = (previous or {}).get("tables", {})
    for path in tables:
        schema, name = path.split("/")
        ours = f"{schema}.{name}"
        source = f"{ours} where false"
        if path in standing:
            theirs = scan(shelf.current, standing, path)
            columns = [_columns(connection, table) for table in (ours, theirs)]
            if columns[0] == columns[1]:
                source = theirs
                connection.execute(f"insert into {BEFORE}.comparable values (?)", [name])  # noqa: S608
        connection.execute(f"create view {BEFORE}.{name} as select * from {source}")  # noqa: S608


def _view_changed(
    connection: duckdb.DuckDBPyConnection,
    shelf: Shelf,
    tables: Mapping[str, Any],
    previous: Mapping[str, Any] | None,
) -> None:
    """Appeals in the months whose files differ between the two releases: what is the same moved nothing.

    Where the table's columns are not those of today, none of the older rows can be compared.
    """
    connection.execute("create schema changed")
    name = APPEALS.partition("/")[2]
    is_comparable = connection.execute(
        f"select 1 from {BEFORE}.comparable where name = ?",  # noqa: S608
        [name],
    ).fetchone()
    past = (previous or {}).get("tables", {}) if is_comparable else {}
    now_files, past_files = ([*of.get(APPEALS, {}).get("files", ())] for of in (tables, past))
    for view, folder, files, others in (
        ("appeals_now", shelf.candidate, now_files, past_files),
        ("appeals_before", shelf.current, past_files, now_files),
    ):
        same = {file["sha256"] for file in others}
        changed = [file for file in files if file["sha256"] not in same]
        source = (
            scan(folder, {APPEALS: {"files": changed}}, APPEALS) if changed else f"facts.{name} where false"
        )
        connection.execute(f"create view changed.{view} as select * from {source}")  # noqa: S608


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[Any, ...]]:
    return connection.execute(
        f"select column_name, column_type from (describe select * from {table})"  # noqa: S608 - names of our own
    ).fetchall()


def scan(folder: Path, tables: Mapping[str, Any], path: str) -> str:
    """A table's files in a release as a DuckDB table function.

    `tables` are those of the release's manifest, `path` is schema/table.
    """
    files = [str(folder / file["path"]).replace("'", "''") for file in tables[path]["files"]]
    literals = ", ".join(f"'{file}'" for file in files)
    return f"read_parquet([{literals}], hive_partitioning = false)"


def _write_restatements(
    shelf: Shelf,
    written: Mapping[str, Any],
    previous: Mapping[str, Any] | None,
    provenance: Provenance,
    mappings: Mapping[str, Any],
    watermarks: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Compare the candidate with the current release; the table's entry in the manifest."""
    import duckdb

    target = shelf.candidate / f"{RESTATEMENTS.path}.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    past = (previous or {}).get("mappings", {})
    with duckdb.connect() as connection:
        connection.execute("set threads to 1")
        connection.execute("set timezone to 'UTC'")
        _view_tables(connection, shelf.candidate, written)
        if previous and RESTATEMENTS.path in previous["tables"]:
            connection.execute(
                "create view marts.restatements as select * from "  # noqa: S608
                f"{scan(shelf.current, previous['tables'], RESTATEMENTS.path)}"
            )
            written = {**written, RESTATEMENTS.path: {}}
        _view_before(connection, shelf, written, previous)
        _view_changed(connection, shelf, written, previous)
        rows = write_restatements(
            connection,
            target,
            previous=previous,
            ledger=shelf.ledger,
            as_of=provenance.as_of,
            has_other_rules=previous is not None and previous["fingerprint"] != provenance.fingerprint,
            regions_mapped_anew=[region for region, seq in mappings.items() if past.get(region, seq) != seq],
            erasures=provenance.erasures,
            watermarks=watermarks,
            options=PARQUET,
        )
    file = {
        "path": f"{RESTATEMENTS.path}.parquet",
        "rows": rows,
        "bytes": target.stat().st_size,
        "sha256": sha256_of(target),
        "signature": None,
    }
    return {"rows": rows, "files": [file]}


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write a release's manifest into its folder."""
    (folder / MANIFEST).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n")
