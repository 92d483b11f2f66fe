"""The book of erasures: what was erased stays away, although nothing in the book says who or what it was.

Sources show old messages again: the look-back of a network, an export that overlaps the last one, a backup.
The book keeps keyed hashes of what was erased, and every load drops what it finds there, counted as `erased`.
It is the file <data>/erasures.jsonl, apart from the warehouse, so that no restored backup undoes it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.clock import iso_z
from ingestion.errors import WarehouseError
from ingestion.labels.schema import appeal_id_of
from ingestion.pseudonyms import Pseudonyms
from ingestion.sources import all_tables
from ingestion.tables import RawTable, Row

if TYPE_CHECKING:
    import duckdb

BOOK = "erasures.jsonl"
_SEPARATOR = "|"
_NAMESPACE = "erased"


@dataclass(frozen=True)
class Reference:
    """How facts name an object: the hash of region, kind and key (`surrogate_key` of dbt_project/macros)."""

    kind: str
    columns: tuple[str, ...]

    def of(self, region_id: str, row: Mapping[str, Any]) -> str | None:
        """32 hex digits; None where the row names no such object."""
        parts = [row.get(column) for column in self.columns]
        if any(part is None for part in parts):
            return None
        text = _SEPARATOR.join([region_id, self.kind, *map(str, parts)])
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    @property
    def sql(self) -> str:
        """The same as an expression over the raw table."""
        parts = ["region_id", f"'{self.kind}'", *(f'CAST("{column}" AS VARCHAR)' for column in self.columns)]
        joined = f" || '{_SEPARATOR}' || ".join(parts)
        return f"md5({joined})"


@dataclass(frozen=True)
class WrittenReference(Reference):
    """A reference whose kind and key stand written in one column, |-separated."""

    def of(self, region_id: str, row: Mapping[str, Any]) -> str | None:
        return appeal_id_of(region_id, row[self.columns[0]])

    @property
    def sql(self) -> str:
        return f"md5(region_id || '{_SEPARATOR}' || {self.columns[0]})"


@dataclass(frozen=True)
class Named:
    """A raw table: the reference of its rows' own object, and of those that take the row with them."""

    own: Reference
    parents: tuple[Reference, ...] = ()

    @property
    def references(self) -> tuple[Reference, ...]:
        return (self.own, *self.parents)


def _by_shape(table: RawTable) -> Named | None:
    """What the two common shapes say (ingestion/tickets.py, ingestion/networks.py); None for other tables."""
    source, names = table.name.partition("_")[0], {column.name for column in table.columns}
    if "ticket_id" in names:
        return Named(Reference(source, ("ticket_id",)))
    if {"page_id", "chat_id", "message_id"} <= names:
        message, post = f"{source}_message", f"{source}_post"
        parents = (
            Reference(message, ("page_id", "chat_id", "reply_to")),
            Reference(post, ("page_id", "chat_id")),
        )
        return Named(Reference(message, ("page_id", "chat_id", "message_id")), parents)
    if {"page_id", "post_id", "author_key"} <= names:
        return Named(Reference(f"{source}_post", ("page_id", "post_id")))
    return None


def _ticket(source: str, key: str, *tables: str) -> dict[str, Named]:
    return {f"{source}_{table}": Named(Reference(source, (key,))) for table in tables}


_VK_POST = Reference("vk_post", ("owner_id", "post_id"))
# Every table that holds what people wrote, and what was answered to it.
NAMED: dict[str, Named] = {
    **{table.name: named for table in all_tables() if (named := _by_shape(table)) is not None},
    **_ticket("pos", "pos_id", "appeals", "statuses", "answers"),
    **_ticket("incident", "incident_id", "appeals"),
    **_ticket("open311", "service_request_id", "requests"),
    "labels": Named(WrittenReference("", ("object_ref",))),
    "copies": Named(WrittenReference("", ("object_ref",))),
    "answer_features": Named(WrittenReference("", ("object_ref",))),
    "vk_posts": Named(_VK_POST),
    "vk_mentions": Named(_VK_POST),
    "vk_comment_readings": Named(_VK_POST),
    "vk_comment_removals": Named(Reference("vk_comment", ("owner_id", "comment_id")), (_VK_POST,)),
    "vk_comments": Named(
        Reference("vk_comment", ("owner_id", "comment_id")),
        (
            Reference("vk_comment", ("owner_id", "thread_id")),
            Reference("vk_comment", ("owner_id", "reply_to_comment")),
            _VK_POST,
        ),
    ),
}


def written_at(table: RawTable) -> tuple[str, ...]:
    """Columns that tell when a row's author wrote it, the first that is not null counts."""
    names = {column.name for column in table.columns}
    return tuple(name for name in ("created_at", "registered_at") if name in names)


def keyed(pseudonyms: Pseudonyms, reference: str) -> str:
    """What the book keeps of a reference."""
    return pseudonyms.author_key(_NAMESPACE, reference)


