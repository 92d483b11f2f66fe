"""Labels from words: the seed's words against sentences of each kind, and against the sandbox's texts."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labels.dictionary import KINDS, Dictionary
from labels.errors import UnreadableTable
from sandbox.texts import Texts
from sandbox.vocabulary import load_vocabulary
from tests.labels.appeals import SEEDS, tree

WORDS = SEEDS / "label_words.csv"


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return Dictionary.read(WORDS)


@pytest.mark.parametrize(
    ("text", "group", "kind", "needs_answer", "tone"),
    [
        ("Когда уже почините дорогу??? Ямы по колено", "roads", "question", True, "negative"),
        ("Спасибо большое за новую детскую площадку!", "improvement", "thanks", False, "positive"),
        ("Спасибо, что опять не убрали мусор с контейнеров", "waste", "complaint", True, "neutral"),
        ("Подскажите, как записаться к врачу? Заранее спасибо", "healthcare", "question", True, "neutral"),
        ("Предлагаю поставить скамейки в парке", "improvement", "proposal", True, "neutral"),
        ("Безобразие! Не работает лифт в подъезде 😡", "housing", "complaint", True, "negative"),
        ("На детских площадках сломаны качели", "improvement", "complaint", True, "negative"),
        ("Хочу поблагодарить врачей поликлиники 👍", "healthcare", "thanks", False, "positive"),
        ("[id5|Пётр], ++ поддерживаю", None, "other", False, "neutral"),
        ("😡", None, "other", False, "negative"),
        ("", None, "other", False, "neutral"),
    ],
)
def test_what_is_told_of_a_message(
    dictionary: Dictionary, text: str, group: str | None, kind: str, needs_answer: bool, tone: str
) -> None:
    told = dictionary.tell(text)
    assert (told.topic_group, told.kind, told.needs_answer, told.tone) == (group, kind, needs_answer, tone)


def test_nothing_is_told_of_a_tie() -> None:
    dictionary = Dictionary.of([("topic_group", "waste", "свалка", 1), ("topic_group", "gas", "газ", 1)])
    assert dictionary.tell("свалка и газ").topic_group is None
    assert dictionary.tell("свалки, свалки, свалки и газ").topic_group is None
    assert dictionary.tell("свалка").topic_group == "waste"


def test_more_words_of_one_label_make_it_surer(dictionary: Dictionary) -> None:
    one, two = (
        dictionary.tell("Не ходит автобус"),
        dictionary.tell("Автобус не ходит по расписанию от остановки"),
    )
    assert one.topic_group == two.topic_group == "transport"
    assert one.topic_confidence < two.topic_confidence < 1


def test_the_seed_names_labels_that_exist() -> None:
    groups = set(tree())
    with WORDS.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        known = {"topic_group": groups, "kind": set(KINDS), "tone": {"negative", "positive"}}[row["task"]]
        assert row["label"] in known, row
    assert groups - {row["label"] for row in rows} == {"special"}


def test_kinds_of_invented_messages_are_told_far_better_than_by_lot(dictionary: Dictionary) -> None:
    """The sandbox writes its sentences without knowing these words: three in four kinds are told."""
    texts, groups = Texts(77, load_vocabulary()), ("roads", "housing", "improvement", "transport")
    right: Counter[str] = Counter()
    for number in range(400):
        kind = KINDS[number % 4]
        said = dictionary.tell(texts.complaint(number, groups[number // 4 % 4], "тема", kind, "Ишим")).kind
        right[kind] += said == kind
    assert sum(right.values()) / 400 > 0.75, right
    assert min(right[kind] for kind in KINDS[:4]) > 50, right


def test_a_list_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "words.csv"
    path.write_text("task,label,phrase,points\ncolour,red,красный,1\n", "utf-8")
    with pytest.raises(UnreadableTable, match="give task, label, phrase, points"):
        Dictionary.read(path)


@given(st.text(max_size=80))
@settings(max_examples=100, deadline=None)
def test_every_text_gets_a_kind_and_a_tone(dictionary: Dictionary, text: str) -> None:
    told = dictionary.tell(text)
    assert told.kind in KINDS
    assert told.tone in ("negative", "neutral", "positive")
    assert 0 <= told.topic_confidence < 1
    assert 0 <= told.kind_confidence < 1
