"""Which messages are compared, when again, and that the batches in which they came change nothing."""

from __future__ import annotations

import random
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.erasing import Request, erase, find
from ingestion.pipeline import LoadReport
from ingestion.rekey import rekey
from ingestion.sources import MADE
from orchestration.find_copies import compared_tables, find_copies_of_region
from publishing.watermarks import sources_read
from tests.labels.test_copies import EDITED, LETTER, OTHER, REORDERED, SHORTENED
from tests.orchestration.test_label_messages import (
    KEY,
    MARCH,
    NEXT,
    REGION,
    appeal,
    chat,
    comment,
    land,
    region_of,
)
from tests.orchestration.test_label_messages import data as data

Found = dict[str, str]


def compared(data: Path) -> LoadReport | None:
    settings, region = region_of()
    return find_copies_of_region(settings, region)


def counts(report: LoadReport | None) -> tuple[int, int, int, int]:
    """Received, landed, unchanged, erased."""
    assert report is not None
    tally = report.resources["copies"]
    return tally.received, tally.landed, tally.skipped_unchanged, tally.erased


def standing(data: Path) -> Found:
    """The newest cluster of each message that is in one."""
    with duckdb.connect(str(data / "warehouse.duckdb")) as warehouse:
        found = warehouse.execute(
            """
            SELECT object_ref, max_by(coalesce(cluster_id, ''), load_seq)
            FROM raw.copies INNER JOIN (SELECT DISTINCT _dlt_load_id, load_seq FROM raw.loads) AS loads
                USING (_dlt_load_id)
            GROUP BY object_ref
            """
        ).fetchall()
    return {ref: cluster for ref, cluster in found if cluster}


def written(number: int, text: str, hours: float, **more: Any) -> dict[str, Any]:
    return comment(number, text, created_at=MARCH + timedelta(hours=hours), **more)


def test_copies_are_found_in_every_channel_and_only_what_came_is_compared(data: Path) -> None:
    land(
        data,
        "vk",
        {
            "vk_comments": [
                written(1, LETTER, 0),
                written(2, OTHER, 1),
                written(3, EDITED, 2, author_kind="community", author_page_id=-7),
                written(4, SHORTENED, 3, is_deleted=True),
                written(5, EDITED, 9 * 24),
            ]
        },
    )
    land(data, "pos", {"pos_appeals": [{**appeal("8", "Дороги"), "text": REORDERED}]})
    land(data, "telegram", {"telegram_messages": [chat("a" * 32, "1", SHORTENED)]}, status=1)
    assert counts(compared(data)) == (6, 2, 4, 0)
    found = standing(data)
    assert set(found) == {"vk_comment|-7|1", "pos|8"}
    assert len(set(found.values())) == 1
    assert compared(data) is None, "nothing came"
    land(data, "registry", {"registry_regions": [{"name": "Край", "time_zone": "Asia/Kamchatka"}]})
    assert compared(data) is None, "no message came"

    # Who comes tells only of itself; who was first of all gives the cluster another name.
    land(data, "telegram", {"telegram_messages": [chat("a" * 32, "2", SHORTENED)]})
    assert counts(compared(data)) == (1, 1, 0, 0)
    land(data, "vk", {"vk_comments": [written(6, LETTER, -30)]})
    assert counts(compared(data)) == (4, 4, 0, 0)
    assert set(standing(data).values()) & set(found.values()) == set()
    # Who leaves is told, and so are those who stay: what they repeat may be another message now.
    land(data, "vk", {"vk_comments": [written(1, OTHER, 0)]})
    assert counts(compared(data)) == (5, 5, 0, 0)
    assert standing(data)["vk_comment|-7|1"] == standing(data)["vk_comment|-7|2"]
    land(data, "vk", {"vk_comments": [written(2, OTHER, 1, is_deleted=True)]})
    compared(data)
    assert set(standing(data)) == {"vk_comment|-7|6", "pos|8", f"telegram_message|9|{'a' * 32}|2"}