def keyed_sql(reference: Reference) -> str:
    """The same in SQL, on a connection that `Pseudonyms.teach` has taught."""
    return keyed_sql_of(reference.sql)


def keyed_sql_of(expression: str) -> str:
    """The same of an expression that gives references, such as facts' appeal_id."""
    return f"keyed('{_NAMESPACE}:' || {expression})"


def is_erased_sql(table: RawTable) -> str:
    """A condition, never null, on rows of a raw table: they were erased, or hang on something that was.

    Needs `say_erased` and `Pseudonyms.teach` on the connection.
    """
    named = NAMED[table.name]
    tests = [
        f"coalesce({keyed_sql(reference)} IN (SELECT key FROM erased_references), false)"  # noqa: S608
        for reference in named.references
    ]
    if any(column.name == "author_key" for column in table.columns):
        moment = f"coalesce({', '.join(written_at(table))}, TIMESTAMP '-infinity')"
        # Row by row there is one entry at most; without one the author was not erased.
        tests.append(
            f"coalesce({moment} <= (SELECT max(until) FROM erased_authors "  # noqa: S608 - our own names
            f"WHERE erased_authors.key = author_key), false)"
        )
    return f"({' OR '.join(tests)})"


def say_erased(connection: duckdb.DuckDBPyConnection, erased: Erasures) -> None:
    """Put the book into temporary tables of the connection."""
    import pyarrow as pa

    authors = pa.table(
        {
            "key": pa.array(list(erased.authors), pa.string()),
            "until": pa.array(list(erased.authors.values()), pa.timestamp("us")),
        }
    )
    references = pa.table({"key": pa.array(sorted(erased.references), pa.string())})
    for name, content in (("erased_authors", authors), ("erased_references", references)):
        connection.register("said", content)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM said")  # noqa: S608
        connection.unregister("said")


@dataclass
class Erasures:
    """What the book says: authors up to a moment (naive UTC), and keyed references for good.

    `count` grows with every erasure and is no number of people.
    """

    authors: dict[str, datetime] = field(default_factory=dict)
    references: set[str] = field(default_factory=set)
    count: int = 0
    # Which keys its hashes were made under (`Pseudonyms.identities`).
    identity: str = ""

    def __bool__(self) -> bool:
        return bool(self.authors or self.references)

    def add(self, other: Erasures) -> None:
        """Everything that another book knows as well."""
        for author, until in other.authors.items():
            self.authors[author] = max(until, self.authors.get(author, until))
        self.references |= other.references
        self.count = max(self.count, other.count)

    def knows(self, other: Erasures) -> bool:
        """Whether the other book says nothing that this one does not."""
        return other.references <= self.references and all(
            author in self.authors and self.authors[author] >= until
            for author, until in other.authors.items()
        )

    def covers(self, table: RawTable, row: Row, region_id: str, pseudonyms: Pseudonyms) -> bool:
        """Whether the row was erased, or hangs on something that was.

        A row that hangs on something erased is remembered, so that what answers it goes too.
        """
        named = NAMED.get(table.name)
        if named is None:
            return False
        author = row.get("author_key")
        if author in self.authors:
            moment = next((row[name] for name in written_at(table) if row[name] is not None), None)
            if moment is None or moment <= self.authors[author]:
                return True
        found = [reference.of(region_id, row) for reference in named.references]
        if not any(one is not None and keyed(pseudonyms, one) in self.references for one in found):
            return False
        if found[0] is not None:
            self.references.add(keyed(pseudonyms, found[0]))
        return True


def book_of(data: Path) -> Path:
    """Where a deployment keeps its book."""
    return data / BOOK


def read_book(path: Path) -> Erasures:
    """What stands in a book; nothing where there is none. Raises WarehouseError for one that is damaged."""
    book = Erasures()
    if not path.is_file():
        return book
    try:
        for line in path.read_text("utf-8").splitlines():
            entry = json.loads(line)
            book.count = max(book.count, int(entry["erasure"]))
            if entry["kind"] == "keys":
                book.identity = entry["key"]
            elif entry["kind"] == "author":
                book.authors[entry["key"]] = datetime.fromisoformat(entry["until"].rstrip("Z"))
            else:
                book.references.add(entry["key"])
    except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise WarehouseError(
            f"The book of erasures {path} is damaged", "bring it back from the newest backup that holds it"
        ) from error
    return book


def write_book(path: Path, book: Erasures) -> None:
    """Put the book in place of the one that stands, in one step."""
    entries: Iterable[dict[str, Any]] = [
        {"kind": "keys", "key": book.identity, "erasure": book.count},
        *(
            {"kind": "author", "key": key, "until": iso_z(until), "erasure": book.count}
            for key, until in sorted(book.authors.items())
        ),
        *({"kind": "reference", "key": key, "erasure": book.count} for key in sorted(book.references)),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(entry) + "\n" for entry in entries)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
