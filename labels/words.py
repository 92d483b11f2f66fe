"""Words and their lemmas, looked up once per process and kept: texts repeat their words."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pymorphy3 import MorphAnalyzer

_WORD = re.compile(r"[а-я]+(?:-[а-я]+)*|[a-z]+|\d+")
NUMBER = "#"
NAME = "‹имя›"
_KEPT = 400_000  # words; a year of a large region has fewer forms


class Word(NamedTuple):
    """A word as features see it: its form and its lemma, both lower case and without ё."""

    form: str
    lemma: str


def tokens(text: str) -> list[str]:
    """The words and numbers of a cleaned text, lower case, without ё."""
    return _WORD.findall(text.lower().replace("ё", "е"))


@lru_cache(maxsize=1)
def analyser() -> MorphAnalyzer:
    """The dictionary of Russian forms; loading takes a third of a second."""
    from pymorphy3 import MorphAnalyzer

    return MorphAnalyzer(lang="ru")


@lru_cache(maxsize=_KEPT)
def word(form: str) -> Word:
    """Form and lemma of one token. Numbers are all alike; so are persons' names, which no model may keep."""
    if form[0].isdigit():
        return Word(NUMBER, NUMBER)
    if form[0] < "а":
        return Word(form, form)
    best = analyser().parse(form)[0]
    if len(form) > 2 and best.tag.grammemes & {"Name", "Surn", "Patr"}:
        return Word(NAME, NAME)
    return Word(form, best.normal_form.replace("ё", "е"))


def lemmas(text: str) -> list[str]:
    """The lemmas of a cleaned text, in order."""
    return [word(form).lemma for form in tokens(text)]
