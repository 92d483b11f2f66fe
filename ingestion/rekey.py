"""A new key: every hash in raw, in the states, in the journal and in the book is hashed once more.

Nobody's id is needed for it. The new hash of an old hash is what reading makes of the id from now on
(`ingestion.pseudonyms`), so that a person stays the same person through it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.erasures import Erasures, book_of, read_book, write_book
from ingestion.errors import UsageError
from ingestion.labels.schema import under_new_key
from ingestion.pseudonyms import Pseudonyms
from ingestion.sources import all_tables
from ingestion.tables import create_statement
from ingestion.traces import KEYED_BY_CHAT, rewrite_journal, rewrite_states

if TYPE_CHECKING:
    import duckdb

_HASH = re.compile(r"[0-9a-f]{32}")
_IN_TEXT = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_WALL = re.compile(r"([1-9]\d*)(_\d+)")
# Columns of the tables of networks that hold a person's hash, or the source's own id.
_MIXED = ("chat_id", "message_id", "reply_to", "post_id")
_NETWORK_TABLES = ("_messages", "_posts")
_WALLS = ("vk_mentions", "vk_comments", "vk_comment_readings")


def keys_before(connection: duckdb.DuckDBPyConnection, pseudonyms: Pseudonyms) -> int:
    """How many keys of the chain the warehouse's rows were made under; UsageError where none, or all."""
    found, identities = _identity(connection), pseudonyms.identities()
    if found is None:
        raise UsageError(
            "The warehouse does not know yet which key its rows are under",
            "run `otklik run` once under the key before the new one",
        )
    if found not in identities:
        raise UsageError(
            "The warehouse's rows are under a key that is not named",
            "name all keys before the new one in OTKLIK_HMAC_OLD_KEYS, the oldest first",
        )
    count = identities.index(found) + 1
    if count == len(identities):
        raise UsageError(
            "The warehouse's rows are under OTKLIK_HMAC_KEY already",
            "for a new key put it there, and this one at the end of OTKLIK_HMAC_OLD_KEYS",
        )
    return count


def stands_under_older_key(connection: duckdb.DuckDBPyConnection, pseudonyms: Pseudonyms) -> bool:
    """Whether the warehouse's rows wait for `rekey`."""
    return _identity(connection) in pseudonyms.identities()[:-1]


def _identity(connection: duckdb.DuckDBPyConnection) -> str | None:
    known = connection.execute("SELECT 1 FROM duckdb_tables() WHERE schema_name = 'privacy'").fetchone()
    found = connection.execute("SELECT identity FROM privacy.keys").fetchone() if known else None
    return None if found is None else str(found[0])


def rekey(connection: duckdb.DuckDBPyConnection, data: Path, pseudonyms: Pseudonyms) -> int:
    """Bring everything under the newest key and return how many values of raw changed.

    Journal and book say beside their hashes which keys these were made under, and raw changes in one
    transaction after them: interrupted at any moment, the same call goes on where it stood.
    """
    count = keys_before(connection, pseudonyms)
    current = pseudonyms.identities()[-1]
    rewrite_journal(
        data,
        lambda channel, region, event, content: (
            _onward(pseudonyms, count)(event),
            _deep(content, _onward(pseudonyms, count)),
        ),
        mark=current,
    )
    if path := _standing_book(data):
        write_book(path, brought(read_book(path), pseudonyms, count))
    connection.execute("BEGIN")
    changed = _rekey_tables(connection, pseudonyms, count)
    rewrite_states(connection, _state_change(pseudonyms, count))
    connection.execute("UPDATE privacy.keys SET identity = ?", [current])
    connection.execute("COMMIT")
    return changed


