"""Back up, restore, rebuild: what a deployment needs on its worst day, under the warehouse lock."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingestion.config import Settings
from ingestion.erasing import Erased
from ingestion.erasures import BOOK as ERASURES
from ingestion.erasures import book_of, read_book
from ingestion.errors import UsageError, WarehouseError
from ingestion.lock import warehouse_lock
from ingestion.traces import rewrite_file
from orchestration.dbt_manifest import ensure_manifest
from orchestration.street import Listener, Outcome, Wish, run_street
from publishing.catalogue import published_tables
from publishing.parts import sha256_of
from publishing.release import Shelf
from publishing.serving import build_serving

BOOK = "backup.json"
# What cannot be made again: raw and the books in the warehouse, deliveries not yet read, what was published,
# the models by which messages were labelled.
KEPT = ("warehouse.duckdb", "inbox", "published", "labels", ERASURES)
LOCK_WAIT_SECONDS = 3600
DERIVED = ("staging", "facts", "marts", "seeds")


@dataclass(frozen=True)
class Backup:
    """A finished backup: where it lies, its files and their bytes."""

    folder: Path
    files: int
    size: int


def backup(settings: Settings, folder: Path, wait: float = LOCK_WAIT_SECONDS) -> Backup:
    """Copy the deployment into `folder`, which must not exist; returns what was copied.

    Waits for a run that is writing, since half a run is no state to go back to; the receiver of webhooks
    goes on. The folder appears under its name only when it is whole, with a checksum of each file.
    """
    folder = folder.absolute()
    if folder.exists():
        raise UsageError(f"{folder} exists already", "name a new folder for each backup")
    fresh = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    with warehouse_lock(settings, "a backup", wait):
        _checkpoint(settings.warehouse)
        for source in _files(settings.data):
            target = fresh / source.relative_to(settings.data)
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_symlink():
                target.symlink_to(source.readlink())
            elif source.suffix == ".sqlite":
                _copy_journal(source, target)
            else:
                shutil.copy2(source, target)
    book = {path.relative_to(fresh).as_posix(): sha256_of(path) for path in _plain_files(fresh)}
    (fresh / BOOK).write_text(json.dumps(book, indent=1, sort_keys=True), "utf-8")
    os.replace(fresh, folder)
    return Backup(folder, len(book), sum((folder / name).stat().st_size for name in book))


def restore(settings: Settings, folder: Path, erasures: Path | None = None) -> Backup:
    """Make the deployment's data what the backup holds; the data it replaces is moved aside, not deleted.

    What was erased since the backup, by the book that stands and by `erasures`, a copy of it, is erased again
    and a release without it published. Raises UsageError for a folder that is no whole backup: a missing or
    altered file is named.
    """
    from orchestration.erase import apply_again, publish_without

    book = _checked(folder)
    if erasures is not None and not erasures.is_file():
        raise UsageError(f"There is no book of erasures {erasures}", "name a copy of <data>/erasures.jsonl")
    with warehouse_lock(settings, "a restore"):
        books = [read_book(path) for path in (book_of(settings.data), erasures) if path is not None]
        aside = settings.data / "before-restore"
        shutil.rmtree(aside, ignore_errors=True)
        for name in (*KEPT, "warehouse.duckdb.wal", "dlt"):
            standing = settings.data / name
            if standing.exists():
                aside.mkdir(parents=True, exist_ok=True)
                os.replace(standing, aside / name)
        for name in KEPT:
            kept = folder / name
            if kept.is_dir():
                shutil.copytree(kept, settings.data / name, symlinks=True)
            elif kept.exists():
                shutil.copy2(kept, settings.data / name)
        shelf = Shelf(settings.data / "published")
        if manifest := shelf.current_manifest():
            # Its views name the release's files by their full path, which may be another now.
            build_serving(shelf, manifest, published_tables(ensure_manifest()))
        erased_since = apply_again(settings, books)
    if erased_since:
        outcome = publish_without(settings, read_book(book_of(settings.data)), Erased()).outcome
        if not outcome.succeeded:
            raise WarehouseError(
                f"The backup is restored and what was erased since is gone from it, but not published: "
                f"{outcome.failures[0]}",
                "mend that and run `otklik run`, then the same `otklik restore` again",
            )
    return Backup(folder, len(book), sum((folder / name).stat().st_size for name in book))


def rebuild(settings: Settings, as_of: str = "", listener: Listener | None = None) -> Outcome:
    """Drop everything that is made from raw and make it again, without reading a source. The file is written
    anew, so that damage outside raw is gone.

    as_of: the moment to state figures for; by default that of the current release, so that the same raw gives
    the same release, byte for byte.
    """
    manifest = Shelf(settings.data / "published").current_manifest()
    moment = as_of or (manifest["as_of"] if manifest else "")
    with warehouse_lock(settings, "a rebuild"):
        _drop_derived(settings.warehouse)
    return run_street(settings, Wish(as_of=moment, full_refresh=True, reading=False), listener)


def _drop_derived(warehouse: Path) -> None:
    import duckdb

    if not warehouse.exists():
        raise WarehouseError(f"There is no warehouse {warehouse}", "restore a backup: `otklik restore DIR`")
    try:
        with duckdb.connect(str(warehouse)) as connection:
            for schema in DERIVED:
                connection.execute(f"drop schema if exists {schema} cascade")
        rewrite_file(warehouse)
    except duckdb.Error as error:
        raise WarehouseError(
            f"{warehouse} cannot be read as a DuckDB file", "restore a backup: `otklik restore DIR`"
        ) from error


def _checkpoint(warehouse: Path) -> None:
    """Bring what a killed run left in the write-ahead log into the file itself."""
    import duckdb

    if warehouse.exists():
        try:
            duckdb.connect(str(warehouse)).close()
        except duckdb.Error as error:
            raise WarehouseError(
                f"{warehouse} cannot be read, so it cannot be backed up", "end the program that has it open"
            ) from error


def _files(data: Path) -> Iterator[Path]:
    for name in KEPT:
        path = data / name
        if path.is_file():
            yield path
        elif path.is_dir():
            yield from (found for found in sorted(path.rglob("*")) if _is_kept(found))


def _is_kept(path: Path) -> bool:
    if any(part.startswith((".candidate", ".serving", ".catalogue")) for part in path.parts):
        return False
    return path.is_symlink() or (path.is_file() and not path.name.endswith(("-wal", "-shm")))


def _plain_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not _below_a_link(path, folder))


def _below_a_link(path: Path, folder: Path) -> bool:
    return any(parent.is_symlink() for parent in (path, *path.parents) if parent != folder)


def _copy_journal(source: Path, target: Path) -> None:
    """SQLite's own online backup: the receiver may be writing."""
    with sqlite3.connect(source) as live, sqlite3.connect(target) as copy:
        live.backup(copy)


def _checked(folder: Path) -> dict[str, str]:
    path = folder / BOOK
    if not path.is_file():
        raise UsageError(f"{folder} is no backup of Otklik", f"name a folder that holds {BOOK}")
    book: dict[str, Any] = json.loads(path.read_text("utf-8"))
    for name, expected in book.items():
        if not (folder / name).is_file() or sha256_of(folder / name) != expected:
            raise UsageError(f"The backup {folder} is damaged: {name}", "take an older one")
    return book
