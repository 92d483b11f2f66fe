"""Erase a person or an appeal everywhere: raw, what is made of it, releases, what lies beside them.

The book is written first. Whatever is interrupted afterwards, the same command brings to its end.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestion.config import Settings
from ingestion.erasing import Erased, Request, erase, erase_traces, find, was_erased
from ingestion.erasures import Erasures, book_of, keyed_sql_of, read_book, say_erased, write_book
from ingestion.errors import UsageError
from ingestion.lock import warehouse_lock
from ingestion.pseudonyms import Pseudonyms
from ingestion.rekey import brought, rekey, stands_under_older_key
from ingestion.traces import drop_working_copies, rewrite_file
from ingestion.warehouse import opened
from orchestration.street import Listener, Outcome, Wish, run_street
from orchestration.upkeep import DERIVED
from publishing.release import Shelf
from publishing.withdrawal import withdraw

if TYPE_CHECKING:
    import duckdb

LOCK_WAIT_SECONDS = 3600


@dataclass(frozen=True)
class Erasure:
    """What came of it: rows and files as in `Erased`, releases taken back, the run that published anew."""

    erased: Erased
    withdrawn: list[str]
    outcome: Outcome


def erase_everywhere(
    settings: Settings, request: Request, listener: Listener | None = None, wait: float = LOCK_WAIT_SECONDS
) -> Erasure:
    """Erase what the request names; waits for a run that is writing.

    Raises UsageError where nothing of it stands in raw and nothing of it was erased before. The release that
    follows states the moment of the current one: its figures differ by what was erased and by nothing else.
    """
    pseudonyms = settings.pseudonyms()
    with warehouse_lock(settings, "an erasure", wait):
        with opened(settings) as warehouse:
            warehouse.prepare(pseudonyms)
            found = find(warehouse.connection, request, settings.now(), pseudonyms)
            book = read_book(book_of(settings.data))
            known = was_erased(warehouse.connection, request, book, pseudonyms)
        if not found and not known:
            raise UsageError(
                "Nothing of that stands in the warehouse",
                "check the key or the reference (docs/privacy.md, «Erase»); nothing was changed",
            )
        if not book.knows(found):
            count = book.count + 1
            book.add(found)
            book.count = count
            book.identity = pseudonyms.identities()[-1]
            write_book(book_of(settings.data), book)
        erased = apply_book(settings, book)
        shutil.rmtree(settings.data / "before-restore", ignore_errors=True)
    return publish_without(settings, book, erased, listener)


def apply_book(settings: Settings, book: Erasures) -> Erased:
    """Make raw, the journal and the states hold nothing that the book names. The caller holds the lock.

    What is made of raw is dropped, and the file is written anew: no byte of what went stays in it.
    """
    pseudonyms = settings.pseudonyms()
    with opened(settings) as warehouse:
        warehouse.prepare(pseudonyms)
        erased = erase(warehouse.connection, book, pseudonyms)
        erase_traces(warehouse.connection, settings.data, book, erased, pseudonyms)
        for schema in DERIVED:
            warehouse.connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    rewrite_file(settings.warehouse)
    drop_working_copies(settings.data)
    shutil.rmtree(Shelf(settings.data / "published").candidate, ignore_errors=True)
    return erased


def apply_again(settings: Settings, books: Iterable[Erasures]) -> bool:
    """After a restore: the book holds what all `books` say, and raw nothing of it. The caller holds the lock.

    Returns whether the restored backup knew less than that, so that it has to be published anew.
    """
    pseudonyms = settings.pseudonyms()
    restored = brought(read_book(book_of(settings.data)), pseudonyms)
    book = Erasures(identity=pseudonyms.identities()[-1])
    for known in (restored, *(brought(one, pseudonyms) for one in books)):
        book.add(known)
    if restored.knows(book):
        return False
    # Whatever was published of the backup is not the same any more.
    book.count += 1
    write_book(book_of(settings.data), book)
    with opened(settings) as warehouse:
        if stands_under_older_key(warehouse.connection, pseudonyms):
            rekey(warehouse.connection, settings.data, pseudonyms)
    apply_book(settings, book)
    return True


def publish_without(
    settings: Settings, book: Erasures, erased: Erased, listener: Listener | None = None
) -> Erasure:
    """Build and publish anew, then take back the releases that still tell of what the book names."""
    shelf = Shelf(settings.data / "published")
    manifest = shelf.current_manifest()
    wish = Wish(as_of=manifest["as_of"] if manifest else "", full_refresh=True, reading=False)
    outcome = run_street(settings, wish, listener)
    if not outcome.succeeded:
        return Erasure(erased, [], outcome)
    pseudonyms = settings.pseudonyms()
    with warehouse_lock(settings, "an erasure", LOCK_WAIT_SECONDS):
        gone = withdraw(shelf, lambda release: _tells(release, book, pseudonyms))
    return Erasure(erased, gone, outcome)


def _tells(release: duckdb.DuckDBPyConnection, book: Erasures, pseudonyms: Pseudonyms) -> bool:
    """Whether a release's facts hold an appeal or an answer that the book names."""
    pseudonyms.teach(release)
    say_erased(release, book)
    tables = release.execute(
        "select schema_name || '.' || view_name from duckdb_views() where schema_name = 'facts'"
    ).fetchall()
    for (table,) in tables:
        columns = {row[0] for row in release.execute(f"describe {table}").fetchall()}
        for column in columns & {"appeal_id", "response_id"}:
            named = f"{keyed_sql_of(column)} in (select key from erased_references)"  # noqa: S608
            if release.execute(f"select 1 from {table} where {named} limit 1").fetchone():  # noqa: S608
                return True
    return False
