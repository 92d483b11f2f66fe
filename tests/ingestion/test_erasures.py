"""The book of erasures, what it keeps out, and that no byte stays; a chain of keys and what it carries."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from pydantic import SecretStr

from ingestion.config import Settings, load_settings
from ingestion.erasing import Request, author_of, erase, erase_traces, find
from ingestion.erasures import NAMED, Erasures, book_of, keyed, read_book, write_book
from ingestion.errors import ConfigError, UsageError, WarehouseError
from ingestion.inbox.journal import Entry, Journal, journal_path
from ingestion.pipeline import ingest
from ingestion.pseudonyms import Pseudonyms
from ingestion.rekey import _state_change, rekey
from ingestion.sources import all_tables
from ingestion.tables import create_statement
from ingestion.traces import rewrite_file
from tests.ingestion.support import KEY, Deployment

NEW = "c1d9a8e07f2b4456" * 3
ONE, TWO = Pseudonyms(SecretStr(KEY)), Pseudonyms(SecretStr(NEW), [SecretStr(KEY)])
HEADER = "Номер;Дата;Автор;Текст"
ROWS = ("1;05.03.2026 09:30;anna;Яма", "2;06.03.2026 09:30;boris;Лёд", "3;07.03.2026 09:30;anna;Снег")


@pytest.fixture
def folder(deployment: Deployment) -> Path:
    columns = {"ticket_id": "Номер", "registered_at": "Дата", "author": "Автор", "text": "Текст"}
    mapping = yaml.safe_dump({"columns": columns}, allow_unicode=True)
    (deployment.root / "mapping.yaml").write_text(mapping, "utf-8")
    deployment.sources["files"] = {"folder": "../in", "mapping": "../mapping.yaml"}
    (deployment.root / "in").mkdir()
    deliver(deployment.root / "in" / "a.csv", *ROWS)
    ingest("files", deployment.region, deployment.settings)
    return deployment.root / "in"


def deliver(path: Path, *rows: str) -> None:
    path.write_text("\n".join([HEADER, *rows, ""]), "utf-8")


def erase_author(settings: Settings, author: str, pseudonyms: Pseudonyms = ONE) -> tuple[Erasures, Any]:
    with duckdb.connect(str(settings.warehouse)) as connection:
        book = find(connection, Request(author_key=author), settings.now(), pseudonyms)
        book.identity, book.count = pseudonyms.identities()[-1], 1
        write_book(book_of(settings.data), book)
        done = erase(connection, book, pseudonyms)
        erase_traces(connection, settings.data, book, done, pseudonyms)
    return book, done


def test_an_overlapping_export_does_not_bring_an_author_back(folder: Path, deployment: Deployment) -> None:
    _, done = erase_author(deployment.settings, author_of(ONE, "files:anna"))
    assert (done.rows, done.files) == ({"files_appeals": 2}, ["a.csv"])
    # The same appeals again, one more from before the erasure, one from after it, one of another person.
    later = ("4;20.11.2026 10:00;anna;Свет", "5;21.11.2026 18:00;anna;Вода", "6;20.11.2026 10:00;vera;Двор")
    deliver(folder / "b.csv", *ROWS, *later)
    report = ingest("files", deployment.region, deployment.settings)
    tally = report.resources["appeals"]
    assert (tally.received, tally.erased, tally.landed) == (6, 3, 3)
    assert deployment.query("select distinct ticket_id from raw.files_appeals order by 1") == [
        ("2",), ("5",), ("6",),
    ]  # fmt: skip
    assert deployment.query("select erased from raw.loads where resource = 'appeals' order by load_seq") == [
        (0,), (3,),
    ]  # fmt: skip
    assert deployment.one("select count(*) from raw.quarantine") == 0


def test_the_book_says_nothing_of_anybody(folder: Path, deployment: Deployment) -> None:
    erase_author(deployment.settings, author_of(ONE, "files:anna"))
    text = book_of(deployment.settings.data).read_text("utf-8")
    assert "anna" not in text
    for number in ("1", "3"):
        reference = NAMED["files_appeals"].own.of("test", {"ticket_id": number})
        assert reference is not None
        assert reference not in text
        assert keyed(ONE, reference) in text
    read = read_book(book_of(deployment.settings.data))
    assert (len(read.references), len(read.authors), read.count) == (2, 1, 1)


def test_a_damaged_book_stops_the_load(folder: Path, deployment: Deployment) -> None:
    book_of(deployment.settings.data).write_text('{"kind": "author"', "utf-8")
    deliver(folder / "b.csv", *ROWS)
    with pytest.raises(WarehouseError, match=r"book of erasures .* is damaged; bring it back"):
        ingest("files", deployment.region, deployment.settings)


@pytest.mark.parametrize(
    ("author", "said"),
    [
        ("vk:durov", "VK knows people by numbers"),
        ("fax:1", "write SOURCE:ID"),
        ("vk", "numbers"),
        ("pos:", "who|Who"),
    ],
)
def test_who_is_meant_must_be_clear(author: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        author_of(ONE, author)


def test_a_person_of_vk_is_found_by_number_and_by_link() -> None:
    wanted = ONE.author_key("vk", 12345)
    for spelling in ("vk:12345", "vk:id12345", "vk:vk.com/id12345", "vk:https://vk.com/id12345"):
        assert author_of(ONE, spelling) == wanted


def test_every_table_that_knows_authors_or_what_was_said_can_be_erased_from() -> None:
    told = {
        table.name
        for table in all_tables()
        if {"author_key", "text"} & {column.name for column in table.columns}
    }
    assert told - NAMED.keys() == {"vk_poll_options"}  # the organisation's own words


@pytest.mark.parametrize("name", sorted(NAMED))
def test_references_are_the_same_in_sql_and_in_python(name: str) -> None:
    table = next(table for table in all_tables() if table.name == name)
    values: dict[str, Any] = {
        "text": "ключ-1", "bigint": -123, "int": 4, "bool": True, "double": 1.5, "date": "2026-01-01",
        "timestamp": datetime(2026, 1, 1),
    }  # fmt: skip
    row = {column.name: values[column.type] for column in table.columns} | {"author_key": "a" * 32}
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        connection.execute(create_statement(table, "raw"))
        columns = [column for column in table.columns if column.name in row]
        names = ", ".join(f'"{column.name}"' for column in columns)
        marks = ", ".join("?" * len(columns))
        connection.execute(
            f"insert into raw.{name} (region_id, fetched_at, _dlt_load_id, {names}) "
            f"values ('test', timestamp '2026-01-01', 'x', {marks})",
            [row[column.name] for column in columns],
        )
        for reference in NAMED[name].references:
            found = connection.execute(f"select {reference.sql} from raw.{name}").fetchall()
            assert found == [(reference.of("test", row),)]
        # A row goes for each of its references, and for its author up to the moment.
        for reference in NAMED[name].references:
            known = Erasures(references={keyed(ONE, reference.of("test", row) or "")})
            assert known.covers(table, row, "test", ONE)
        assert not Erasures(references={"f" * 32}).covers(table, row, "test", ONE)
        if any(column.name == "author_key" for column in table.columns):
            for until, gone in ((datetime(2026, 1, 1), True), (datetime(2025, 12, 31), False)):
                book = Erasures({"a" * 32: until})
                assert book.covers(table, row, "test", ONE) is gone
                assert bool(erase_in(connection, name, book)) is gone


def erase_in(connection: duckdb.DuckDBPyConnection, name: str, book: Erasures) -> int:
    for table in all_tables():
        connection.execute(create_statement(table, "raw"))
    copy = connection.execute(f"select * from raw.{name}").to_arrow_table()
    count = erase(connection, book, ONE).rows.get(name, 0)
    connection.execute(f"delete from raw.{name}")
    connection.register("kept", copy)
    connection.execute(f"insert into raw.{name} select * from kept")
    return count


def test_what_was_deleted_is_in_no_byte_of_the_file(tmp_path: Path) -> None:
    path, secret = tmp_path / "warehouse.duckdb", "Иванова просит не называть её имени"
    with duckdb.connect(str(path)) as connection:
        connection.execute("set force_compression = 'uncompressed'")
        connection.execute("create schema raw")
        connection.execute(
            "create table raw.said as select i, 'строка ' || i as text from range(50000) as t (i)"
        )
        connection.execute("insert into raw.said values (50001, ?)", [secret])
        connection.execute("checkpoint")
        connection.execute("delete from raw.said where i = 50001")
    assert secret.encode() in path.read_bytes()
    rewrite_file(path)
    assert secret.encode() not in path.read_bytes()
    assert sorted(found.name for found in tmp_path.iterdir()) == ["warehouse.duckdb"]
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("select count(*), max(text) from raw.said").fetchall() == [
            (50000, "строка 9999")
        ]


def test_a_chain_of_keys_carries_everybody_over() -> None:
    three = Pseudonyms(SecretStr("3" + NEW), [SecretStr(KEY), SecretStr(NEW)])
    first = ONE.author_key("vk", 5)
    assert TWO.author_key("vk", 5) == TWO.onward(first, 1) != first
    assert three.author_key("vk", 5) == three.onward(TWO.author_key("vk", 5), 2)
    assert three.number("vk", 5) == three.onward_number(TWO.number("vk", 5), 2)
    assert three.identities()[:2] == TWO.identities()
    assert TWO.identities()[0] == ONE.identities()[0]
    # The new key alone does not lead there either.
    assert Pseudonyms(SecretStr(NEW)).author_key("vk", 5) != TWO.author_key("vk", 5)
    for pseudonyms in (ONE, TWO, three):
        with duckdb.connect() as connection:
            pseudonyms.teach(connection)
            found = connection.execute("select keyed('vk:' || 5), keyed('files:' || null)").fetchall()
        assert found == [(pseudonyms.author_key("vk", 5), None)]


def test_another_key_is_refused_until_the_rows_are_under_it(folder: Path, deployment: Deployment) -> None:
    settings = deployment.settings

    def under(**keys: str) -> Settings:
        base = {"OTKLIK_DATA": str(settings.data), "OTKLIK_REGIONS": str(settings.regions)}
        return load_settings({**base, "OTKLIK_AS_OF": "2026-11-21T00:00:00Z", **keys})

    deliver(folder / "b.csv", *ROWS, "8;08.03.2026 09:30;vera;Дым")
    with pytest.raises(ConfigError, match="is not the key that the warehouse's rows were made under"):
        ingest("files", deployment.region, under(OTKLIK_HMAC_KEY=NEW))
    both = under(OTKLIK_HMAC_KEY=NEW, OTKLIK_HMAC_OLD_KEYS=KEY)
    with pytest.raises(ConfigError, match="otklik rotate-key"):
        ingest("files", deployment.region, both)

    erase_author(settings, author_of(ONE, "files:boris"))
    before = dict(deployment.query("select ticket_id, author_key from raw.files_appeals"))
    with duckdb.connect(str(both.warehouse)) as connection:
        assert rekey(connection, both.data, both.pseudonyms()) == 2
        with pytest.raises(UsageError, match="already"):
            rekey(connection, both.data, both.pseudonyms())
    after = dict(deployment.query("select ticket_id, author_key from raw.files_appeals"))
    assert after == {ticket: TWO.onward(key, 1) for ticket, key in before.items()}
    assert after["1"] == TWO.author_key("files", "anna")

    report = ingest("files", deployment.region, both)
    assert report.resources["appeals"].erased == 1  # Boris stays away under the new key
    people = {key for (key,) in deployment.query("select distinct author_key from raw.files_appeals")}
    assert people == {TWO.author_key("files", "anna"), TWO.author_key("files", "vera")}
    with pytest.raises(ConfigError, match="is not the key"):
        ingest("files", deployment.region, settings)


def test_an_interrupted_rotation_goes_on_where_it_stood(folder: Path, deployment: Deployment) -> None:
    settings = deployment.settings
    journal = Journal(journal_path(settings.data))
    author = ONE.author_key("viber", "p")
    row = {"chat_id": author, "author_key": author, "text": "Снег", "created_at": "2026-11-20T10:00:00Z"}
    event = ONE.author_key("inbox:viber", "1")
    content = {"rows": [["messages", row]], "problem": None}
    journal.put(Entry("viber", "test", event, settings.now(), content), lambda failure: None)
    journal.close()
    erase_author(settings, author_of(ONE, "files:anna"))

    class Fails:
        """A connection that breaks when raw is to be changed."""

        def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
            self._connection = connection

        def execute(self, sql: str, *values: Any) -> Any:
            if sql == "BEGIN":
                raise KeyboardInterrupt
            return self._connection.execute(sql, *values)

    with duckdb.connect(str(settings.warehouse)) as connection:
        broken: Any = Fails(connection)
        with pytest.raises(KeyboardInterrupt):
            rekey(broken, settings.data, TWO)
        assert rekey(connection, settings.data, TWO) > 0
    read = read_book(book_of(settings.data))
    assert list(read.authors) == [TWO.author_key("files", "anna")]
    assert read.identity == TWO.identities()[-1]
    with sqlite3.connect(journal_path(settings.data)) as kept:
        ((found, packed),) = kept.execute("select event_id, content from events").fetchall()
    assert found == TWO.author_key("inbox:viber", "1")
    assert json.loads(packed)["rows"][0][1]["chat_id"] == TWO.author_key("viber", "p")


def test_the_inbox_forgets_an_author_too(folder: Path, deployment: Deployment) -> None:
    settings = deployment.settings
    journal = Journal(journal_path(settings.data))
    anna, boris = ONE.author_key("viber", "anna"), ONE.author_key("viber", "boris")
    for number, person in enumerate((anna, boris)):
        row = {
            "page_id": "bot", "chat_id": person, "message_id": str(number), "reply_to": None, "place": "chat",
            "author_key": person, "text": f"Слова {person}", "created_at": "2026-11-20T10:00:00Z",
            "edited_at": None,
        }  # fmt: skip
        content = {"rows": [["messages", row]], "problem": None}
        journal.put(Entry("viber", "test", f"e{number}", settings.now(), content), lambda failure: None)
    update = {"update_id": 5, "message": {"from": {"id": anna}, "text": "и в другой сети"}}
    entry = Entry("telegram", "test", "t", settings.now(), {"rows": [], "update": update, "problem": None})
    journal.put(entry, lambda failure: None)
    journal.close()
    with duckdb.connect(str(settings.warehouse)) as connection:
        book = Erasures({anna: settings.now()})
        done = erase(connection, book, ONE)
        erase_traces(connection, settings.data, book, done, ONE)
    left = b"".join(path.read_bytes() for path in journal_path(settings.data).parent.iterdir())
    assert anna.encode() not in left
    assert boris.encode() in left
    assert done.rows == {"inbox": 2}


def test_what_vk_owes_under_a_mention_moves_to_the_new_key() -> None:
    number = ONE.number("vk", 5)
    state = {"mentions_owed": {f"{number}_7": [1, None, 2, 3, "Озёрск"], "-555_8": [1, 4, 2, 3, "Озёрск"]}}
    _state_change(TWO, 1)("vk", state)
    assert list(state["mentions_owed"]) == [f"{TWO.number('vk', 5)}_7", "-555_8"]
