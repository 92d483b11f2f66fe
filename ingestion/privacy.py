"""Privacy at the door: people become keyed hashes and personal numbers are masked before anything lands.

`mask` is idempotent and linear in the length of the text; texts without anything suspicious pass after
one scan. Organisations (club mentions, community links, ОГРН, ИНН) stay readable: they are not people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from ingestion.pseudonyms import Pseudonyms as Pseudonyms

PHONE, EMAIL, CARD, SNILS = "‹телефон›", "‹почта›", "‹карта›", "‹СНИЛС›"
PASSPORT, LINK, PERSON, MENTION, AT = "‹паспорт›", "‹ссылка›", "‹имя›", "[mention]", "@…"

# A number does not go on in the next line: what stands there is another one.
_BLANK = r"[^\S\r\n]"
_SEPARATOR = r"(?:[^\S\r\n]|[\u200b()./\\_\-\u2010-\u2015\u2212])"
_SUSPICIOUS = re.compile(
    r"[@\[]|\d{2}|\.(?:com|ru|me)/|\bid\d|\d.?\d.?\d.?\d|соба[кч]|[({]at[)}]", re.IGNORECASE
)
# Eight digits with no more between them than separators or the word «номер»: nothing shorter is masked,
# but for town numbers, which a word announces.
_LONG_NUMBER = re.compile(r"\d(?:[\s\u200b()./\\_\-\u2010-\u2015\u2212,№NnoнНоОмМеЕрР]{0,9}\d){7}")
_ANNOUNCED = ("тел", "звон", "моб", "сот", "факс")
_JOIN = rf"(?:{_BLANK}|[\-\u2010-\u2015])?"
_CARD = re.compile(rf"(?<!\d)\d{{4}}(?:{_JOIN}\d{{4}}){{3}}(?:{_JOIN}\d{{1,3}})?(?!\d)")
_SNILS = re.compile(rf"(?<!\d)\d{{3}}{_JOIN}\d{{3}}{_JOIN}\d{{3}}{_JOIN}\d{{2}}(?!\d)")
# A number that stands in the address of a community or of what is on its wall.
_NO_ADDRESS = "".join(
    f"(?<!{before})"
    for before in (
        *("wall-", "topic-", "photo-", "video-", "album-", "clip-", "club", "public", "event"),
        *("group/", "topic/"),
    )
)
_MOBILE = re.compile(
    "(?=[+(789])(?:"  # nothing else begins one; to see that first is twice as fast
    # +7 / 8 and ten digits, of which the first is that of a code; a day, a month and a year are none
    rf"(?<!\d){_NO_ADDRESS}"
    r"(?!\d[./\-]\d{1,2}[./\-](?:19|20)\d\d(?!\d))"
    rf"(?:\+{_SEPARATOR}{{0,2}}7|[78]){_SEPARATOR}{{0,3}}[3-9](?:{_SEPARATOR}{{0,3}}\d){{9}}(?!\d)"
    rf"|\+[1-9]\d{{0,2}}(?:{_SEPARATOR}{{0,3}}\d){{8,11}}(?!\d)"  # abroad
    rf"|(?<!\d){_NO_ADDRESS}9\d{{2}}(?:{_SEPARATOR}{{0,2}}\d){{7}}(?!\d)"  # a mobile number without its 8
    rf"|\(\d{{3,5}}\)(?:{_SEPARATOR}{{0,2}}\d){{5,7}}(?!\d)"  # (34551) 2-34-56
    ")"
)
_FREE_OF_CHARGE = re.compile(r"\D*[78]\D*8\D*0\D*0")
_TOWN_PHONE = re.compile(
    r"((?<!‹)\b(?:тел|звон|позвон|дозвон|моб|сот|факс)[а-яё]*[^\d\n‹]{0,12})\d{1,3}(?:[\s\-]?\d{2}){2}(?!\d)",
    re.IGNORECASE,
)
_TOWN_NUMBER = re.compile(r"\d(?:[\s\-]?\d){4}")
_ANNOUNCED_PASSPORT = re.compile(
    rf"(?<!‹)(паспорт|серия)([^\d\n‹]{{0,12}})\d{{2}}{_BLANK}?\d{{2}}[^\d\n‹]{{0,9}}\d{{6}}(?!\d)",
    re.IGNORECASE,
)
_PASSPORT = re.compile(
    rf"(?<!\d)(?<!\d-)\d{{2}}{_BLANK}?\d{{2}}"
    rf"(?:(?:{_BLANK}|,){{0,2}}(?:№|номер|ном\.?|N|No\.?){_BLANK}{{0,2}}|{_BLANK}{{0,2}}|-)\d{{6}}"
    rf"(?!\d|{_BLANK}?(?:руб|р\.|₽|тыс))",  # in 2019 987000 roubles were spent
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[\w.+\-]{1,64}(?:@| @ )(?:[\w\-]{1,63}\.){1,8}[^\W\d_]{2,24}")
_SPELLED_EMAIL = re.compile(
    r"[A-Za-z0-9._+\-]{1,64}\s?(?:[(\[{](?:at|AT|@)[)\]}]|[(\[{]?(?:[Сс]обака|СОБАКА|[Сс]обачка)[)\]}]?)\s?"
    r"(?:[A-Za-z0-9\-]{1,63}\.){1,4}(?:ru|com|net|org|su|рф|info|me|by|kz|RU|COM)\b"
)
# Of VK's addresses those that name no person: communities, what stands on their walls, VK's own pages.
_NO_PERSON = (
    r"(?!(?:club|public|event|app|(?:wall|topic|album|photo|video|clip|market|doc)-)\d|(?:feed|search)\b)"
)
_BRACKET_PERSON = re.compile(
    rf"\[(?:id\d|https?://(?:m\.)?vk\.(?:com|ru)/{_NO_PERSON})[^|\]\n]{{0,64}}\|[^\]\n]{{0,256}}\]?"
)
_STARRED_PERSON = re.compile(r"[@*]id\d+(?:\s?\([^)\n]{0,64}\))?", re.IGNORECASE)
_AT_NAME = re.compile(r"@(?!(?:club|public|event)\d)\w[\w.]{0,63}", re.IGNORECASE)
_BARE_ID = re.compile(r"\bid\d{2,}\b", re.IGNORECASE)
_LINK = re.compile(
    r"(?:https?://)?(?:www\.|m\.)?"
    rf"(?:(?:vk\.com|vk\.ru|vkontakte\.ru)/{_NO_PERSON}"
    r"|(?:t|telegram)\.me/|(?:wa|viber)\.me/|api\.whatsapp\.com/|max\.ru/(?:u|id)/?"
    r"|(?:ok|odnoklassniki)\.ru/profile/|instagram\.com/|facebook\.com/)"
    r"[^\s\]\[|<>\"'«»‹›,;)]+",
    re.IGNORECASE,
)
_FULL_NAME = re.compile(
    r"\b[А-ЯЁ][а-яё\-]+\s+[А-ЯЁ][а-яё]+\s+[А-ЯЁ][а-яё]+(?:вич|вна|чна|ьич)\w{0,2}\b"
    r"|\b[А-ЯЁ][а-яё\-]+\s+[А-ЯЁ]\.\s?[А-ЯЁ]\.|\b[А-ЯЁ]\.\s?[А-ЯЁ]\.\s?[А-ЯЁ][а-яё\-]+"
)


def clean(text: str) -> str:
    """Drop NUL bytes and lone surrogates, which neither Arrow nor DuckDB can hold."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
    return text


