"""Which messages are labelled, when again, and that nothing lands twice; raw rows written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from ingestion.config import Region, Settings, load_regions, load_settings
from ingestion.erasing import Request, erase, find
from ingestion.erasures import book_of, write_book
from ingestion.errors import ConfigError
from ingestion.labels.schema import appeal_id_of, under_new_key
from ingestion.pipeline import LoadReport
from ingestion.rekey import rekey
from ingestion.sources import all_tables
from ingestion.tables import create_statement
from labels.labeller import Labeller
from labels.training import Trained
from orchestration.label_messages import label_region

MARCH = datetime(2026, 3, 1)
REGION = """
region_id: far
name: Дальний край
time_zone: Asia/Kamchatka
sources: {registry: {folder: registry}}
labels: {threshold: 0.5}
"""
PIT = "Яму на дороге так и не засыпали, безобразие! Асфальт разбит"
KEY, NEXT = (
    "6d0f3a7c19e84b52c7f0a1d95be2836440dd87f1c2a95e3b",
    "3b5ea9c2f178dd446382be591d0af7c252b84e9c7a3f0d6d",
)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment of one region that asks for labels, with its places."""
    regions = tmp_path / "regions"
    regions.mkdir()
    (regions / "far.yaml").write_text(REGION, "utf-8")
    monkeypatch.setenv("OTKLIK_DATA", str(tmp_path))
    monkeypatch.setenv("OTKLIK_REGIONS", str(regions))
    monkeypatch.setenv("OTKLIK_HMAC_KEY", KEY)
    land(
        tmp_path,
        "registry",
        {"registry_territories": [place("elizovo", "Елизово"), place("milkovo", "Мильково")]},
    )
    return tmp_path


def place(territory: str, name: str) -> dict[str, Any]:
    return {"territory_id": territory, "name": name}


def land(data: Path, source: str, rows: dict[str, list[dict[str, Any]]], status: int = 0) -> None:
    """Rows of one load straight into raw."""
    with duckdb.connect(str(data / "warehouse.duckdb")) as warehouse:
        warehouse.execute("CREATE SCHEMA IF NOT EXISTS raw")
        for one in all_tables():
            warehouse.execute(create_statement(one, "raw"))
        warehouse.execute(
            "CREATE TABLE IF NOT EXISTS raw._dlt_loads (load_id VARCHAR NOT NULL, schema_name VARCHAR, "
            "status BIGINT NOT NULL, inserted_at TIMESTAMP WITH TIME ZONE, schema_version_hash VARCHAR)"
        )
        ((seq,),) = warehouse.execute("SELECT coalesce(max(load_seq), 0) + 1 FROM raw.loads").fetchall()
        load = f"by-hand-{seq}"
        warehouse.execute("INSERT INTO raw._dlt_loads VALUES (?, 'x', ?, ?, 'x')", [load, status, MARCH])
        zero = dict.fromkeys(("received", "quarantined", "skipped_unchanged", "requests", "retries"), 0)
        book = {"source": source, "resource": "x", "load_seq": seq, "mode": "live", "landed": 1, **zero}
        for name, found in {"loads": [book], **rows}.items():
            for row in found:
                full = {"region_id": "far", "_dlt_load_id": load, "fetched_at": MARCH, **row}
                names, marks = ", ".join(full), ", ".join("?" * len(full))
                warehouse.execute(f"INSERT INTO raw.{name} ({names}) VALUES ({marks})", list(full.values()))


def comment(number: int, text: str | None, **more: Any) -> dict[str, Any]:
    wrote = {
        "author_kind": "citizen",
        "author_key": f"{number:032x}",
        "created_at": MARCH,
        "is_deleted": False,
    }
    return {"owner_id": -7, "post_id": 1, "comment_id": number, "text": text, **wrote, **more}


def appeal(number: str, category: str | None, municipality: str | None = "Елизово") -> dict[str, Any]:
    when = {"registered_at": MARCH, "updated_at": MARCH, "status": "registered"}
    return {"pos_id": number, "text": PIT, "category": category, "municipality": municipality, **when}


def chat(person: str, number: str, text: str, kind: str = "citizen") -> dict[str, Any]:
    said = {"author_kind": kind, "place": "chat", "created_at": MARCH, "is_deleted": False}
    return {
        "page_id": "9",
        "chat_id": person,
        "message_id": number,
        "text": text,
        "author_key": person,
        **said,
    }


def labelled(data: Path) -> LoadReport | None:
    settings, region = region_of()
    return label_region(settings, region)


def region_of() -> tuple[Settings, Region]:
    settings = load_settings()
    return settings, load_regions(settings)["far"]


def counts(report: LoadReport | None) -> tuple[int, int, int, int]:
    """Received, landed, unchanged, erased."""
    assert report is not None
    tally = report.resources["labels"]
    return tally.received, tally.landed, tally.skipped_unchanged, tally.erased


