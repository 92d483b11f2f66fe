"""Texts read like people's, hardly ever repeat, and carry what masking must find."""

from __future__ import annotations

from collections import Counter

from sandbox.population import VK
from sandbox.texts import Texts
from sandbox.vocabulary import load_vocabulary
from sandbox.world import World


def test_nine_in_ten_texts_of_demo_are_distinct(demo: World) -> None:
    texts = Counter(demo.complaint(row) for row in range(len(demo.population)))
    assert len(texts) >= 0.9 * len(demo.population)
    assert texts.most_common(1)[0][1] <= 5
    answers = Counter(demo.texts.answer(row, bool(row & 1), bool(row & 2), "Дороги") for row in range(5000))
    assert len(answers) >= 0.9 * 5000


def test_texts_carry_personal_data_to_mask(demo: World) -> None:
    whole = "\n".join(demo.complaint(int(row)) for row in demo.population.rows(VK))
    for sign in ("+7 900 000-", "8(900)000-", "@example.org", "[id", "@sosed", "<br>", "😡"):
        assert sign in whole, sign


def test_a_text_is_fixed_by_its_number() -> None:
    one, other = Texts(1, load_vocabulary()), Texts(1, load_vocabulary())
    assert one.complaint(12, "roads", "Ямы", "complaint", "") == other.complaint(
        12, "roads", "Ямы", "complaint", ""
    )
    assert one.complaint(12, "roads", "Ямы", "complaint", "") != one.complaint(
        13, "roads", "Ямы", "complaint", ""
    )
    assert one.address(12) == other.address(12)
    assert Texts(2, load_vocabulary()).reply(5) != one.reply(5)


def test_no_placeholder_is_left_over() -> None:
    vocabulary = load_vocabulary()
    texts = Texts(3, vocabulary)
    for number in range(400):
        for group in vocabulary.group_ids:
            text = texts.complaint(number, group, vocabulary.groups[group].topics[0], "complaint", "Ключи")
            assert "{" not in text
            assert len(text) > 20


def test_every_group_has_topics_and_some_are_fast_track() -> None:
    groups = load_vocabulary().groups
    assert len(groups) == 27
    assert all(
        4 <= len(group.topics) <= 10 and len(set(group.topics)) == len(group.topics)
        for group in groups.values()
    )
    assert sum(sum(group.fast) for group in groups.values()) > 20