def mask(text: str) -> str:
    """The text with everything that identifies a person replaced by tokens such as ‹телефон›."""
    text = clean(text)
    if not _SUSPICIOUS.search(text):
        return text
    low = text.lower()
    if "[" in text:
        text = _BRACKET_PERSON.sub(MENTION, text)
    if ".com/" in low or ".ru/" in low or ".me/" in low:
        text = _LINK.sub(LINK, text)
    if "соба" in low or "at" in low:
        text = _SPELLED_EMAIL.sub(EMAIL, text)
    if "@" in text or "*" in text:
        text = _EMAIL.sub(EMAIL, text)
        text = _STARRED_PERSON.sub(AT, text)
        text = _AT_NAME.sub(AT, text)
    if "id" in low:
        text = _BARE_ID.sub(PERSON, text)
    if found := _LONG_NUMBER.search(text):
        # Nothing before the first long number can be one; only words that say what it is may belong to it.
        cut = max(0, found.start() - 24)
        text = text[:cut] + _mask_numbers(text[cut:])
    if any(word in low for word in _ANNOUNCED) and _TOWN_NUMBER.search(text):
        text = _TOWN_PHONE.sub(rf"\1{PHONE}", text)
    return text


def mask_optional(text: str | None) -> str | None:
    """`mask` for values that may be absent; an empty text stays null."""
    return mask(text) if text else None


def mask_names(text: str | None) -> str | None:
    """`mask`, and persons' full names as well: for fields where a name may stand for an office."""
    return _FULL_NAME.sub(PERSON, mask(text)) if text else None


def safe_payload(record: Mapping[str, Any], keep: Collection[str]) -> str:
    """The fields in `keep`, at any depth, as JSON with every text masked; all else is dropped."""
    return json.dumps(_safe(record, frozenset(keep)), ensure_ascii=False, sort_keys=True)


def _safe(value: Any, keep: frozenset[str]) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {str(key): _safe(item, keep) for key, item in value.items() if key in keep}
    if isinstance(value, list | tuple):
        return [_safe(item, keep) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, float) and value != value:
        return None
    return value if value is None or isinstance(value, bool | int | float) else type(value).__name__


def _mask_numbers(text: str) -> str:
    text = _CARD.sub(_card, text)
    text = _SNILS.sub(_snils, text)
    text = _ANNOUNCED_PASSPORT.sub(rf"\1\2{PASSPORT}", text)
    text = _MOBILE.sub(_phone, text)
    return _PASSPORT.sub(_passport, text)


def _digits(text: str) -> list[int]:
    return [int(character) for character in text if character.isdecimal()]


def _phone(match: re.Match[str]) -> str:
    # 8-800 is free of charge for whoever calls: an organisation's line.
    return match[0] if _FREE_OF_CHARGE.match(match[0]) else PHONE


def _card(match: re.Match[str]) -> str:
    digits = _digits(match[0])
    if _luhn(digits):
        return CARD
    if len(digits) > 16 and _luhn(digits[:16]):  # a number that merely follows the card
        return CARD + " " + "".join(map(str, digits[16:]))
    return match[0]


def _luhn(digits: list[int]) -> bool:
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _snils(match: re.Match[str]) -> str:
    digits = _digits(match[0])
    control = sum(digit * (9 - place) for place, digit in enumerate(digits[:9])) % 101 % 100
    return SNILS if control == digits[9] * 10 + digits[10] else match[0]


def _passport(match: re.Match[str]) -> str:
    # Ten digits in one piece may be an organisation's ИНН, which its check digit tells.
    return match[0] if match[0].isdecimal() and _is_inn(_digits(match[0])) else PASSPORT


def _is_inn(digits: list[int]) -> bool:
    weights = (2, 4, 10, 3, 5, 9, 4, 6, 8)
    return sum(w * d for w, d in zip(weights, digits, strict=False)) % 11 % 10 == digits[9]
