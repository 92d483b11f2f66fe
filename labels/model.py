"""The model: which topic group and topic a message is about, and how likely that is to be right.

Both are linear in the features. A topic's logit is its own score and that of its group, so that what is known
of the group helps topics of which few examples exist.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from labels.clean import clean
from labels.errors import TooFewTexts
from labels.features import Features
from labels.ridge import Ridge, blend, fit

FEWEST_TEXTS = 20
FEWEST_SHARED = 3  # a feature is kept if so many different texts have it
MOST_TEXTS = 20_000  # the newest; minutes of training, and what is older speaks of other things
_BATCH = 1_000


@dataclass(frozen=True)
class Example:
    """A text and what it was found to be about; an empty string where that is not known."""

    text: str
    topic_group: str = ""
    topic: str = ""


@dataclass(frozen=True)
class Label:
    """What a message is taken for; `topic` belongs to `topic_group`. Confidences are probabilities, 0…1."""

    topic_group: str | None
    topic: str | None
    group_confidence: float
    topic_confidence: float


@dataclass(frozen=True)
class Head:
    """One task: sorted classes, weights (columns × classes) and the factor that makes scores logits."""

    classes: list[str]
    weights: NDArray[np.float32]
    sharpness: float


@dataclass(frozen=True)
class Model:
    """What was learnt. `parents[i]` is the group of topic i; `pull` is the weight of that group's score."""

    features: Features
    groups: Head | None
    topics: Head | None
    parents: NDArray[np.intp]
    pull: float

    def label(self, texts: Sequence[str]) -> list[Label]:
        """Label messages as they were received."""
        return [label for batch in self.probabilities(texts) for label in self._read(*batch)]

    def probabilities(
        self, texts: Sequence[str]
    ) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """(texts × groups, texts × topics) by batches; without columns where a task was not learnt."""
        for start in range(0, len(texts), _BATCH):
            rows = self.features.rows([clean(text) for text in texts[start : start + _BATCH]])
            groups = topics = np.zeros((rows.shape[0], 0))
            scores = None
            if self.groups:
                scores = self.groups.sharpness * np.asarray(rows @ self.groups.weights, dtype=np.float64)
                groups = softmax(scores, axis=1)
            if self.topics:
                logits = self.topics.sharpness * np.asarray(rows @ self.topics.weights, dtype=np.float64)
                if scores is not None and self.groups is not None:
                    logits += self.pull / self.groups.sharpness * scores[:, self.parents]
                topics = softmax(logits, axis=1)
            yield groups, topics

    def _read(self, groups: NDArray[np.float64], topics: NDArray[np.float64]) -> Iterator[Label]:
        for group_row, topic_row in zip(groups, topics, strict=True):
            group = topic = None
            group_sure = topic_sure = 0.0
            if self.groups:
                best = int(group_row.argmax())
                group, group_sure = self.groups.classes[best], float(group_row[best])
                if self.topics:
                    # Only topics of the group that is told: a label must not contradict itself.
                    topic_row = np.where(self.parents == best, topic_row, 0.0)
            if self.topics and topic_row.any():
                most = int(topic_row.argmax())
                topic, topic_sure = self.topics.classes[most], float(topic_row[most])
            yield Label(group, topic, group_sure, topic_sure)


def train(examples: Sequence[Example], fewest_shared: int = FEWEST_SHARED) -> Model:
    """Learn from labelled messages, the newest last. Deterministic: the same examples give the same model.

    A text posted many times with the same label is one example: a campaign must not outweigh everything.
    """
    different = dict.fromkeys(
        Example(clean(one.text), one.topic_group, one.topic)
        for one in reversed(examples)
        if one.topic_group or one.topic
    )
    chosen = [one for one in different if one.text][:MOST_TEXTS][::-1]
    # Sums in one thread always come in the same order, and two threads gain little on matrices this small.
    with threadpool_limits(1):
        return _learn(chosen, fewest_shared)


def _learn(chosen: Sequence[Example], fewest_shared: int) -> Model:
    if len(chosen) < FEWEST_TEXTS:
        raise TooFewTexts(
            f"{len(chosen)} different labelled texts are too few to learn from",
            f"wait until there are {FEWEST_TEXTS}, or use the dictionary",
        )
    texts = [one.text for one in chosen]
    features = Features.learn(texts, fewest_shared)
    by_group = [place for place, one in enumerate(chosen) if one.topic_group]
    by_topic = [place for place, one in enumerate(chosen) if one.topic]
    group_labels = [chosen[place].topic_group for place in by_group]
    topic_labels = [chosen[place].topic for place in by_topic]
    rows = features.rows(texts)

    def learn(places: list[int], labels: list[str]) -> Ridge | None:
        classes = sorted(set(labels))
        if len(places) < FEWEST_TEXTS or len(classes) < 2:
            return None
        names = features.rows([clean(each) for each in classes])
        return fit(rows[places], labels, names)

    groups, topics = learn(by_group, group_labels), learn(by_topic, topic_labels)
    parents, pull = np.zeros(0, dtype=np.intp), 0.0
    sharpness = topics.sharpness if topics else 0.0
    if topics and groups:
        parents = _parents(topics.classes, groups.classes, chosen)
        # Only the newest have been left out, where there are many.
        place_of = {place: row for row, place in enumerate(by_group[groups.first :])}
        newest = by_topic[topics.first :]
        both = [(row, place_of[place]) for row, place in enumerate(newest) if place in place_of]
        own, parent = (np.asarray(side, dtype=np.intp) for side in zip(*both, strict=True))
        sharpness, pull = blend(topics.left_out[own], groups.left_out[parent][:, parents], topics.truth[own])
    return Model(
        features,
        Head(groups.classes, groups.weights, groups.sharpness) if groups else None,
        Head(topics.classes, topics.weights, sharpness) if topics else None,
        parents,
        pull,
    )


def _parents(topics: list[str], groups: list[str], examples: Sequence[Example]) -> NDArray[np.intp]:
    """The group that most examples of a topic carry; the first in order where two carry as many."""
    seen = {topic: Counter[str]() for topic in topics}
    for one in examples:
        if one.topic and one.topic_group:
            seen[one.topic][one.topic_group] += 1
    place = {group: number for number, group in enumerate(groups)}
    return np.asarray(
        [
            place[min(counts, key=lambda group: (-counts[group], group))] if counts else 0
            for counts in (seen[topic] for topic in topics)
        ],
        dtype=np.intp,
    )
