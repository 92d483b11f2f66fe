"""The field's words: topic groups as the sources spell them, topics, age groups, streets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sandbox.documents import read_yaml


@dataclass(frozen=True)
class TopicGroup:
    """`names` are the spellings that occur in the sources; `fast` marks the topics with a ★."""

    id: str
    names: tuple[str, ...]
    topics: tuple[str, ...]
    fast: tuple[bool, ...]


@dataclass(frozen=True)
class Vocabulary:
    groups: dict[str, TopicGroup]
    age_groups: tuple[str, ...]
    streets: tuple[str, ...]
    first_names: tuple[str, ...]
    settlements: tuple[str, ...]

    @property
    def group_ids(self) -> tuple[str, ...]:
        return tuple(self.groups)


@lru_cache(maxsize=1)
def load_vocabulary() -> Vocabulary:
    """Read sandbox/vocabulary.yaml; a topic that ends with ★ is fast-track."""
    path = Path(__file__).parent / "vocabulary.yaml"
    document = read_yaml(path)
    groups = {
        group: TopicGroup(
            id=group,
            names=tuple(entry["names"]),
            topics=tuple(topic.removesuffix("★").strip() for topic in entry["topics"]),
            fast=tuple(topic.endswith("★") for topic in entry["topics"]),
        )
        for group, entry in document["topic_groups"].items()
    }
    return Vocabulary(
        groups=groups,
        age_groups=tuple(document["age_groups"]),
        streets=tuple(document["streets"]),
        first_names=tuple(document["first_names"]),
        settlements=tuple(document["settlements"]),
    )
