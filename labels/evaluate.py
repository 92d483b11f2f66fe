"""How good a model is, on texts it was not trained on.

In cross-validation each part of the file is labelled by a model that was trained on the others alone: words,
rarities, weights and confidences are all learnt anew, from nothing but those.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import KFold

from labels.clean import clean
from labels.errors import TooFewTexts
from labels.model import FEWEST_TEXTS, Example, Label, Model, train

SEED = 8
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_CONFUSIONS = 15


@dataclass(frozen=True)
class Coverage:
    """Of texts labelled with at least this confidence: their share of all, and how many are right."""

    threshold: float
    share: float
    accuracy: float | None


@dataclass(frozen=True)
class Confusion:
    """How often `truth` was taken for `said`."""

    truth: str
    said: str
    texts: int


@dataclass(frozen=True)
class Score:
    """One task, over the texts whose label is known. `new_accuracy` leaves out texts that training held."""

    task: str
    texts: int
    classes: int
    accuracy: float
    weighted_f1: float
    macro_f1: float
    new_texts: int
    new_accuracy: float | None
    coverage: list[Coverage]
    confusions: list[Confusion]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def cross_validate(
    examples: Sequence[Example], folds: int = 5, listener: Callable[[int], None] | None = None
) -> list[Score]:
    """Scores over all texts of a file, each labelled by a model that has not seen its part."""
    if len(examples) < max(2 * FEWEST_TEXTS, folds):
        raise TooFewTexts(f"{len(examples)} labelled texts are too few to judge by", "give more of them")
    said: list[Label | None] = [None] * len(examples)
    is_new = [True] * len(examples)
    for number, (learnt, left) in enumerate(
        KFold(folds, shuffle=True, random_state=SEED).split(np.zeros(len(examples)))
    ):
        known = {clean(examples[place].text) for place in learnt}
        model = train([examples[place] for place in learnt])
        for place, label in zip(left, model.label([examples[place].text for place in left]), strict=True):
            said[place] = label
            is_new[place] = clean(examples[place].text) not in known
        if listener:
            listener(number + 1)
    return score(examples, [label for label in said if label], is_new)


def evaluate(model: Model, examples: Sequence[Example]) -> list[Score]:
    """Scores of a model that exists, on texts that it should not have been trained on."""
    return score(examples, model.label([one.text for one in examples]), None)


def score(examples: Sequence[Example], labels: Sequence[Label], is_new: Sequence[bool] | None) -> list[Score]:
    """Compare what was said with what is known. `is_new` marks the texts that no training set held."""
    tasks = (
        (
            "topic_group",
            [
                (one.topic_group, label.topic_group, label.group_confidence)
                for one, label in zip(examples, labels, strict=True)
            ],
        ),
        (
            "topic",
            [
                (one.topic, label.topic, label.topic_confidence)
                for one, label in zip(examples, labels, strict=True)
            ],
        ),
    )
    return [
        _score(task, triples, is_new)
        for task, triples in tasks
        if any(truth and said for truth, said, _ in triples)
    ]


def _score(
    task: str, triples: Sequence[tuple[str, str | None, float]], is_new: Sequence[bool] | None
) -> Score:
    places = [place for place, (truth, _, _) in enumerate(triples) if truth]
    truth = np.asarray([triples[place][0] for place in places], dtype=object).astype(str)
    said = np.asarray([triples[place][1] or "" for place in places], dtype=object).astype(str)
    sure = np.asarray([triples[place][2] for place in places])
    new = np.asarray([is_new[place] for place in places]) if is_new else np.zeros(len(places), dtype=bool)
    right = truth == said
    counted = Counter(zip(truth[~right].tolist(), said[~right].tolist(), strict=True))
    wrong = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:_CONFUSIONS]
    coverage = [
        Coverage(
            threshold,
            float((sure >= threshold).mean()),
            float(right[sure >= threshold].mean()) if (sure >= threshold).any() else None,
        )
        for threshold in THRESHOLDS
    ]
    return Score(
        task,
        len(places),
        len(set(truth)),
        float(accuracy_score(truth, said)),
        float(f1_score(truth, said, average="weighted", zero_division=0)),
        float(f1_score(truth, said, average="macro", zero_division=0)),
        int(new.sum()),
        float(right[new].mean()) if new.any() else None,
        coverage,
        [Confusion(one, other, count) for (one, other), count in wrong],
    )
