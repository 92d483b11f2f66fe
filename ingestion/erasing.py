"""Erase in raw: who or what is meant → references for the book → rows gone from every raw table.

An appeal goes with everything said about it: its branch, its chat up to the next silence, its answers, and
the same message in an export of «Инцидент». Whoever else wrote there keeps other messages elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.erasures import NAMED, Erasures, Reference, is_erased_sql, keyed, say_erased, written_at
from ingestion.errors import UsageError
from ingestion.inbox.drain import typed
from ingestion.pseudonyms import Pseudonyms
from ingestion.sources import all_tables
from ingestion.tables import RawTable
from ingestion.traces import KEYED_BY_CHAT, rewrite_journal, rewrite_states, scalars

if TYPE_CHECKING:
    import duckdb

_HASH = re.compile(r"[0-9a-f]{32}")
_VK_LINK = re.compile(r"(?:https?://)?(?:m\.|www\.)?vk\.(?:com|ru)/wall(-?\d+)_(\d+)(?:\?(\S*))?$")
_VK_TOPIC = re.compile(r"(?:https?://)?(?:m\.|www\.)?vk\.(?:com|ru)/topic(-\d+)_(\d+)\?post=(\d+)$")
_VK_PLACE = re.compile(r"(-?\d+)_(\d+)(?:\?(\S*))?$")
_TELEGRAM_LINK = re.compile(r"(?:https?://)?t\.me/(\w+)/(\d+)(?:\?comment=(\d+))?$")
_PEOPLE = tuple(
    dict.fromkeys(
        table.name.partition("_")[0]
        for table in all_tables()
        if any(column.name == "author_key" for column in table.columns)
    )
)
HOW = "give an appeal_id of the facts, SOURCE:ID, or a link to a message of VK or Telegram (docs/privacy.md)"


@dataclass(frozen=True)
class Request:
    """Who or what is to be erased: an author's key, or one object as the source or the facts call it."""

    author_key: str = ""
    source_ref: str = ""


@dataclass
class Erased:
    """Rows that went from each raw table, and files that were delivered to us and hold some of them."""

    rows: dict[str, int] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    # Of messages that the inbox's journal may hold: who wrote or where, and the message's number.
    messages: set[tuple[str, str]] = field(default_factory=set)
    chats: set[str] = field(default_factory=set)

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def author_of(pseudonyms: Pseudonyms, author: str) -> str:
    """The key of NETWORK:ID, an author's plain id in the source."""
    source, _, identity = author.partition(":")
    identity = identity.strip()
    if source == "vk":
        identity = re.sub(r"^(?:https?://)?(?:m\.|www\.)?(?:vk\.(?:com|ru)/)?id(?=\d+$)", "", identity)
        if not identity.isdecimal():
            raise UsageError("VK knows people by numbers", "give it as vk:12345, not by the page's name")
    if source not in _PEOPLE or not identity:
        raise UsageError("Who is meant is not clear", f"write SOURCE:ID with one of: {', '.join(_PEOPLE)}")
    return pseudonyms.author_key(source, identity)


def find(
    connection: duckdb.DuckDBPyConnection, request: Request, now: datetime, pseudonyms: Pseudonyms
) -> Erasures:
    """What the book must say of the request; empty where nothing of it stands in raw.

    now: naive UTC; what the author writes later is new and lands again.
    """
    book = Erasures()
    connection.execute("CREATE OR REPLACE TEMP TABLE doomed (reference VARCHAR PRIMARY KEY)")
    if request.author_key:
        if not _HASH.fullmatch(request.author_key):
            raise UsageError("An author's key has 32 hex digits", "copy it from facts.fct_appeals.author_key")
        _doom_author(connection, request.author_key, now)
        book.authors[request.author_key] = now
    else:
        _doom(connection, _references(connection, request.source_ref))
    _doom_what_belongs_to_them(connection)
    doomed = connection.execute("SELECT reference FROM doomed").fetchall()
    book.references = {keyed(pseudonyms, reference) for (reference,) in doomed}
    return book if book.references else Erasures()


def was_erased(
    connection: duckdb.DuckDBPyConnection, request: Request, book: Erasures, pseudonyms: Pseudonyms
) -> bool:
    """Whether the book says so of the request already."""
    if request.author_key:
        return request.author_key in book.authors
    meant = _references(connection, request.source_ref)
    return any(keyed(pseudonyms, reference) in book.references for reference in meant)


