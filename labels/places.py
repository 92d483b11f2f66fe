"""Which territory a text names, in whatever case: «в Ишиме», «под Тобольском», «на Республики 142».

Names and streets are the region's own. What the text leaves open is left open: two territories, or a name
that several bear, give none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from labels.clean import clean
from labels.words import analyser, word

_TOKEN = re.compile(r"[А-ЯЁа-яё]+(?:-[А-ЯЁа-яё]+)*|\d+|[.!?\n]")
# What a place is: it may stand before or after the name, and is no part of it.
_SETTLEMENTS = frozenset(
    (
        "г",
        "гор",
        "город",
        "го",
        "мо",
        "мр",
        "п",
        "пос",
        "поселок",
        "пгт",
        "рп",
        "с",
        "село",
        "д",
        "дер",
        "деревня",
        "станица",
        "аул",
        "хутор",
    )
)
_UNITS = frozenset(["район", "округ", "улус", "кожуун"])
_UNIT_SHORT = {"р-н": "район", "р-не": "районе", "р-на": "района", "р-ну": "району", "окр": "округ"}
_STREETS = frozenset(
    (
        "ул",
        "улица",
        "проспект",
        "пр",
        "пр-т",
        "пр-кт",
        "переулок",
        "пер",
        "бульвар",
        "б-р",
        "шоссе",
        "площадь",
        "пл",
        "проезд",
    )
)
_ADJECTIVE_ENDINGS = ("ий", "ый", "ой", "ая", "ое")


@dataclass(frozen=True)
class Place:
    """A name of a territory, or of a street that lies in it."""

    territory_id: str
    name: str
    is_street: bool = False


@dataclass(frozen=True)
class _Known:
    forms: tuple[frozenset[str], ...]
    territory_id: str
    is_street: bool
    needs_unit: bool  # «Северный» alone is an adjective; «Северный район» is a place


def _plain(word: str) -> str:
    return word.lower().replace("ё", "е")


@lru_cache(maxsize=100_000)
def _forms(word: str) -> frozenset[str]:
    """All forms of a word, in each way it can be read."""
    readings = (parse for parse in analyser().parse(word) if parse.tag.grammemes & {"NOUN", "ADJF"})
    return frozenset({word}.union(form.word.replace("ё", "е") for parse in readings for form in parse.lexeme))


@dataclass
class Gazetteer:
    """Names by every form of their first word."""

    _by_word: dict[str, list[_Known]] = field(default_factory=dict)

    @classmethod
    def of(cls, places: Iterable[Place]) -> Gazetteer:
        made = cls()
        for place in dict.fromkeys(places):
            words = [_UNIT_SHORT.get(_plain(word), _plain(word)) for word in _TOKEN.findall(place.name)]
            words = [word for word in words if word.isalpha() or "-" in word]
            while len(words) > 1 and words[0] in (_STREETS if place.is_street else _SETTLEMENTS):
                words = words[1:]
            if not words or len("".join(words)) < 3:
                continue
            forms = tuple(_fixed(word) if place.is_street else _forms(word) for word in words)
            adjective = len(words) == 1 and words[0].endswith(_ADJECTIVE_ENDINGS) and not place.is_street
            known = _Known(forms, place.territory_id, place.is_street, adjective)
            for form in forms[0]:
                made._by_word.setdefault(form, []).append(known)
        return made

    def find(self, text: str) -> str | None:
        """The one territory that a message names, or None."""
        words = _TOKEN.findall(clean(text))
        plain = [_UNIT_SHORT.get(_plain(word), _plain(word)) for word in words]
        found: list[tuple[int, int, _Known]] = []
        for start, first in enumerate(plain):
            for known in self._by_word.get(first, ()):
                end = start + len(known.forms)
                fits = all(here in forms for here, forms in zip(plain[start:end], known.forms, strict=False))
                if fits and end <= len(plain) and _is_name(words, plain, start, end, known):
                    found.append((start, end, known))
        longest = [
            (start, end, known)
            for start, end, known in found
            if not any(s <= start and end <= e and e - s > end - start for s, e, _ in found)
        ]
        towns = {known.territory_id for _, _, known in longest if not known.is_street}
        streets = {known.territory_id for _, _, known in longest if known.is_street}
        if towns:
            # A street that several towns have is told by the town that is named beside it.
            return next(iter(towns)) if len(towns) == 1 else None
        return next(iter(streets)) if len(streets) == 1 else None


def _fixed(word: str) -> frozenset[str]:
    """Streets named after somebody stay as they are, those named by adjectives are inflected."""
    return _forms(word) if word.endswith(_ADJECTIVE_ENDINGS) else frozenset({word})


def _is_street_word(form: str) -> bool:
    return form in _STREETS or word(form).lemma in _STREETS


def _is_name(words: Sequence[str], plain: Sequence[str], start: int, end: int, known: _Known) -> bool:
    before = [word for word in plain[max(0, start - 2) : start] if word != "."]
    after = plain[end] if end < len(plain) else ""
    if known.is_street:
        announced = bool(before) and _is_street_word(before[-1])
        return announced or (words[start][0].isupper() and after.isdigit())
    if known.needs_unit:
        return any(after in _forms(unit) for unit in _UNITS)
    if len(known.forms) > 1:
        return True
    if before and _is_street_word(before[-1]):
        return False  # «на улице Тобольской» is no Tobolsk
    # A town's name is written with a capital, or all in small letters after «г.».
    return words[start][0].isupper() or (bool(before) and before[-1] in _SETTLEMENTS)
