"""Cleaning: what goes, what stays, and what holds of every text."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labels.clean import clean

PIECES = st.one_of(
    st.sampled_from(
        [
            "<br>",
            "<",
            ">",
            "&lt;",
            "&amp;",
            "amp;",
            "lt;",
            "++",
            "+",
            "[id1|Имя]",
            "[",
            "]",
            "|",
            "@x",
            "*id5",
            "https://",
            "vk.com/",
            "w",
        ]
    ),
    st.sampled_from([".ru/", "ооо", "o", "Koгда", "😡", "…", "‹телефон›", "!!!!!", "ё", "½"]),
    st.sampled_from(["\n", "> ", "\u200b", "\u0301"]),
)
MESSY = st.one_of(st.text(), st.lists(PIECES | st.text(max_size=3), max_size=12).map("".join))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Здравствуйте!<br/>Дорога <b>вся</b> в ямах", "Здравствуйте!\nДорога вся в ямах"),
        ("&amp;lt;br&amp;gt;Нет&nbsp;света", "Нет света"),
        ("при t < 18 и > 5 градусов", "при t < 18 и > 5 градусов"),
        ("[id123|Иван], поддерживаю ++", "поддерживаю"),
        ("[mention], @sosed77 когда уже?????", "когда уже???"),
        ("> мы всё убрали\nНичего не убрали", "Ничего не убрали"),
        ("&gt; цитата<br>ответ", "ответ"),
        ("Koгдa пpиeдут c пpовepкoй?", "Когда приедут с проверкой?"),
        ("Автобус MAN и vitamin C", "Автобус MAN и vitamin С"),
        ("ооочень дооолго 😡😡 ❄️", "очень долго"),
        ("см. https://vk.com/wall-1_2 и vk.com/club1", "см. и"),
        ("Звоните ‹телефон›, ждём", "Звоните , ждём"),
        ("по\u00adсёлок\u200b", "посёлок"),
        ("++", ""),
    ],
)
def test_what_goes_and_what_stays(text: str, words: str) -> None:
    assert clean(text) == words


@given(MESSY)
@settings(max_examples=300, deadline=None)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(MESSY)
@settings(max_examples=200, deadline=None)
def test_no_markup_mention_picture_or_invisible_letter_is_left(text: str) -> None:
    cleaned = clean(text)
    left = r"<br>|\[id\d+\|[^\]\n]*\]|https?://\S|‹[^›\n]{1,20}›|\+\+|\u200b|[^\S\n]{2}|\n\n"
    assert not re.search(left, cleaned)
    assert not any(unicodedata.category(letter) in ("So", "Cs") for letter in cleaned if letter > "\u2000")
    assert cleaned == cleaned.strip()


@given(st.lists(st.sampled_from(["дорога", "Ямы", "свет", "вода", "ЖКХ", "лифт"]), min_size=1, max_size=8))
def test_plain_words_stay_as_they_are(words: list[str]) -> None:
    assert clean(" ".join(words)) == " ".join(words)


@given(st.text(alphabet="асеорхуАВСЕНКМОРТХдж", min_size=2, max_size=12), st.randoms(use_true_random=False))
def test_latin_twins_become_the_letters_they_look_like(word: str, draw: object) -> None:
    plain = f"ж{word}"
    twins = dict(zip("асеорхуАВСЕНКМОРТХ", "aceopxyABCEHKMOPTX", strict=True))
    mixed = "".join(
        twins.get(letter, letter) if draw.random() < 0.5 else letter  # type: ignore[attr-defined]
        for letter in plain
    )
    assert clean(mixed) == clean(plain)
