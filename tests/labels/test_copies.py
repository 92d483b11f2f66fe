"""Copies: edited, shortened and re-ordered ones are found, other people's troubles are not joined."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from labels.copies import WINDOW, Message, Reader, clusters, name_of, neighbours, numbers_of

NOON = datetime(2026, 3, 5, 5)
LETTER = (
    "Здравствуйте! Во дворе дома по улице Лесной третью неделю не вывозят мусор. Контейнеры переполнены, "
    "пакеты разносит ветром по детской площадке. Управляющая компания на звонки не отвечает. Просим вас "
    "разобраться и прислать машину до выходных."
)
EDITED = (
    LETTER.replace("третью", "четвёртую").replace("Здравствуйте!", "Добрый день!<br>").replace("вас", "Вac")
)
SHORTENED = ". ".join(LETTER.split(". ")[:3]) + "."
REORDERED = ". ".join([LETTER.split(". ")[place].rstrip(".") for place in (2, 0, 3, 1)])
OTHER = (
    "Здравствуйте! Во дворе дома по улице Садовой не горят фонари. Вечером страшно выходить, дети падают. "
    "Управляющая компания говорит, что лампы заказаны. Когда их привезут и кто за это отвечает?"
)


def message(key: str, text: str, hours: float = 0) -> Message:
    return Message(key, text, NOON + timedelta(hours=hours))


def keys(told: list[Message]) -> set[frozenset[str]]:
    """The clusters, by the keys of their messages."""
    return {frozenset(one.key for one in cluster) for cluster in clusters(told)}


@pytest.mark.parametrize(
    "copy", [LETTER, EDITED, SHORTENED, REORDERED], ids=["same", "edited", "short", "order"]
)
def test_a_copy_is_found_however_it_was_changed(copy: str) -> None:
    told = [message("a", LETTER), message("b", copy, 2), message("c", OTHER, 1)]
    assert keys(told) == keys(told[::-1]) == {frozenset("ab")}
    assert neighbours({"b"}, told) == {"b": {"a"}}
    assert neighbours({"a", "b"}, told) == {"a": {"b"}, "b": {"a"}}
    assert neighbours({"c"}, told) == {}


def test_few_new_texts_find_what_many_would() -> None:
    variants = (LETTER, EDITED, SHORTENED, REORDERED, OTHER)
    told = [message(str(n), f"{variants[n % 5]} {'Очень ждём ответа. ' * (n % 4)}", n) for n in range(40)]
    many = neighbours({str(n) for n in range(30)}, told)
    for n in range(30):
        assert neighbours({str(n)}, told).get(str(n)) == many.get(str(n))


def test_after_a_week_of_silence_the_same_words_are_new_ones() -> None:
    week = WINDOW.total_seconds() / 3600
    assert keys([message("a", LETTER), message("b", LETTER, week)]) == {frozenset("ab")}
    assert keys([message("a", LETTER), message("b", LETTER, week + 0.1)]) == set()
    assert keys([message("a", LETTER), message("b", EDITED, week + 0.1)]) == set()
    # Somebody in between keeps them together, in whatever words.
    between = [message("a", LETTER), message("b", LETTER, 2 * week), message("m", REORDERED, week)]
    assert keys(between) == {frozenset("abm")}


def test_a_cluster_is_called_after_its_first_message_and_names_nobody() -> None:
    reader = Reader()
    (cluster,) = clusters([message("b", EDITED, 1), message("secret", LETTER), message("c", LETTER, 2)])
    name = name_of(cluster, reader)
    assert [one.key for one in cluster] == ["secret", "b", "c"]
    assert name.startswith("20260305-")
    assert name == name_of([message("other", LETTER)], Reader()), "by day and words alone"
    assert name != name_of([message("other", LETTER, 24)], reader)


def test_what_was_read_is_forgotten_with_its_message() -> None:
    reader = Reader()
    told = [message("a", LETTER), message("b", EDITED), message("c", OTHER)]
    first = clusters(told, reader)
    reader.keep({OTHER})
    assert reader.words(OTHER)
    assert clusters(told, reader) == first


def test_the_same_words_about_another_house_are_told_apart_by_their_numbers() -> None:
    """A crowd's template carries everybody's own address; one person's copies carry the same."""
    told = [message("a", f"{LETTER} Дом 91, кв. 5."), message("b", f"{EDITED} Дом 76, кв. 5.", 1)]
    assert keys(told) == {frozenset("ab")}
    first, second = (numbers_of(one.text) for one in told)
    assert first != second
    assert numbers_of(f"Кв. 5 дома 91! <b>{LETTER}</b>") == first
    assert numbers_of("Дом девяносто один") == numbers_of("")


def test_a_sentence_in_common_is_no_copy() -> None:
    said = "Хоть бы раз из кабинета вышли"
    told = [message("a", f"Просел люк по адресу Чехова, 89а. {said}."), message("c", f"Добрый день! {said}!")]
    told += [message("b", f"Напротив дома 36а на улице Пушкина парковка вместо газона. {said}.")]
    assert keys(told) == set()


def test_short_texts_are_never_copies() -> None:
    assert keys([message(str(n), "Нет света!") for n in range(20)]) == set()


def test_copies_among_many_messages_are_found_and_little_else() -> None:
    """300 letters of random sentences over one vocabulary, 90 of them copied with changes."""
    draw = random.Random(4)
    stock = sorted({word.strip(".,!?").lower() for word in (LETTER + OTHER).split()})
    stock += [
        f"{start}{end}" for start in ("труб", "дорог", "ламп", "крыш") for end in ("а", "ы", "у", "ами")
    ]

    def sentence() -> str:
        return " ".join(draw.choices(stock, k=8)).capitalize() + "."

    letters = [[sentence() for _ in range(draw.randint(3, 6))] for _ in range(300)]
    told = [message(f"o{n}", " ".join(letter), n / 100) for n, letter in enumerate(letters)]
    for n, letter in enumerate(letters[:90]):
        kind = n % 3
        if kind == 0:
            words = " ".join(letter).split()
            words[draw.randrange(len(words))] = "иначе"
            text = " ".join(words)
        elif kind == 1:
            text = " ".join(letter[:-1])
        else:
            text = " ".join(draw.sample(letter, len(letter)))
        told.append(message(f"c{n}", text, 5))
    found = keys(told)
    assert found <= {frozenset((f"o{n}", f"c{n}")) for n in range(90)}
    assert len(found) >= 88