@pytest.mark.scenario
def test_the_batches_in_which_messages_came_change_nothing(data: Path, tmp_path: Path) -> None:
    """Crowds, pairs and lone letters over three weeks, some edited or deleted: at once, and in four runs."""
    draw = random.Random(7)
    texts = (LETTER, EDITED, SHORTENED, REORDERED, OTHER, OTHER.replace("Садовой", "Мира"), "Нет света!")
    rows = [written(n, draw.choice(texts), draw.uniform(0, 21 * 24)) for n in range(60)]
    rows += [written(100 + n, f"{OTHER} Дом номер {n}, подъезд второй", n * 40) for n in range(12)]
    later = [{**row, "text": draw.choice(texts)} for row in draw.sample(rows, 8)]
    later += [{**row, "is_deleted": True} for row in draw.sample(rows, 8)]
    started = tmp_path / "start.duckdb"
    shutil.copy(data / "warehouse.duckdb", started)

    def at_the_end(batches: list[list[dict[str, Any]]], at_once: bool) -> Found:
        shutil.copy(started, data / "warehouse.duckdb")
        for batch in batches:
            land(data, "vk", {"vk_comments": batch})
            if not at_once:
                compared(data)
        if at_once:
            compared(data)
        return standing(data)

    whole = at_the_end([rows, later], at_once=True)
    assert len(whole) > 30
    assert len(set(whole.values())) > 1
    for seed in range(2):
        shuffled = random.Random(seed).sample(rows, len(rows))
        batches = [shuffled[start::3] for start in range(3)]
        assert at_the_end([*batches, later], at_once=False) == whole


@pytest.mark.scenario
def test_comparing_a_few_at_a_time_finds_the_same(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [written(n, (LETTER, EDITED, REORDERED)[n % 3], n * 5) for n in range(40)]
    land(data, "vk", {"vk_comments": rows})
    started = data / "start.duckdb"
    shutil.copy(data / "warehouse.duckdb", started)
    compared(data)
    whole = standing(data)
    assert len(whole) == 40
    shutil.copy(started, data / "warehouse.duckdb")
    monkeypatch.setattr("orchestration.find_copies._CHUNK", 7)
    compared(data)
    assert standing(data) == whole


@pytest.mark.scenario
def test_comparing_that_dies_lands_nothing_and_another_version_compares_all(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(data, "vk", {"vk_comments": [written(n, LETTER, n) for n in range(6)]})
    with monkeypatch.context() as patched:
        patched.setattr("labels.copies.name_of", lambda *_: 1 / 0)
        with pytest.raises(Exception, match="division by zero"):
            compared(data)
    assert standing(data) == {}
    assert counts(compared(data)) == (6, 6, 0, 0)
    whole = standing(data)
    monkeypatch.setattr("orchestration.find_copies.copies_version", lambda: "another")
    assert counts(compared(data)) == (6, 0, 6, 0)
    assert compared(data) is None
    assert standing(data) == whole


@pytest.mark.scenario
def test_who_is_erased_takes_the_row_along_and_a_new_key_moves_it(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = region_of()[0].pseudonyms().author_key("telegram", "77")
    land(data, "telegram", {"telegram_messages": [chat(person, "1", LETTER)]})
    land(data, "vk", {"vk_comments": [written(1, LETTER, 1), written(2, EDITED, 2)]})
    compared(data)
    names = standing(data)
    assert len(names) == 3
    assert person not in str(set(names.values()))
    pseudonyms = region_of()[0].pseudonyms()
    with duckdb.connect(str(data / "warehouse.duckdb")) as warehouse:
        book = find(warehouse, Request(author_key=f"{1:032x}"), MARCH + timedelta(days=1), pseudonyms)
        assert erase(warehouse, book, pseudonyms).rows == {"vk_comments": 1, "copies": 1}
    del names["vk_comment|-7|1"]
    assert standing(data) == names

    with duckdb.connect(str(data / "warehouse.duckdb")) as warehouse:
        warehouse.execute("CREATE SCHEMA IF NOT EXISTS privacy")
    monkeypatch.setenv("OTKLIK_HMAC_OLD_KEYS", KEY)
    monkeypatch.setenv("OTKLIK_HMAC_KEY", NEXT)
    settings, region = region_of()
    with duckdb.connect(str(settings.warehouse)) as warehouse:
        rekey(warehouse, settings.data, settings.pseudonyms())
        ((moved,),) = warehouse.execute("SELECT author_key FROM raw.telegram_messages").fetchall()
    assert standing(data) == {ref.replace(person, moved): name for ref, name in names.items()}
    assert find_copies_of_region(settings, region) is None, "the state went along"


def test_what_is_made_is_no_source_and_staff_are_not_compared(data: Path) -> None:
    marks = [{"source": name} for name in ("vk", *(made.name for made in MADE))]
    assert sources_read({"watermarks": marks}) == [{"source": "vk"}]
    assert "incident" not in {one.source for one in compared_tables()}
    (data / "regions" / "far.yaml").write_text(REGION.replace("0.5", "0.5, copies: true"), "utf-8")
    _, region = region_of()
    assert region.labels is not None
    assert region.labels.copies
