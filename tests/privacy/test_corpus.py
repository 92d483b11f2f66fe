"""What `mask` finds of what people write, and what it leaves alone: as good as docs/privacy.md says."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from ingestion.files.suspicion import suspicious
from ingestion.privacy import mask
from tests.privacy.corpus import HARMLESS, PLANTED, Score, is_gone, score, specimens

COUNT = 4_000


@pytest.fixture(scope="module")
def scores() -> dict[str, Score]:
    return score(specimens(COUNT, seed=7))


@pytest.mark.parametrize("kind", [*PLANTED, "all"])
def test_recall_and_precision_of_every_kind(scores: dict[str, Score], kind: str) -> None:
    found = scores[kind]
    assert found.planted > 300
    assert found.recall >= 0.99, found.examples[:5]
    assert found.precision >= 0.95, found.examples[:5]


def test_harmless_things_stay_as_they_were_written() -> None:
    kept: dict[str, list[bool]] = {kind: [] for kind in HARMLESS}
    for one in specimens(COUNT, seed=8):
        masked = mask(one.text)
        for kind, item in one.harmless:
            kept[kind].append(item in masked)
    shares = {kind: sum(found) / len(found) for kind, found in kept.items()}
    assert min(shares.values()) >= 0.98, shares


def test_masking_twice_changes_nothing_more() -> None:
    for one in specimens(1_000, seed=9):
        masked = mask(one.text)
        assert mask(masked) == masked


def test_what_the_corpus_calls_gone_is_gone() -> None:
    assert not is_gone("8 912 345-67-89", "тел. 8 912 345-67-89")
    assert not is_gone("8 912 345-67-89", "тел. 8 912 3456789")
    assert not is_gone("8 912 345-67-89", "тел. 9123456789 х")
    assert not is_gone("[id5|Иван Петров]", "[‹ссылка›|Иван Петров]")
    assert not is_gone("ivan@mail.ru", "ivan‹почта›")
    assert is_gone("8 912 345-67-89", "тел. ‹телефон› кв. 67")


def test_files_send_to_masking_whatever_it_would_change() -> None:
    texts = [one.text for one in specimens(800, seed=10)]
    changed = [text for text in texts if mask(text) != text]
    with duckdb.connect() as connection:
        connection.register("texts", pa.table({"text": changed}))
        passed = connection.execute(f"select text from texts where not ({suspicious('text')})").fetchall()
    assert len(changed) > 400
    assert passed == []