def erase_traces(
    connection: duckdb.DuckDBPyConnection, data: Path, book: Erasures, done: Erased, pseudonyms: Pseudonyms
) -> None:
    """What was said of these rows beside them: in the journal, in the states that loads go on from."""
    tables = {table.name: table for table in all_tables()}

    def keep(channel: str, region: str, event_id: str, content: Any) -> tuple[str, Any] | None:
        rows = content.get("rows", ())
        for resource, row in rows:
            table = tables[f"{channel}_{resource}"]
            if book.covers(table, typed(table, row), region, pseudonyms):
                return None
        said = set(scalars(content))
        if book.authors.keys() & said or any({who, message} <= said for who, message in done.messages):
            return None
        return event_id, content

    def forget_chats(source: str, state: dict[str, Any]) -> None:
        for name in KEYED_BY_CHAT.get(source, ()):
            for chat in done.chats & state.get(name, {}).keys():
                del state[name][chat]

    rewrite_states(connection, forget_chats)
    if events := rewrite_journal(data, keep):
        done.rows["inbox"] = events


def erase(connection: duckdb.DuckDBPyConnection, book: Erasures, pseudonyms: Pseudonyms) -> Erased:
    """Delete from raw whatever the book says, in one transaction. What is gone already is no error."""
    pseudonyms.teach(connection)
    say_erased(connection, book)
    done = Erased()
    files: set[str] = set()
    connection.execute("BEGIN")
    _delete_quarantine(connection, done)
    for table in all_tables():
        if table.name not in NAMED:
            continue
        condition = is_erased_sql(table)
        if any(column.name == "file_name" for column in table.columns):
            found = connection.execute(f"SELECT DISTINCT file_name FROM raw.{table.name} WHERE {condition}")  # noqa: S608
            files |= {name for (name,) in found.fetchall()}
        if table.name.endswith("_messages"):
            found = connection.execute(
                f"SELECT DISTINCT author_key, chat_id, message_id, place FROM raw.{table.name} "  # noqa: S608
                f"WHERE {condition}"
            )
            for author, chat, message, place in found.fetchall():
                done.messages |= {(str(one), message) for one in (author, chat) if one is not None}
                if place == "chat":
                    done.chats.add(chat)
        ((count,),) = connection.execute(f"DELETE FROM raw.{table.name} WHERE {condition}").fetchall()  # noqa: S608
        if count:
            done.rows[table.name] = int(count)
    connection.execute("COMMIT")
    pseudonyms.unteach(connection)
    done.files = sorted(files)
    return done


# How `source_ref` of raw.quarantine names an object of each table; what is not here names only file and line.
_IN_QUARANTINE = {
    "pos_appeals": "pos_id",
    "open311_requests": "service_request_id",
    "vk_posts": "owner_id || '_' || post_id",
    "vk_mentions": "owner_id || '_' || post_id",
    "vk_comments": "owner_id || '_' || comment_id",
    "vk_messages": "chat_id || '_' || message_id",
    "ok_posts": "post_id",
    "ok_messages": "chat_id || ':' || message_id",
    "telegram_messages": "page_id || ':' || message_id",
    "max_messages": "message_id",
}


def _delete_quarantine(connection: duckdb.DuckDBPyConnection, done: Erased) -> None:
    """Versions of the same objects that were set aside."""
    tables = {table.name: table for table in all_tables()}
    total = 0
    for name, reference in _IN_QUARANTINE.items():
        source, _, resource = name.partition("_")
        ((count,),) = connection.execute(
            f"""
            DELETE FROM raw.quarantine
            WHERE
                source = '{source}' AND resource = '{resource}'
                AND (region_id, source_ref) IN (
                    SELECT region_id, {reference} FROM raw.{name} WHERE {is_erased_sql(tables[name])}
                )
            """  # noqa: S608 - names of our own
        ).fetchall()
        total += int(count)
    if total:
        done.rows["quarantine"] = total


def _doom(connection: duckdb.DuckDBPyConnection, references: Iterable[str]) -> None:
    """Those of the references whose objects stand in raw."""
    wanted = sorted(references)
    for table, named in _tables():
        connection.execute(
            f"INSERT OR IGNORE INTO doomed SELECT DISTINCT {named.sql} FROM raw.{table.name} "  # noqa: S608
            f"WHERE {named.sql} IN (SELECT unnest(?))",
            [wanted],
        )


def _tables() -> Iterable[tuple[RawTable, Reference]]:
    return [(table, NAMED[table.name].own) for table in all_tables() if table.name in NAMED]


