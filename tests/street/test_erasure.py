"""A person who asks to be erased is gone everywhere, stays away, and the figures say why they moved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from ingestion.config import load_settings
from ingestion.erasing import Request, author_of
from ingestion.erasures import NAMED, book_of, read_book
from ingestion.errors import ConfigError, UsageError
from ingestion.inbox.journal import journal_path
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


@pytest.mark.parametrize("source", ["pos", "vk", "telegram"])
def test_an_author_is_gone_everywhere_and_stays_away(
    deployment: Deployment, source: str, tmp_path: Path
) -> None:
    author = deployment.warehouse(
        f"select author_key from facts.fct_appeals where source = '{source}' and author_key is not null"
        " and is_countable group by author_key order by count(*) desc, author_key limit 1"
    )[0][0]
    appeals = [
        one
        for (one,) in deployment.warehouse(
            f"select appeal_id from facts.fct_appeals where author_key = '{author}'"
        )
    ]
    columns = deployment.warehouse(
        "select table_name from information_schema.columns where table_schema = 'raw' and column_name = 'author_key'"
    )
    words = {
        text
        for (table,) in columns
        for (text,) in deployment.warehouse(f"select text from raw.{table} where author_key = '{author}'")
        if text and len(text) > 30
    }
    # The same sentence may have been written by two people.
    words -= {
        text
        for (table,) in columns
        for (text,) in deployment.warehouse(f"select text from raw.{table} where author_key <> '{author}'")
    }
    needles = [author, *appeals, *words]
    settings = load_settings()
    made = backup(settings, tmp_path / "backup")
    assert {hit for hits in found_below(deployment.data, needles).values() for hit in hits} >= {
        author,
        *appeals,
    }
    before = deployment.shelf.current_manifest()
    told = deployment.query("select count(*) from marts.restatements")[0][0]

    done = erase_everywhere(settings, Request(author_key=author))

    assert done.outcome.failures == []
    assert done.erased.rows
    assert before is not None
    assert before["id"] in done.withdrawn
    # The book holds the author's key, which is a keyed hash, and so that it can be recognised; nothing else does.
    assert found_below(deployment.data, needles, ["sandbox"]) == {"erasures.jsonl": [author]}
    gone = before["tables"]["facts/fct_appeals"]["rows"] - _rows(deployment, "fct_appeals")
    assert gone >= len(appeals)
    reasons = deployment.query(
        f"select distinct reason from marts.restatements where replaced_release = '{before['id']}'"
    )
    assert reasons == [("erasure",)]
    assert deployment.query("select count(*) from marts.restatements")[0][0] > told

    # The same answers of the sources once more: whole days are read anew.
    days = deployment.warehouse("select min(local_date), max(local_date) + 2 from facts.fct_appeals")[0]
    again = deployment.run(days=days, as_of=AS_OF)
    assert again.failures == []
    assert found_below(deployment.data, needles, ["sandbox"]) == {"erasures.jsonl": [author]}
    if source != "telegram":  # which has no history to read again
        assert deployment.warehouse("select sum(erased) from raw.loads")[0][0] > 0
    assert _rows(deployment, "fct_appeals") == before["tables"]["facts/fct_appeals"]["rows"] - gone

    # A backup from before knows the person; what is restored does not.
    restore(settings, made.folder)
    assert found_below(deployment.data, needles, ["sandbox"]) == {"erasures.jsonl": [author]}
    assert _rows(deployment, "fct_appeals") == before["tables"]["facts/fct_appeals"]["rows"] - gone


def _rows(deployment: Deployment, table: str) -> int:
    return int(deployment.query(f"select count(*) from facts.{table}")[0][0])


def test_one_appeal_by_its_number_or_its_link(deployment: Deployment) -> None:
    settings = load_settings()
    number = deployment.warehouse("select min(pos_id) from raw.pos_appeals")[0][0]
    owner, comment, post = deployment.warehouse(
        "select owner_id, comment_id, post_id from raw.vk_comments"
        " where thread_id is null and author_kind = 'citizen' and owner_id < 0 order by all limit 1"
    )[0]
    for reference in (f"pos:{number}", f"https://vk.com/wall{owner}_{post}?reply={comment}"):
        before = _rows(deployment, "fct_appeals")
        assert erase_everywhere(settings, Request(source_ref=reference)).outcome.failures == []
        assert _rows(deployment, "fct_appeals") == before - 1
    for table in ("appeals", "answers", "statuses"):
        assert deployment.warehouse(f"select count(*) from raw.pos_{table} where pos_id = '{number}'") == [
            (0,)
        ]
    assert deployment.warehouse(
        f"select count(*) from raw.vk_comments where owner_id = {owner} and {comment} in (comment_id, thread_id)"
    ) == [(0,)]
    # What an interrupted erasure left undone, the same command does.
    assert erase_everywhere(settings, Request(source_ref=f"pos:{number}")).outcome.failures == []


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
    with environment(OTKLIK_HMAC_KEY=new):
        assert "not the key" in _refused(deployment)
    with environment(OTKLIK_HMAC_KEY=new, OTKLIK_HMAC_OLD_KEYS=old.hmac_key.get_secret_value()):
        assert "otklik rotate-key" in _refused(deployment)
        settings = load_settings()
        changed, outcome = rotate(settings)
        assert outcome.failures == []
        assert changed > 0
        assert found_below(deployment.data, keys, ["sandbox"]) == {}
        assert deployment.warehouse(people) == shape
        assert _marts(deployment) == marts
        # Read once more under both keys, everybody is who they were, and nobody erased comes back.
        days = deployment.warehouse("select min(local_date), max(local_date) + 2 from facts.fct_appeals")[0]
        assert deployment.run(days=days, as_of=AS_OF).failures == []
        assert deployment.warehouse(people) == shape
        assert _marts(deployment) == marts
        assert len(read_book(book_of(deployment.data)).references) == len(erased.references)
        with pytest.raises(UsageError, match="already"):
            rotate(settings)


def _refused(deployment: Deployment) -> str:
    outcome = deployment.run(as_of=AS_OF)
    assert outcome.failures
    return outcome.failures[0]


def _marts(deployment: Deployment) -> dict[str, bytes]:
    """Published figures but those about loads."""
    return {
        path: content
        for path, content in deployment.files().items()
        if path.startswith("marts/") and "loads_daily" not in path and "restatements" not in path
    }
