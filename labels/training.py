"""Training with a look at the future: a model is kept if it labels what came later no worse than the last.

The hold-out is the newest part by time, as in life: topics drift, and a shuffled hold-out would hide it. The
model that is judged has not seen it; the one that is kept is trained on everything.
"""

from __future__ import annotations

import json
import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from labels.artefact import load, save
from labels.evaluate import Score, evaluate
from labels.in_force import CURRENT, PREVIOUS, note_of
from labels.model import Example, Model, train

HELD_OUT = 0.2
# What chance does to a few hundred texts; a real loss is more.
MARGIN = 0.01
FEWEST_HELD_OUT = 50


@dataclass(frozen=True)
class Trained:
    """What a training came to. `was` is the accuracy of the standing model on the same texts, by task.

    `label_version` is the model that is in force now; `candidate` the one that was made, None where there was
    too little new to judge by.
    """

    label_version: str
    candidate: str | None
    promoted: bool
    learnt_from: int
    held_out: int
    accuracy: dict[str, float]
    was: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def train_and_promote(examples: Sequence[tuple[datetime, Example]], folder: Path) -> Trained:
    """Train on (moment, example) and make the model of `folder` the new one if it is not worse.

    Both are judged by the newest examples, and only by those that are later than all the standing model has
    learnt from: whoever knows a text tells it best.
    """
    ordered = sorted(examples, key=lambda one: one[0])
    cut = len(ordered) - int(len(ordered) * HELD_OUT)
    note, standing = _standing(folder)
    if note and standing:
        known = bisect_right(ordered, note["learnt_until"], key=lambda one: one[0].isoformat())
        cut = max(cut, known)
        if len(ordered) - cut < FEWEST_HELD_OUT:
            return Trained(note["label_version"], None, False, cut, len(ordered) - cut, {}, {})
    earlier, later = ([one for _, one in part] for part in (ordered[:cut], ordered[cut:]))
    accuracy = _accuracy(evaluate(train(earlier), later))
    was = _accuracy(evaluate(standing, later)) if standing else {}
    # A task that only one of the two can do is a reason for neither.
    promoted = all(accuracy[task] >= was[task] - MARGIN for task in accuracy.keys() & was.keys())
    candidate = save(train([one for _, one in ordered]), folder)
    if promoted:
        made = {"label_version": candidate, "learnt_until": ordered[-1][0].isoformat()}
        before = note["label_version"] if note else ""
        if before == candidate and note:
            before = note.get(PREVIOUS, "")
        _make_current(folder, {**made, **({PREVIOUS: before} if before else {})})
    version = candidate if promoted or not note else note["label_version"]
    return Trained(version, candidate, promoted, len(earlier), len(later), accuracy, was)


def current(folder: Path) -> tuple[str | None, Model | None]:
    """The id and the model in force; (None, None) before the first training."""
    note, model = _standing(folder)
    return (note["label_version"] if note else None), model


def _standing(folder: Path) -> tuple[dict[str, str] | None, Model | None]:
    note = note_of(folder)
    return (note, load(folder / note["label_version"])) if note else (None, None)


def _make_current(folder: Path, note: dict[str, str]) -> None:
    work = folder / f".{CURRENT}.new"
    work.write_text(json.dumps(note), "utf-8")
    os.replace(work, folder / CURRENT)


def _accuracy(scores: Sequence[Score]) -> dict[str, float]:
    return {score.task: score.accuracy for score in scores}
