"""One message, one label: what the model, the dictionary and the region's places make of it together.

The model tells the topic; where there is none, or it was not sure enough, the dictionary does; what neither
tells with enough confidence stays open, for a person to read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from labels.dictionary import Dictionary, Kind, Tone
from labels.model import Label, Model
from labels.places import Gazetteer

BY_DICTIONARY = "dictionary"
_BATCH = 1_000  # as many cleaned texts as are kept (labels/clean.py)


@dataclass(frozen=True)
class MessageLabel:
    """The label of a message. What is None is open; `confidence` is that of the topic group, 0…1.

    `told_by` is the label_version of the model, or `dictionary`.
    """

    kind: Kind | None
    needs_answer: bool
    topic_group: str | None
    topic: str | None
    territory_id: str | None
    tone: Tone
    confidence: float
    told_by: str

    @property
    def is_for_review(self) -> bool:
        """Whether a person has to say what this is about."""
        return self.kind is None or (self.needs_answer and self.topic_group is None)


@dataclass(frozen=True)
class Labeller:
    """Labels by everything that a region has. `threshold` holds for each part of a label alone."""

    dictionary: Dictionary
    gazetteer: Gazetteer
    threshold: float
    model: Model | None = None
    label_version: str = BY_DICTIONARY

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise ValueError("a threshold lies between 0 and 1")

    def label(self, texts: Sequence[str]) -> Iterator[MessageLabel]:
        """The labels of messages as they were received, in their order."""
        for start in range(0, len(texts), _BATCH):
            batch = texts[start : start + _BATCH]
            by_model = self.model.label(batch) if self.model else None
            for place, text in enumerate(batch):
                yield self._one(text, by_model[place] if by_model else None)

    def _one(self, text: str, told: Label | None) -> MessageLabel:
        words = self.dictionary.tell(text)
        group, topic, confidence, by = None, None, 0.0, BY_DICTIONARY
        if told and told.topic_group:
            group, confidence, by = told.topic_group, told.group_confidence, self.label_version
            topic = told.topic if told.topic_confidence >= self.threshold else None
        if confidence < self.threshold and words.topic_confidence > confidence:
            group, topic, confidence, by = words.topic_group, None, words.topic_confidence, BY_DICTIONARY
        if confidence < self.threshold:
            group = topic = None
        return MessageLabel(
            # Where the words leave the kind open, an answer is owed all the same.
            words.kind if words.kind_confidence >= self.threshold else None,
            words.needs_answer or words.kind_confidence < self.threshold,
            group,
            topic,
            self.gazetteer.find(text),
            words.tone,
            confidence,
            by,
        )
