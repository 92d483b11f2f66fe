"""Copies: edited, shortened and re-ordered ones are found, other people's troubles are not joined."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from labels.copies import CROWD, Message, find_copies

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


def message(
    key: str,
    text: str,
    author: str | None = None,
    channel: str = "vk",
    place: str | None = "town",
    hours: float = 0,
) -> Message:
    at = NOON + timedelta(hours=hours)
    return Message(key, channel, text, at, at.date(), author, place)


@pytest.mark.parametrize(
    "copy", [LETTER, EDITED, SHORTENED, REORDERED], ids=["same", "edited", "short", "order"]
)
def test_one_person_in_two_channels_is_one(copy: str) -> None:
    told = [
        message("a", LETTER),
        message("b", copy, channel="telegram", hours=2),
        message("c", OTHER, hours=1),
    ]
    found = find_copies(told)
    assert set(found) == {"b"}
    assert (found["b"].duplicate_of, found["b"].campaign_id) == ("a", None)
    assert find_copies(told[::-1]) == found


@pytest.mark.parametrize("copy", [EDITED, SHORTENED, REORDERED], ids=["edited", "short", "order"])
def test_the_same_author_within_a_week_is_one_wherever_he_writes(copy: str) -> None:
    told = [message("a", LETTER, "me"), message("b", copy, "me", place=None, hours=100)]
    assert find_copies(told)["b"].duplicate_of == "a"
    assert find_copies([told[0], message("b", copy, "me", hours=200)]) == {}


def test_like_words_alone_make_nobody_the_same() -> None:
    """Neighbours copy each other: another person, another place or another day is another message."""
    first = message("a", LETTER, "me")
    assert find_copies([first, message("b", LETTER, "you", hours=1)]) == {}
    assert find_copies([first, message("b", LETTER, "you", "telegram", place="north", hours=1)]) == {}
    assert find_copies([first, message("b", LETTER, "you", "telegram", place=None, hours=1)]) == {}
    assert find_copies([first, message("b", LETTER, "you", "telegram", hours=30)]) == {}


def test_a_crowd_with_one_template_is_a_campaign_and_stays_many() -> None:
    variants = (LETTER, EDITED, SHORTENED, REORDERED)
    told = [
        message(f"m{n}", variants[n % 4], f"p{n}", ("vk", "telegram")[n % 2], hours=n) for n in range(CROWD)
    ]
    found = find_copies([*told, message("x", OTHER, "px")])
    assert set(found) == {one.key for one in told}
    assert {copy.campaign_id for copy in found.values()} == {"m0"}
    assert {copy.duplicate_of for copy in found.values()} == {None}
    again = find_copies([*told, message("again", LETTER, "p3", hours=9)])
    assert (again["again"].duplicate_of, again["again"].campaign_id) == ("m3", "m0")
    fewer = find_copies(told[1:])
    assert {copy.campaign_id for copy in fewer.values()} == {None}, "one person less is no crowd"


def test_two_authors_of_one_channel_are_never_one_person() -> None:
    told = [message("a", LETTER, "me"), message("b", LETTER, "them", "telegram", hours=1)]
    told.append(message("c", LETTER, "you", "telegram", hours=2))
    found = find_copies(told)
    assert set(found) == {"b"}
    assert found["b"].duplicate_of == "a"


def test_short_texts_are_never_copies() -> None:
    told = [message(str(n), "Нет света!", f"p{n}", ("vk", "ok")[n % 2]) for n in range(20)]
    assert find_copies(told) == {}


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
    told = [message(f"o{n}", " ".join(letter), f"p{n}", hours=n / 100) for n, letter in enumerate(letters)]
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
        told.append(message(f"c{n}", text, f"p{n}", hours=5))
    found = find_copies(told)
    right = {key for key, copy in found.items() if key[0] == "c" and copy.duplicate_of == f"o{key[1:]}"}
    assert len(right) >= 88
    assert set(found) == right
