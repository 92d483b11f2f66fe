"""Nothing that identifies a person passes the door; what names an organisation does."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from ingestion.privacy import Pseudonyms, clean, mask, mask_names, safe_payload


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Звоните +7 912 345-67-89!", "Звоните ‹телефон›!"),
        ("8(912)345 67 89", "‹телефон›"),
        ("кв 5 89123456789 срочно", "кв 5 ‹телефон› срочно"),
        ("9123456789", "‹телефон›"),
        ("+7\u00a0(912)\u00a0345\u201167\u201189", "‹телефон›"),
        ("8 9 1 2 3 4 5 6 7 8 9", "‹телефон›"),
        ("офис (3452) 12-34-56", "офис ‹телефон›"),
        ("тел.: 2-34-56", "тел.: ‹телефон›"),
        ("ivan.petrov+x@mail.example.ru пишет", "‹почта› пишет"),
        ("Карта 2202 2002 2002 2006", "Карта ‹карта›"),
        ("карта 4111111111111111 и ещё", "карта ‹карта› и ещё"),
        ("СНИЛС 112-233-445 95", "СНИЛС ‹СНИЛС›"),
        ("паспорт 71 04 123456", "паспорт ‹паспорт›"),
        ("паспорт 7104 № 123456 выдан", "паспорт ‹паспорт› выдан"),
        ("[id123456|Иван Петров], спасибо", "[mention], спасибо"),
        ("[id7:bp-1_2|Анна] да", "[mention] да"),
        ("@id123 (Иван) и @ivan_petrov", "@… и @…"),
        ("пишите vk.com/id123456 или https://vk.com/ivan.petrov", "пишите ‹ссылка› или ‹ссылка›"),
        ("vk.com/clubnika_ivanova и vk.com/wall55_7", "‹ссылка› и ‹ссылка›"),
        ("https://t.me/ivanpetrov, ok.ru/profile/5551", "‹ссылка›, ‹ссылка›"),
    ],
)
def test_people_are_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "Ленина, 5, кв. 12, 16.11.2020 в 09:31",
        "[club123|Управа Озёрска], ответьте",
        "@club123 спасибо",
        "https://vk.com/club123 и vk.com/wall-12_34 и vk.com/public55",
        "https://ok.ru/group/55 и https://pos.gosuslugi.ru/form/?opaId=24&utm_campaign=1027200000001",
        "ОГРН 1027200000001, ИНН 7202000006",
        "Номер заявки 4567812 от 12.05.2021",
        "счёт на 1 250 000 рублей за 2020-2021 годы",
        "Ждём 10 дней 😡 100% ужас",
        "СНиП 23-05-95, ГОСТ 12.1.004-91",
    ],
)
def test_organisations_and_numbers_of_things_stay(text: str) -> None:
    assert mask(text) == text


def test_names_are_masked_where_an_office_may_be_a_person() -> None:
    assert mask_names("Петрова Анна Сергеевна, МКУ «Чистый город»") == "‹имя›, МКУ «Чистый город»"
    assert mask_names("Иванов И.И.") == "‹имя›"
    assert mask_names("Администрация города Озёрска") == "Администрация города Озёрска"
    assert mask_names(None) is None


@settings(max_examples=300, deadline=None)
@given(st.text())
@example("[id1|[id2|x]]")
@example("8" * 5000)
@example("a." * 3000 + "@")
def test_mask_is_idempotent_and_landable(text: str) -> None:
    masked = mask(text)
    assert mask(masked) == masked
    assert "\x00" not in masked
    masked.encode()


_DIGITS = st.text("0123456789", min_size=9, max_size=9)
_SEPARATORS = st.sampled_from(["", " ", "-", "\u00a0", ") ", ".", " - "])


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["+7", "8", "7"]),
    _DIGITS,
    st.lists(_SEPARATORS, min_size=4, max_size=4),
    st.text("абв ,!"),
)
def test_no_russian_mobile_survives(prefix: str, digits: str, separators: list[str], around: str) -> None:
    a, b, c, d = separators
    number = f"{prefix}{a}9{digits[:2]}{b}{digits[2:5]}{c}{digits[5:7]}{d}{digits[7:]}"
    left = [character for character in mask(f"{around} {number} {around}") if character.isdecimal()]
    assert len(left) < 7


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 10**9), st.text("абвгд ", min_size=1, max_size=20), st.text("эюя !", max_size=20))
def test_no_mentioned_person_survives(number: int, name: str, around: str) -> None:
    masked = mask(f"{around}[id{number}|{name}]{around}")
    assert str(number) not in masked
    assert "|" not in masked


def test_lone_surrogates_and_nul_bytes_are_cleaned() -> None:
    assert clean("a\x00b\ud800c") == "ab?c"


def test_mask_is_linear_and_fast() -> None:
    texts = [
        f"Яма на ул. Ленина, {n}, уже {n % 40} дней не убирают снег, примите меры! Писали в управу."
        for n in range(5000)
    ]
    texts += [f"Тел. 8 912 345 {n % 90 + 10} 67, [id{n}|Иван]" for n in range(500)]
    started = time.perf_counter()
    for text in texts:
        mask(text)
    assert len(texts) / (time.perf_counter() - started) > 10_000  # 30,000 on an idle machine
    started = time.perf_counter()
    for hostile in ("[id1|" * 20_000, "1 " * 50_000, "@" * 100_000, "vk.com/" * 15_000, "a" * 100_000 + "@"):
        mask(hostile)
    assert time.perf_counter() - started < 5


def test_author_keys_depend_on_key_and_namespace_only() -> None:
    one, other = Pseudonyms(SecretStr("k" * 32)), Pseudonyms(SecretStr("l" * 32))
    assert one.author_key("vk", 5) == one.author_key("vk", "5")
    assert len({one.author_key("vk", 5), one.author_key("pos", 5), other.author_key("vk", 5)}) == 3
    assert len(one.author_key("vk", 5)) == 32
    assert 0 < one.number("vk", 5) < 2**60


def test_payload_keeps_only_named_fields_at_any_depth() -> None:
    record = {
        "text": "тел 89123456789",
        "from_id": 5,
        "nested": {"id": 1, "name": "Иван"},
        "items": [{"id": 2}],
    }
    assert json.loads(safe_payload(record, {"text", "nested", "items", "id"})) == {
        "text": "тел ‹телефон›",
        "nested": {"id": 1},
        "items": [{"id": 2}],
    }