def rows(data: Path, columns: str, order: str = "object_ref") -> list[tuple[Any, ...]]:
    with duckdb.connect(str(data / "warehouse.duckdb")) as warehouse:
        return warehouse.execute(f"SELECT {columns} FROM raw.labels ORDER BY {order}").fetchall()


def test_citizens_messages_without_labels_of_their_own_are_labelled(data: Path) -> None:
    land(
        data,
        "vk",
        {
            "vk_comments": [
                comment(1, PIT),
                comment(2, "Спасибо, в Мильково отремонтировали мост! Молодцы"),
                comment(3, None),
                comment(4, "Засыплем завтра", author_kind="community", author_page_id=-7),
                comment(5, "У нас тоже яма", thread_id=1),
                comment(6, "Яма", is_deleted=True),
            ]
        },
    )
    land(data, "pos", {"pos_appeals": [appeal("8", "Дороги"), appeal("9", None), appeal("10", "Дороги", "")]})
    land(
        data,
        "telegram",
        {"telegram_messages": [chat("a" * 32, "1", PIT), chat("a" * 32, "2", "Да", "operator")]},
    )
    land(data, "vk", {"vk_comments": [comment(7, "Не дошло")]}, status=1)

    assert counts(labelled(data)) == (6, 6, 0, 0)

    told = {
        ref: rest
        for ref, *rest in rows(data, "object_ref, source, kind, needs_answer, topic_group, territory_id")
    }
    assert sorted(told) == [
        *("pos|10", "pos|9", f"telegram_message|9|{'a' * 32}|1"),
        *(f"vk_comment|-7|{number}" for number in (1, 2, 3)),
    ]
    assert told["vk_comment|-7|1"] == ["vk", "complaint", True, "roads", None]
    assert told["vk_comment|-7|2"][1:3] == ["thanks", False]
    assert told["vk_comment|-7|2"][4] == "milkovo"
    assert told["vk_comment|-7|3"] == ["vk", None, True, None, None], "no words: a person has to look"
    # No word of a text is kept.
    with duckdb.connect(str(data / "warehouse.duckdb")) as warehouse:
        kept = str(warehouse.execute("SELECT * FROM raw.labels").fetchall())
    assert not any(word in kept for word in ("яму", "Асфальт", "мост", "Спасибо"))


def test_only_what_came_is_read_and_only_what_changed_lands(data: Path) -> None:
    land(data, "vk", {"vk_comments": [comment(1, PIT), comment(2, "Нет тепла в доме, батареи холодные")]})
    assert counts(labelled(data)) == (2, 2, 0, 0)
    assert labelled(data) is None, "nothing came"
    land(data, "registry", {"registry_regions": [{"name": "Край", "time_zone": "Asia/Kamchatka"}]})
    assert labelled(data) is None, "no message came"
    land(
        data,
        "vk",
        {"vk_comments": [comment(1, PIT + "!"), comment(2, "Мусор не вывозят, контейнеры переполнены")]},
    )
    assert counts(labelled(data)) == (2, 1, 1, 0)
    assert [group for (group,) in rows(data, "topic_group", "_dlt_load_id, object_ref")] == [
        *("roads", "housing"),
        "waste",
    ]
    # Another place in the registry is another version: all is read, and lands where it is another label.
    (before,) = {version for (version,) in rows(data, "label_version")}
    land(data, "registry", {"registry_territories": [place("ust", "Усть-Камчатск")]})
    assert counts(labelled(data)) == (2, 0, 2, 0)
    assert labelled(data) is None
    assert {version for (version,) in rows(data, "label_version")} == {before}
    path = data / "regions" / "far.yaml"
    path.write_text(REGION.replace("0.5", "0.95"), "utf-8")
    received, landed, unchanged, _ = counts(labelled(data))
    assert (received, landed) == (2, 2)
    assert unchanged == 0
    assert rows(data, "distinct label_version", "1") != [(before,)]


