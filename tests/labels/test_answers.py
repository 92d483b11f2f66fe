"""Answers: what they have is seen, and those that say the same share a key."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

import pytest

from labels.answers import BAND, REACH, RENEWED, Likenesses, look_at
from sandbox.texts import Texts
from sandbox.vocabulary import load_vocabulary

MARCH = datetime(2026, 3, 1)
GOOD = (
    "Здравствуйте, Анна! Бригада выехала по указанному адресу 12 марта, снег с тротуара убрали и вывезли, "
    "наледь у подъезда посыпали песком. Следующая уборка двора запланирована на пятницу. Спасибо, что "
    "сообщили нам об этом."
)


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        (GOOD, set()),
        ("Снег убрали 12 марта.", {"long_enough"}),
        (
            "Ваше обращение передано в управляющую компанию.",
            {"long_enough", "names_a_date", "names_a_deed", "not_interim"},
        ),
        (
            "Обратитесь в управляющую компанию.",
            {"long_enough", "names_a_date", "names_a_deed", "not_sent_elsewhere"},
        ),
        ("Передали подрядчику, до конца недели лампы заменили.", {"long_enough"}),
        ("Снег уберём в течение 3 дней", {"long_enough", "names_a_deed"}),
        ("Снег убирают.", {"long_enough", "names_a_date", "names_a_deed"}),
        ("<br>", set(asdict(look_at(GOOD)))),
    ],
)
def test_what_an_answer_lacks(text: str, lacks: set[str]) -> None:
    assert {part for part, has in asdict(look_at(text)).items() if not has} == lacks


def test_answers_of_the_sandbox_rank_as_they_were_meant() -> None:
    """Solved ones say what was done, interim ones that somebody will: that shows in the mean."""
    texts = Texts(5, load_vocabulary())

    def mean(final: bool, solved: bool) -> float:
        seen = [asdict(look_at(texts.answer(n, final, solved, "Город"))) for n in range(200)]
        return sum(sum(parts.values()) for parts in seen) / 200

    assert mean(True, True) > mean(True, False) > mean(False, False)


def keys(likenesses: Likenesses, answers: list[tuple[str, datetime]]) -> list[tuple[str, bool]]:
    told = []
    for text, answered_at in answers:
        words = likenesses.words(text)
        assert words is not None
        told.append(likenesses.key_of(words, answered_at))
    return told


def test_a_template_has_one_key_whatever_names_and_numbers_it_is_given() -> None:
    own = [
        GOOD.replace("12 марта", f"{n} апреля").replace("Анна", name)
        for n, name in enumerate(("Ольга", "Пётр") * 5)
    ]
    other = "Ваше обращение передано в управляющую компанию, срок ремонта крыши сообщим до пятницы."
    told = keys(Likenesses(), [(text, MARCH) for text in (*own, other)])
    assert len({key for key, _ in told[:-1]}) == 1
    assert told[-1][0] != told[0][0]
    assert [is_kept for _, is_kept in told] == [True, *[False] * 9, True]


def test_a_template_in_use_is_not_lost_sight_of_and_one_at_rest_begins_anew() -> None:
    often = [(GOOD, MARCH + timedelta(days=day)) for day in range(0, 120, 5)]
    likenesses = Likenesses()
    told = keys(likenesses, often)
    assert len({key for key, _ in told}) == 1
    assert 1 < sum(is_kept for _, is_kept in told) <= 120 / RENEWED.days + 1
    later = often[-1][1] + REACH + timedelta(days=1)
    # Changed words after a month without one: nothing to compare with.
    assert keys(likenesses, [(GOOD.replace("снег", "мусор"), later)])[0][0] != told[0][0]


def test_what_was_forgotten_is_not_compared_with() -> None:
    likenesses = Likenesses()
    changed = GOOD.replace("наледь", "лёд")
    ((first, _),) = keys(likenesses, [(GOOD, MARCH)])
    likenesses.forget_before(MARCH)
    assert keys(likenesses, [(changed, MARCH)]) == [(first, False)]
    likenesses.forget_before(MARCH + timedelta(seconds=1))
    ((second, is_kept),) = keys(likenesses, [(changed, MARCH)])
    assert second != first
    assert is_kept
    assert keys(likenesses, [(GOOD, MARCH)]) == [(second, False)], "what came after it is still known"


def test_a_sketch_holds_letters_alone_and_too_few_words_none() -> None:
    likenesses = Likenesses()
    words = likenesses.words(GOOD)
    assert words is not None
    sketch = likenesses.sketch(words)
    assert sketch.isalpha()
    assert len(sketch) == 24 * BAND
    assert likenesses.words("Передано в работу.") is None
