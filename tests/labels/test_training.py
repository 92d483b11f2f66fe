"""Training over time: the first model is kept, a worse one is not, and what is in force can be told."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from labels.errors import UnreadableModel
from labels.in_force import note_of
from labels.model import Example
from labels.training import current, train_and_promote
from tests.labels.appeals import appeals

Dated = tuple[datetime, Example]


@pytest.fixture(scope="module")
def told() -> list[Dated]:
    """One an hour, groups only."""
    examples = [replace(one, topic="") for one in appeals(600, seed=9)]
    return [(datetime(2026, 3, 1) + timedelta(hours=n), one) for n, one in enumerate(examples)]


@pytest.mark.scenario
def test_a_first_model_is_in_force_until_a_better_one_comes(told: list[Dated], tmp_path: Path) -> None:
    assert current(tmp_path) == (None, None)
    first = train_and_promote(told[:300], tmp_path)
    assert first.promoted
    assert first.was == {}
    assert (first.learnt_from, first.held_out) == (240, 60)
    version, model = current(tmp_path)
    assert version == first.label_version
    assert model is not None

    few = train_and_promote(told[:340], tmp_path)
    assert (few.candidate, few.promoted, few.held_out) == (None, False, 40), "too little new to judge by"

    # Wrong labels in what came since, but for the texts that judge.
    draw = random.Random(1)
    labels = [one.topic_group for _, one in told[:480]]
    draw.shuffle(labels)
    spoilt = [
        (at, replace(one, topic_group=label)) for (at, one), label in zip(told, labels, strict=False)
    ] + told[480:]
    second = train_and_promote(spoilt, tmp_path)
    assert not second.promoted
    assert second.accuracy["topic_group"] < second.was["topic_group"]
    assert second.candidate != second.label_version == version
    assert current(tmp_path)[0] == version

    third = train_and_promote(told[::-1], tmp_path)
    assert third.promoted, third
    assert (third.learnt_from, third.held_out) == (480, 120), "in the order of time, whatever comes first"
    assert current(tmp_path)[0] == third.candidate != version
    assert (note_of(tmp_path) or {})["previous"] == version


def test_a_damaged_note_of_what_is_in_force_is_refused(tmp_path: Path) -> None:
    stray = '{"label_version": "../elsewhere", "learnt_until": "2026-03-01"}'
    for content in ("{", "[]", '{"label_version": "0123456789abcdef"}', stray):
        (tmp_path / "current.json").write_text(content, "utf-8")
        with pytest.raises(UnreadableModel, match="train anew"):
            current(tmp_path)