def _doom_author(connection: duckdb.DuckDBPyConnection, author: str, now: datetime) -> None:
    for table, own in _tables():
        if all(column.name != "author_key" for column in table.columns):
            continue
        moment = f"coalesce({', '.join(written_at(table))}, TIMESTAMP '-infinity')"
        connection.execute(
            f"INSERT OR IGNORE INTO doomed SELECT DISTINCT {own.sql} FROM raw.{table.name} "  # noqa: S608
            f"WHERE author_key = ? AND {moment} <= ?",
            [author, now],
        )
        if table.name.endswith("_messages"):
            # A bot's chat has one citizen: what was said to that person goes as well.
            connection.execute(
                f"""
                INSERT OR IGNORE INTO doomed SELECT DISTINCT {own.sql} FROM raw.{table.name}
                WHERE
                    place = 'chat' AND {moment} <= ?
                    AND (region_id, page_id, chat_id) IN (
                        SELECT region_id, page_id, chat_id FROM raw.{table.name} WHERE author_key = ?
                    )
                """,  # noqa: S608 - names of our own
                [now, author],
            )


def _doom_what_belongs_to_them(connection: duckdb.DuckDBPyConnection) -> None:
    """Answers, branches, chats and the same message elsewhere, until nothing is added."""
    known = -1
    while (count := _count(connection)) != known:
        known = count
        for table, own in _tables():
            for parent in NAMED[table.name].parents:
                connection.execute(
                    f"INSERT OR IGNORE INTO doomed SELECT DISTINCT {own.sql} FROM raw.{table.name} "  # noqa: S608
                    f"WHERE {parent.sql} IN (FROM doomed)"
                )
        if _stands(connection, "facts", "int_thread_messages"):
            connection.execute(
                "INSERT OR IGNORE INTO doomed SELECT message_key FROM facts.int_thread_messages "
                "WHERE root_key IN (FROM doomed)"
            )
        if _stands(connection, "facts", "fct_appeals"):
            for one, other in (("appeal_id", "duplicate_of"), ("duplicate_of", "appeal_id")):
                connection.execute(
                    f"INSERT OR IGNORE INTO doomed SELECT {other} FROM facts.fct_appeals "  # noqa: S608
                    f"WHERE {one} IN (FROM doomed) AND duplicate_of IS NOT NULL"
                )


def _count(connection: duckdb.DuckDBPyConnection) -> int:
    return int(connection.execute("SELECT count(*) FROM doomed").fetchall()[0][0])


def _stands(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM duckdb_tables() "
        "WHERE schema_name = ? AND table_name = ? AND database_name = current_database()",
        [schema, table],
    )
    return found.fetchone() is not None


def _references(connection: duckdb.DuckDBPyConnection, text: str) -> set[str]:
    """References in every region of what an operator typed."""
    if _HASH.fullmatch(text):
        return {text}
    regions = [name for (name,) in connection.execute("SELECT DISTINCT region_id FROM raw.loads").fetchall()]
    found = list(_named(connection, text))
    if not found:
        raise UsageError("What is meant is not clear", HOW)
    return {
        reference.of(region, dict(zip(reference.columns, values, strict=True))) or ""
        for region in regions
        for reference, values in found
    }


def _named(
    connection: duckdb.DuckDBPyConnection, text: str
) -> Iterable[tuple[Reference, tuple[str | int, ...]]]:
    if match := _VK_TOPIC.match(text):
        page, topic, message = match.groups()
        yield NAMED["vk_messages"].own, (page, f"topic{topic}", message)
        return
    if match := _TELEGRAM_LINK.match(text):
        name, post, comment = match.groups()
        pages = connection.execute(
            "SELECT DISTINCT page_id FROM raw.telegram_pages WHERE link_name = lower(?)", [name]
        ).fetchall()
        for (page,) in pages:
            if comment:
                yield NAMED["telegram_messages"].own, (page, post, comment)
            else:
                yield NAMED["telegram_posts"].own, (page, post)
        return
    source, _, key = text.partition(":")
    place = _VK_LINK.match(text) or (_VK_PLACE.match(key) if source == "vk" else None)
    if place is not None:
        owner, post, rest = place.groups()
        reply = re.search(r"(?:^|&)reply=(\d+)", rest or "")
        if reply:
            yield NAMED["vk_comments"].own, (int(owner), int(reply[1]))
        else:
            yield NAMED["vk_posts"].own, (int(owner), int(post))
    elif key and (ticket := NAMED.get(f"{source}_appeals") or NAMED.get(f"{source}_requests")):
        yield ticket.own, (key,)
    elif f"{source}_messages" in NAMED:
        parts = tuple(key.split("/"))
        if len(parts) == 3:
            yield NAMED[f"{source}_messages"].own, parts
        elif len(parts) == 2 and f"{source}_posts" in NAMED and source != "vk":
            yield NAMED[f"{source}_posts"].own, parts
