"""What can be seen in an answer of an authority, and which answers say the same.

Points for each of the parts are a seed (answer_quality_weights.csv), and facts.int_answer_scores adds them
up. The score describes a text; whether a trouble was mended is told by the citizen's mark and by the next
complaint.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from labels.clean import clean
from labels.copies import Reader, Words, is_copy
from labels.words import analyser, lemmas, tokens

FEWEST_WORDS = 25
FEWEST_COMPARED = 4  # of fewer words, only the same ones are alike
REACH = timedelta(days=31)
RENEWED = timedelta(days=7)
BAND = 8  # letters of a sketch
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_MONTHS = "январ|феврал|март|апрел|ма[йя]|июн|июл|август|сентябр|октябр|ноябр|декабр"
_DATE = re.compile(
    rf"\b\d{{1,2}}[./]\d{{1,2}}(?:[./]\d{{2,4}})?\b|\b\d{{1,2}}\s+(?:{_MONTHS})|\bв\s+(?:{_MONTHS})"
    r"|\b(?:до|в|к)\s+(?:конц[ае]|начал[ае])\s|\bв течение\s+\d+|\b(?:сегодня|завтра|вчера)\b"
    r"|\b(?:[1-4]\s*|(?:I|II|III|IV)\s+)квартал"
    r"|\b20\d\d\s*(?:г\.|год)",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"\b(?:обратитесь|обращайтесь|(?:необходимо|следует|рекомендуем|просим|можете|нужно)\s+(?:\w+\s+)?обратиться)\b"
    r"|\b(?:позвоните|звоните|направьте|подайте)\b|\bне относится к (?:нашей )?(?:компетенции|полномочиям)",
    re.IGNORECASE,
)
_INTERIM = re.compile(
    r"\b(?:передан[аоы]?|передали|направлен[аоы]?|направили|зарегистрирован[аоы]?)\b"
    r"|\bпринят[аоы]? (?:в работу|к сведению)\b"
    r"|\b(?:ответим|сообщим|ответ будет|взят[аоы]? (?:в работу|на контроль))\b",
    re.IGNORECASE,
)
# What was done, not what was said about it.
_DEEDS = frozenset(
    lemma
    for words in (
        "устранить отремонтировать убрать очистить заменить восстановить выполнить провести вывезти",
        "установить починить ликвидировать завершить подключить закрыть засыпать выплатить назначить",
        "пересчитать обрезать отключить запустить отогреть покрасить заделать расчистить включить",
        "сделать построить демонтировать",
    )
    for lemma in words.split()
)


@dataclass(frozen=True)
class Features:
    """What can be seen in an answer. The names are parts of the weights."""

    long_enough: bool
    names_a_date: bool
    names_a_deed: bool
    not_sent_elsewhere: bool
    not_interim: bool


def look_at(text: str) -> Features:
    """What an answer has; one without words has nothing."""
    words = clean(text)
    if not words:
        return Features(False, False, False, False, False)
    deed = _names_a_deed(words)
    return Features(
        long_enough=len(tokens(words)) >= FEWEST_WORDS,
        names_a_date=bool(_DATE.search(words)),
        names_a_deed=deed,
        not_sent_elsewhere=not _ELSEWHERE.search(words),
        # «Передали подрядчику, тот всё убрал» is the last word after all.
        not_interim=deed or not _INTERIM.search(words),
    )


@dataclass(frozen=True)
class Like:
    """An answer that later ones are compared with."""

    key: str
    words: Words
    answered_at: datetime


class Likenesses:
    """Answers that say the same share a key: that of the first that is still compared with.

    An answer is compared with those given at most REACH before or after it. So that a template in use is
    never lost sight of, every RENEWED one of its answers is kept to compare with. Answers have to be told in
    an order that does not change; keys hang on it.
    """

    def __init__(self) -> None:
        self._reader = Reader(FEWEST_COMPARED, with_numbers=False)
        self._known: list[Like] = []
        self._standing: set[Like] = set()
        self._by_band: dict[str, list[int]] = defaultdict(list)
        self._forgotten = 0

    def words(self, text: str) -> Words | None:
        """What an answer is compared by; None where it has too few words."""
        return self._reader.words(text)

    def sketch(self, words: Words) -> str:
        """BANDS times BAND letters; answers that agree in none of the bands are not alike."""
        marks = (zlib.crc32(bytes([place]) + band) for place, band in enumerate(self._reader.bands(words)))
        # Letters alone: among as many digits, any telephone number can be found.
        return "".join(f"{mark:08x}" for mark in marks).translate(_LETTERS)

    def add(self, like: Like) -> None:
        """Compare later answers with this one; what was added before is not again."""
        if like in self._standing:
            return
        self._standing.add(like)
        for band in self._bands(like.words):
            self._by_band[band].append(self._forgotten + len(self._known))
        self._known.append(like)

    def key_of(self, words: Words, answered_at: datetime) -> tuple[str, bool]:
        """The answer's key, and whether it is one to compare later ones with; such a one is added."""
        places = {place for band in self._bands(words) for place in self._by_band.get(band, ())}
        alike = [
            one
            for one in (self._known[place - self._forgotten] for place in sorted(places))
            if abs(one.answered_at - answered_at) <= REACH and is_copy(words, one.words)
        ]
        first = min(alike, key=lambda one: (one.answered_at, one.key), default=None)
        key = first.key if first else _digest(words)
        is_kept = not any(one.key == key and abs(one.answered_at - answered_at) <= RENEWED for one in alike)
        if is_kept:
            self.add(Like(key, words, answered_at))
        return key, is_kept

    def forget_before(self, moment: datetime) -> None:
        """Nothing that was added before the first one given later than `moment` is compared with any more."""
        gone = next(
            (place for place, one in enumerate(self._known) if one.answered_at >= moment), len(self._known)
        )
        self._known, self._forgotten = self._known[gone:], self._forgotten + gone
        self._standing = set(self._known)
        for band, places in list(self._by_band.items()):
            kept = [place for place in places if place >= self._forgotten]
            if kept:
                self._by_band[band] = kept
            else:
                del self._by_band[band]
        self._reader.keep(())

    def _bands(self, words: Words) -> Iterator[str]:
        sketch = self.sketch(words)
        return (sketch[start : start + BAND] for start in range(0, len(sketch), BAND))


def _digest(words: Words) -> str:
    """Names a template by its words: no person and no answer stands in it."""
    return hashlib.sha256(repr(sorted(words)).encode()).hexdigest()[:16]


def _names_a_deed(words: str) -> bool:
    """A deed in the past: «убрали», «заменена»; «уберём» and «убирают» are none yet."""
    forms = tokens(words)
    return any(lemma in _DEEDS and _is_past(form) for form, lemma in zip(forms, lemmas(words), strict=True))


def _is_past(form: str) -> bool:
    tag = analyser().parse(form)[0].tag
    return "past" in tag.grammemes and "perf" in tag.grammemes
