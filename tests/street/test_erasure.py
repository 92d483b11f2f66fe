"""A person who asks to be erased is gone everywhere, stays away, and the figures say why they moved."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.clock import Window
from ingestion.config import Settings, load_regions, load_settings
from ingestion.erasing import Request, erase, find
from ingestion.erasures import NAMED, book_of, read_book
from ingestion.errors import ConfigError, UsageError
from ingestion.lock import warehouse_lock
from ingestion.pipeline import ingest
from ingestion.sources import SOURCES
from orchestration.erase import erase_everywhere
from orchestration.rotate import rotate
from orchestration.upkeep import backup, restore
from tests.privacy.reading import found_below
from tests.street.conftest import Deployment, deploy, environment

pytestmark = pytest.mark.chaos
# A month after the last message: March is over, so that whatever moves has to be told.
AS_OF = "2026-04-20T00:00:00"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    for deployed in deploy(tmp_path_factory.mktemp("erasure")):
        deployed.first = deployed.run(as_of=AS_OF)
        assert deployed.first.failures == []
        yield deployed


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("copies")


def test_every_appeal_of_the_facts_can_be_named_in_raw(deployment: Deployment) -> None:
    named = " union all ".join(
        f"select {named.own.sql} as id from raw.{table}" for table, named in NAMED.items()
    )
    lost = deployment.warehouse(
        f"select source, count(*) from facts.fct_appeals where appeal_id not in ({named}) group by all"
    )
    assert lost == []
    assert deployment.warehouse("select count(distinct source) from facts.fct_appeals") == [(9,)]


def test_what_is_not_there_changes_nothing(deployment: Deployment) -> None:
    settings, before = load_settings(), deployment.files()
    with pytest.raises(UsageError, match="Nothing of that stands"):
        erase_everywhere(settings, Request(source_ref="pos:no-such-number"))
    with pytest.raises(UsageError, match="What is meant is not clear"):
        erase_everywhere(settings, Request(source_ref="that complaint"))
    with pytest.raises(UsageError, match="32 hex digits"):
        erase_everywhere(settings, Request(author_key="Иванов"))
    assert not book_of(deployment.data).exists()
    assert deployment.files() == before


@pytest.mark.parametrize("source", ["pos", "vk", "telegram", "max", "ok", "viber", "files"])
def test_nothing_of_an_author_stays_in_raw(deployment: Deployment, source: str, tmp_path: Path) -> None:
    """On a copy of the warehouse: the author with most appeals in each source that knows authors."""
    settings = load_settings()
    pseudonyms = settings.pseudonyms()
    shutil.copy(settings.warehouse, tmp_path / "warehouse.duckdb")
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:

        def ask(sql: str) -> list[tuple[Any, ...]]:
            return connection.execute(sql).fetchall()

        author, count = ask(
            f"select author_key, count(*) from facts.fct_appeals where source = '{source}' and is_countable"
            " and author_key is not null group by all order by count(*) desc, author_key limit 1"
        )[0]
        chats = ask(
            f"select page_id, chat_id from raw.{source}_messages"
            f" where place = 'chat' and author_key = '{author}'"
            if source in ("telegram", "max", "viber")
            else "select 1, 1 where false"
        )
        before = dict(ask("select table_name, estimated_size from duckdb_tables() where schema_name = 'raw'"))
        appeals = ask(f"select appeal_id from facts.fct_appeals where author_key = '{author}'")
        book = find(connection, Request(author_key=author), settings.now(), pseudonyms)
        done = erase(connection, book, pseudonyms)

        assert done.total == sum(done.rows.values()) >= count
        for table, named in NAMED.items():
            columns = {name for (name, *_) in ask(f"describe raw.{table}")}
            if "author_key" in columns:
                assert ask(f"select count(*) from raw.{table} where author_key = '{author}'") == [(0,)]
            for reference in named.references:
                left = f"select count(*) from raw.{table} where {reference.sql} in (select unnest(?))"
                assert connection.execute(left, [[one for (one,) in appeals]]).fetchall() == [(0,)]
            gone = before[table] - ask(f"select count(*) from raw.{table}")[0][0]
            assert gone == done.rows.get(table, 0)
        for page, chat in chats:
            left = (
                f"select count(*) from raw.{source}_messages where page_id = '{page}' and chat_id = '{chat}'"
            )
            assert ask(left) == [(0,)]
        # Again, by the book alone, as after a restore: nothing is left to do.
        assert erase(connection, book, pseudonyms).total == 0


def test_an_author_is_gone_everywhere_and_stays_away(deployment: Deployment, copies: Path) -> None:
    author = deployment.warehouse(
        "select author_key from facts.fct_appeals where source = 'vk' and author_key is not null"
        " and is_countable group by author_key order by count(*) desc, author_key limit 1"
    )[0][0]
    appeals = {
        one
        for (one,) in deployment.warehouse(
            f"select appeal_id from facts.fct_appeals where author_key = '{author}'"
        )
    }
    needles = {author, *appeals, *_words_of_nobody_else(deployment, author)}
    assert len(needles) > len(appeals) + 1
    settings = load_settings()
    backup(settings, copies / "backup")
    assert {hit for hits in found_below(deployment.data, needles).values() for hit in hits} == needles
    before = deployment.shelf.current_manifest()
    assert before is not None
    rows = before["tables"]["facts/fct_appeals"]["rows"]

    done = erase_everywhere(settings, Request(author_key=author))

    assert done.outcome.failures == []
    assert before["id"] in done.withdrawn
    # The author's key is a keyed hash, and the book must know whom not to let in again; nothing else does.
    assert found_below(deployment.data, needles, ["sandbox"]) == {"erasures.jsonl": [author]}
    left = _rows(deployment, "fct_appeals")
    assert rows - left >= len(appeals)
    told = f"from marts.restatements where replaced_release = '{before['id']}'"
    ((reason, figures),) = deployment.query(f"select reason, count(*) {told} group by 1")
    assert reason == "erasure"
    assert figures > 0

    # The sources show the same days once more.
    erased = _read_again(settings)
    assert erased["vk"] > 0
    assert found_below(deployment.data, needles, ["sandbox"]) == {"erasures.jsonl": [author]}


def test_a_backup_from_before_does_not_bring_them_back(deployment: Deployment, copies: Path) -> None:
    settings, left = load_settings(), _rows(deployment, "fct_appeals")
    (author,) = read_book(book_of(deployment.data)).authors
    # The folder may have been lost together with its book: a copy of the book will do.
    book_of(deployment.data).rename(copies / "book")
    restore(settings, copies / "backup", copies / "book")
    assert found_below(deployment.data, [author], ["sandbox"]) == {"erasures.jsonl": [author]}
    assert _rows(deployment, "fct_appeals") == left


def _words_of_nobody_else(deployment: Deployment, author: str) -> set[str]:
    """Texts of the author; not those that somebody else wrote as well."""
    columns = deployment.warehouse(
        "select table_name from information_schema.columns"
        " where table_schema = 'raw' and column_name = 'author_key'"
    )
    every = " union all ".join(f"select text, author_key from raw.{table}" for (table,) in columns)
    found = deployment.warehouse(
        f"select text from ({every}) where length(text) > 30 group by text"
        f" having bool_and(coalesce(author_key = '{author}', false))"
    )
    return {text for (text,) in found}


def _read_again(settings: Settings) -> Counter[str]:
    """Read all days of all sources that have a history anew; how many rows were kept out by source."""
    region, kept_out = load_regions(settings)["street"], Counter[str]()
    with warehouse_lock(settings, "a test"):
        for name in region.connected:
            if SOURCES[name].windowed:
                report = ingest(name, region, settings, Window(datetime(2026, 3, 1), datetime(2026, 4, 1)))
                kept_out[name] += sum(tally.erased for tally in report.resources.values())
    return kept_out


def _rows(deployment: Deployment, table: str) -> int:
    return int(deployment.query(f"select count(*) from facts.{table}")[0][0])


def test_one_appeal_by_what_it_is_called(deployment: Deployment, tmp_path: Path) -> None:
    settings = load_settings()
    owner, comment, post, appeal = deployment.warehouse(
        f"select owner_id, comment_id, post_id, {NAMED['vk_comments'].own.sql} from raw.vk_comments"
        " where thread_id is null and author_kind = 'citizen' and owner_id < 0 order by all limit 1"
    )[0]
    names = (
        appeal,
        f"https://vk.com/wall{owner}_{post}?reply={comment}",
        f"vk:{owner}_{post}?reply={comment}",
    )
    with duckdb.connect(str(settings.warehouse)) as connection:
        books = [
            find(connection, Request(source_ref=name), settings.now(), settings.pseudonyms()).references
            for name in names
        ]
    assert books[0] == books[1] == books[2] != set()

    number = deployment.warehouse("select min(pos_id) from raw.pos_answers")[0][0]
    shutil.copy(settings.warehouse, tmp_path / "warehouse.duckdb")
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        book = find(connection, Request(source_ref=f"pos:{number}"), settings.now(), settings.pseudonyms())
        done = erase(connection, book, settings.pseudonyms())
        assert done.rows.keys() >= {"pos_appeals", "pos_answers", "pos_statuses"}
        for table in ("appeals", "answers", "statuses"):
            left = f"select count(*) from raw.pos_{table} where pos_id = '{number}'"
            assert connection.execute(left).fetchall() == [(0,)]


def test_a_new_key_keeps_people_and_figures(deployment: Deployment) -> None:
    old = load_settings()
    # Same people, told apart from the hashes that name them.
    people = "select count(*), count(distinct author_key) from facts.fct_appeals"
    shape, marts = deployment.warehouse(people), _marts(deployment)
    keys = {
        key for (key,) in deployment.warehouse("select distinct author_key from facts.fct_appeals") if key
    }
    erased = read_book(book_of(deployment.data))
    new = "5f2c" * 4 + "0918273645abcdef" * 3
    with environment(OTKLIK_HMAC_KEY=new), pytest.raises(ConfigError, match="not the key"):
        _read_again(load_settings())
    with environment(OTKLIK_HMAC_KEY=new, OTKLIK_HMAC_OLD_KEYS=old.hmac_key.get_secret_value()):
        settings = load_settings()
        changed, outcome = rotate(settings)
        assert outcome.failures == []
        assert changed > 0
        assert found_below(deployment.data, keys, ["sandbox"]) == {}
        assert deployment.warehouse(people) == shape
        assert _marts(deployment) == marts
        # Read once more under both keys, everybody is who they were, and nobody erased comes back.
        versions = "select count(distinct author_key) from raw.vk_comments"
        known = deployment.warehouse(versions)
        assert sum(_read_again(settings).values()) > 0
        assert deployment.warehouse(versions) == known
        assert len(read_book(book_of(deployment.data)).references) == len(erased.references)
        with pytest.raises(UsageError, match="already"):
            rotate(settings)


def _marts(deployment: Deployment) -> dict[str, bytes]:
    """Published figures but those about loads."""
    return {
        path: content
        for path, content in deployment.files().items()
        if path.startswith("marts/") and "loads_daily" not in path and "restatements" not in path
    }
