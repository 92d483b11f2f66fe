"""Labels from a list of words, for regions that have nothing to learn from, and for what nobody has labelled.

The list is a seed that people can read and change (dbt_project/seeds/label_words.csv): task, label, phrase,
points. Phrases are compared by lemmas, so «детская площадка» finds «на детских площадках». What is told is
the label with the most points; its confidence is its points over all points and one; a tie tells nothing.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from labels.clean import clean
from labels.errors import UnreadableTable
from labels.words import lemmas, tokens

Kind = Literal["complaint", "question", "proposal", "thanks", "other"]
Tone = Literal["negative", "neutral", "positive"]
KINDS: tuple[Kind, ...] = ("complaint", "question", "proposal", "thanks", "other")
TASKS = ("topic_group", "kind", "tone")
# A phrase as lemmas, with its task, its label and its points.
_Entry = tuple[tuple[str, ...], str, str, int]
_NEED_ANSWER = ("complaint", "question", "proposal")
_ANGRY = re.compile("[😡😠🤬👎😤🤦🤮💩]")
_GLAD = re.compile("[👍❤🙂😊💐🥰😍]|👏")
# Thanks that are none: in advance, for attention, and for what was not done.
_POLITE = re.compile(
    r"заранее\s+(?:спасибо|благодар\w+)"
    r"|(?:спасибо|благодар\w+)\s+(?:заранее|за (?:внимание|ответ|понимание))"
)
_BITTER = re.compile(
    r"спасибо[\s,]+(?:вам[\s,]+|хоть[\s,]+)?(?:что|хоть|большое[\s,]+что)[^.!?]{0,40}\b(?:не|опять|снова)\b"
)
_SHOUTED = re.compile(r"\b[А-ЯЁ]{4,}\b")


@dataclass(frozen=True)
class Told:
    """What the dictionary makes of one message. Confidences are 0…1; None where it cannot tell."""

    topic_group: str | None
    topic_confidence: float
    kind: Kind
    kind_confidence: float
    needs_answer: bool
    tone: Tone


@dataclass
class Dictionary:
    """Phrases as tuples of lemmas, by their first lemma."""

    phrases: dict[str, list[_Entry]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Dictionary:
        """Read the seed."""
        try:
            with path.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            return cls.of((row["task"], row["label"], row["phrase"], int(row["points"])) for row in rows)
        except (OSError, KeyError, ValueError) as error:
            raise UnreadableTable(
                f"{path} is no list of words", "give task, label, phrase, points"
            ) from error

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, str, int]]) -> Dictionary:
        """From (task, label, phrase, points)."""
        made = cls()
        for task, label, phrase, points in rows:
            key = tuple(lemmas(phrase))
            if task not in TASKS or not key:
                raise ValueError(f"{task} {phrase}")
            made.phrases.setdefault(key[0], []).append((key, task, label, points))
        return made

    def tell(self, text: str) -> Told:
        """Label one message as it was received."""
        words = clean(text)
        points = self._points(lemmas(words))
        kind, kind_confidence = _kind(words, points["kind"], points["tone"])
        group, confidence = _most(points["topic_group"])
        if kind == "thanks" and group is None:
            group, confidence = "thanks", kind_confidence
        tone = _tone(text, words, points["tone"], kind)
        return Told(group, confidence, kind, kind_confidence, kind in _NEED_ANSWER, tone)

    def _points(self, words: list[str]) -> dict[str, Counter[str]]:
        """Points of each label, by task. A phrase counts once, however often it is repeated."""
        found: set[_Entry] = set()
        for place, lemma in enumerate(words):
            for entry in self.phrases.get(lemma, ()):
                phrase = entry[0]
                if tuple(words[place : place + len(phrase)]) == phrase:
                    found.add(entry)
        points = {task: Counter[str]() for task in TASKS}
        for _, task, label, worth in found:
            points[task][label] += worth
        return points


def _most(points: Counter[str]) -> tuple[str | None, float]:
    ranked = sorted(points.items(), key=lambda pair: (-pair[1], pair[0]))
    if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return None, 0.0
    return ranked[0][0], ranked[0][1] / (sum(points.values()) + 1)


def _kind(words: str, points: Counter[str], tone: Counter[str]) -> tuple[Kind, float]:
    low = words.lower()
    points = Counter(points)
    if _BITTER.search(low):
        points["complaint"] += points.pop("thanks", 0) + 2
    elif _POLITE.search(low):
        points.pop("thanks", None)
    if "?" in words:
        points["question"] += 2
    if points["thanks"] and (points["complaint"] > 1 or tone["negative"] > 1):
        points.pop("thanks")
    if points["complaint"]:
        # «Когда уже почините?» asks for a deed, not for an answer.
        points["complaint"] += min(points["question"], 1) + (1 if tone["negative"] else 0)
    points = +points
    ranked = sorted(points.items(), key=lambda pair: (-pair[1], KINDS.index(pair[0])))
    if not ranked:
        # Neither asks nor thanks: a short remark is talk, a longer one tells what is wrong.
        return ("other", 0.5) if len(tokens(words)) < 6 else ("complaint", 0.3)
    name, worth = ranked[0]
    kind: Kind = next(each for each in KINDS if each == name)
    return kind, worth / (sum(points.values()) + 1)


def _tone(text: str, words: str, points: Counter[str], kind: Kind) -> Tone:
    negative = points["negative"] + len(_ANGRY.findall(text)) + words.count("!!!") + ("???" in words)
    negative += 1 if len(_SHOUTED.findall(words)) > 2 else 0
    positive = points["positive"] + len(_GLAD.findall(text)) if kind in ("thanks", "other") else 0
    if negative > positive:
        return "negative"
    return "positive" if positive > negative else "neutral"