def brought(book: Erasures, pseudonyms: Pseudonyms, count: int = 1) -> Erasures:
    """A book under the newest key. `count`: keys it was made under, where it does not say so itself."""
    identities = pseudonyms.identities()
    if book.identity:
        if book.identity not in identities:
            raise UsageError(
                "The book of erasures is under a key that is not named",
                "name all keys before the present one in OTKLIK_HMAC_OLD_KEYS, the oldest first",
            )
        count = identities.index(book.identity) + 1
    onward = _onward(pseudonyms, count)
    authors = {onward(author): until for author, until in book.authors.items()}
    return Erasures(authors, {onward(one) for one in book.references}, book.count, identities[-1])


def _standing_book(data: Path) -> Path | None:
    path = book_of(data)
    return path if path.is_file() else None


def _onward(pseudonyms: Pseudonyms, count: int) -> Callable[[str], str]:
    return lambda value: pseudonyms.onward(value, count) if _HASH.fullmatch(value) else value


def _rekey_tables(connection: duckdb.DuckDBPyConnection, pseudonyms: Pseudonyms, count: int) -> int:
    onward, changed = _onward(pseudonyms, count), 0

    def in_text(text: str) -> str:
        return _IN_TEXT.sub(lambda found: onward(found[0]), text)

    for table in all_tables():
        # A warehouse of an older version of the platform lacks tables that no load has made yet.
        connection.execute(create_statement(table, "raw"))
        texts = {column.name for column in table.columns if column.type == "text"}
        network = table.name.endswith(_NETWORK_TABLES)
        for column in ("author_key", *(_MIXED if network else ())):
            if column in texts:
                changed += _change(connection, table.name, column, onward)
        if table.name in _WALLS:
            changed += _change(
                connection,
                table.name,
                "owner_id",
                lambda wall: pseudonyms.onward_number(wall, count),
                "owner_id > 0",
            )
    for name in ("labels", "copies", "answer_features"):
        changed += _change(
            connection,
            name,
            "object_ref",
            lambda ref: under_new_key(ref, onward, lambda wall: pseudonyms.onward_number(wall, count)),
        )
    return changed + _change(connection, "quarantine", "source_ref", in_text)


def _change(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    column: str,
    change: Callable[[Any], Any],
    where: str = "true",
) -> int:
    """Put the changed values of a column in place; how many rows that were."""
    import pyarrow as pa

    found = connection.execute(
        f"SELECT DISTINCT {column} FROM raw.{table} WHERE {column} IS NOT NULL AND {where}"  # noqa: S608
    ).fetchall()
    moved = {value: after for (value,) in found if (after := change(value)) != value}
    if not moved:
        return 0
    connection.register("moved", pa.table({"old": list(moved), "new": list(moved.values())}))
    ((count,),) = connection.execute(
        f"UPDATE raw.{table} SET {column} = moved.new FROM moved WHERE {table}.{column} = moved.old"  # noqa: S608
    ).fetchall()
    connection.unregister("moved")
    return int(count)


def _state_change(pseudonyms: Pseudonyms, count: int) -> Callable[[str, dict[str, Any]], None]:
    onward = _onward(pseudonyms, count)

    def wall(value: str) -> str:
        found = _WALL.fullmatch(value)
        return f"{pseudonyms.onward_number(int(found[1]), count)}{found[2]}" if found else value

    def change(source: str, state: dict[str, Any]) -> None:
        for name in KEYED_BY_CHAT.get(source, ()):
            if name in state:
                state[name] = _deep(state[name], onward)
        if source == "vk":
            for memory in state.get("mentions", {}).values():
                memory["seen"] = {wall(key): value for key, value in memory.get("seen", {}).items()}
            for name in ("mention_comments", "mentions_owed"):
                if name in state:
                    state[name] = {wall(key): value for key, value in state[name].items()}

    return change


def _deep(content: Any, change: Callable[[str], str]) -> Any:
    """A JSON document with every text, names of fields included, changed."""
    if isinstance(content, str):
        return change(content)
    if isinstance(content, dict):
        return {change(key): _deep(value, change) for key, value in content.items()}
    if isinstance(content, list):
        return [_deep(value, change) for value in content]
    return content
