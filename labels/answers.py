"""How good an answer of an authority is, 0…100: a sum of points for what it has, each of which can be seen.

The weights are a seed (answer_quality_weights.csv). The score describes a text; whether a trouble was mended
is told by the citizen's mark and by the next complaint.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from labels.clean import clean
from labels.copies import like_texts
from labels.errors import UnreadableTable
from labels.words import analyser, lemmas, tokens

FEWEST_WORDS = 25
TEMPLATE = 10  # so many like answers are a template, as in the scorecards
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
class Answer:
    """What can be seen in an answer. The names of the parts are those of the weights."""

    long_enough: bool
    names_a_date: bool
    names_a_deed: bool
    not_sent_elsewhere: bool
    not_a_template: bool
    not_interim: bool

    def quality(self, weights: Mapping[str, float]) -> float:
        """0…100; an empty text has no part and no points."""
        return sum(points for part, points in weights.items() if getattr(self, part))


def look_at(texts: Sequence[str]) -> list[Answer]:
    """Each of the answers of one authority; templates are told from what they have in common."""
    templates = {
        place for alike in like_texts(texts, fewest_words=4) if len(alike) >= TEMPLATE for place in alike
    }
    return [_look(clean(text), place in templates) for place, text in enumerate(texts)]


def read_weights(path: Path, version: int = 1) -> dict[str, float]:
    """The weights of a version, which sum to 100."""
    known = {one.name for one in fields(Answer)}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if int(row["version"]) == version]
        weights = {row["part"]: float(row["points"]) for row in rows}
    except (OSError, KeyError, ValueError) as error:
        raise UnreadableTable(f"{path} holds no weights", "give version, part, points") from error
    if weights.keys() != known or abs(sum(weights.values()) - 100) > 1e-9:
        raise UnreadableTable(
            f"The weights of version {version} in {path} are not whole",
            f"give points to {', '.join(sorted(known))}, 100 together",
        )
    return weights


def _look(words: str, is_template: bool) -> Answer:
    if not words:
        return Answer(False, False, False, False, False, False)
    deed = _names_a_deed(words)
    return Answer(
        long_enough=len(tokens(words)) >= FEWEST_WORDS,
        names_a_date=bool(_DATE.search(words)),
        names_a_deed=deed,
        not_sent_elsewhere=not _ELSEWHERE.search(words),
        not_a_template=not is_template,
        # «Передали подрядчику, тот всё убрал» is the last word after all.
        not_interim=deed or not _INTERIM.search(words),
    )


def _names_a_deed(words: str) -> bool:
    """A deed in the past: «убрали», «заменена»; «уберём» and «убирают» are none yet."""
    forms = tokens(words)
    return any(lemma in _DEEDS and _is_past(form) for form, lemma in zip(forms, lemmas(words), strict=True))


def _is_past(form: str) -> bool:
    tag = analyser().parse(form)[0].tag
    return "past" in tag.grammemes and "perf" in tag.grammemes