@pytest.mark.scenario
def test_labelling_that_dies_lands_nothing_and_the_next_lands_all_once(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(data, "vk", {"vk_comments": [comment(number, PIT) for number in range(1, 30)]})
    monkeypatch.setattr("orchestration.label_messages._PAGE", 10)
    whole, pages = Labeller.label, iter(range(9))

    def dying(self: Labeller, texts: list[str]) -> Iterator[Any]:
        if next(pages) == 2:
            raise RuntimeError("the machine died")
        yield from whole(self, texts)

    with monkeypatch.context() as patched:
        patched.setattr(Labeller, "label", dying)
        with pytest.raises(Exception, match="the machine died"):
            labelled(data)
    assert rows(data, "object_ref") == []
    assert counts(labelled(data)) == (29, 29, 0, 0)
    assert len({ref for (ref,) in rows(data, "object_ref")}) == len(rows(data, "object_ref")) == 29


@pytest.mark.scenario
def test_who_is_erased_takes_the_label_along_and_it_stays_away(data: Path) -> None:
    land(data, "vk", {"vk_comments": [comment(1, PIT), comment(2, PIT)]})
    labelled(data)
    settings, _ = region_of()
    pseudonyms = settings.pseudonyms()
    with duckdb.connect(str(settings.warehouse)) as warehouse:
        book = find(warehouse, Request(author_key=f"{1:032x}"), MARCH + timedelta(days=1), pseudonyms)
        assert appeal_id_of("far", "vk_comment|-7|1") in {
            row[0] for row in warehouse.execute("SELECT reference FROM doomed").fetchall()
        }
        done = erase(warehouse, book, pseudonyms)
    assert done.rows == {"vk_comments": 1, "labels": 1}
    assert rows(data, "object_ref") == [("vk_comment|-7|2",)]
    # Should its row come back by a way that nobody thought of, its label does not.
    write_book(book_of(settings.data), book)
    land(data, "vk", {"vk_comments": [comment(1, PIT)]})
    assert counts(labelled(data)) == (1, 0, 0, 1)


@pytest.mark.scenario
def test_a_new_key_moves_labels_with_their_messages(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    person = region_of()[0].pseudonyms().author_key("telegram", "77")
    land(data, "telegram", {"telegram_messages": [chat(person, "1", PIT)]})
    mention = {
        "owner_id": 12345,
        "post_id": 3,
        "author_key": person,
        "created_at": MARCH,
        "text": PIT,
        "query": "q",
    }
    land(data, "vk", {"vk_comments": [comment(1, PIT)], "vk_mentions": [mention]})
    labelled(data)
    with duckdb.connect(str(data / "warehouse.duckdb")) as warehouse:
        warehouse.execute("CREATE SCHEMA IF NOT EXISTS privacy")
    monkeypatch.setenv("OTKLIK_HMAC_OLD_KEYS", KEY)
    monkeypatch.setenv("OTKLIK_HMAC_KEY", NEXT)
    settings, region = region_of()
    with duckdb.connect(str(settings.warehouse)) as warehouse:
        rekey(warehouse, settings.data, settings.pseudonyms())
        lost = warehouse.execute(
            """
            SELECT object_ref FROM raw.labels WHERE object_ref NOT IN (
                SELECT 'telegram_message|' || page_id || '|' || chat_id || '|' || message_id
                FROM raw.telegram_messages
                UNION ALL SELECT 'vk_post|' || owner_id || '|' || post_id FROM raw.vk_mentions
                UNION ALL SELECT 'vk_comment|' || owner_id || '|' || comment_id FROM raw.vk_comments
            )
            """
        ).fetchall()
        kept = warehouse.execute("SELECT count(*) FROM raw.labels WHERE object_ref LIKE ?", [f"%{person}%"])
        assert kept.fetchall() == [(0,)]
    assert lost == []
    assert len(rows(data, "object_ref")) == 3
    assert label_region(settings, region) is None, "the state went along"


def test_what_is_nobodys_hash_keeps_its_reference() -> None:
    number = "0" * 32  # a ticket's own id may look like a hash
    for kept in (f"pos|{number}", "vk_comment|-7|5", "vk_message|-7|topic5|6", "telegram_message|9|12|13"):
        assert under_new_key(kept, lambda _: "other", lambda _: 1) == kept
    assert under_new_key(f"max_message|9|{number}|5", lambda _: "x", lambda _: 1) == "max_message|9|x|5"
    assert under_new_key("vk_comment|12|5", lambda _: "x", lambda _: 34) == "vk_comment|34|5"


@pytest.mark.scenario
def test_models_are_learnt_weekly_where_labels_are_asked_for(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.defs import labels

    assert [(one.name, one.cron_schedule) for one in labels.schedules()] == [("weekly_training", "0 4 * * 0")]
    # Two appeals teach nothing: the list of words goes on, and nobody is alarmed.
    land(data, "pos", {"pos_appeals": [appeal("1", "Дороги"), appeal("2", "ЖКХ")]})
    young = dg.materialize([labels.models])
    assert young.success
    assert [check.passed for check in young.get_asset_check_evaluations()] == [True]
    assert not (data / "labels" / "far" / "current.json").exists()

    def worse(*_: Any) -> Trained:
        return Trained("a" * 16, "b" * 16, False, 80, 20, {"topic_group": 0.5}, {"topic_group": 0.8})

    monkeypatch.setattr("orchestration.labelling.train_region", worse)
    done = dg.materialize([labels.models])
    (check,) = done.get_asset_check_evaluations()
    assert done.success, "the model before stays in force, and nothing has to stop"
    assert not check.passed
    assert "The new model of far is worse" in (check.description or "")

    (data / "regions" / "far.yaml").write_text(REGION.replace("labels: {threshold: 0.5}", ""), "utf-8")
    assert list(labels.schedules()) == []


@pytest.mark.parametrize("threshold", [0, 1, "sure"])
def test_a_threshold_lies_between_nought_and_one(data: Path, threshold: object) -> None:
    (data / "regions" / "far.yaml").write_text(REGION.replace("0.5", str(threshold)), "utf-8")
    with pytest.raises(ConfigError, match=r"labels\.threshold"):
        load_regions(load_settings())
