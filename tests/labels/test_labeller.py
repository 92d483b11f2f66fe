"""A whole label: who tells what, and what stays open."""

from __future__ import annotations

import pytest

from labels.dictionary import Dictionary
from labels.labeller import BY_DICTIONARY, Labeller
from labels.model import Model, train
from labels.places import Gazetteer, Place
from tests.labels.appeals import SEEDS, appeals

PLACES = Gazetteer.of([Place("ishim", "Ишим"), Place("tobolsk", "Тобольск")])


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return Dictionary.read(SEEDS / "label_words.csv")


@pytest.fixture(scope="module")
def model() -> Model:
    return train(appeals(250, seed=12))


def test_without_a_model_the_dictionary_tells_and_says_so(dictionary: Dictionary) -> None:
    texts = [
        "В Ишиме мусор не вывозят, контейнеры переполнены, свалка!!!",
        "Спасибо большое, благодарим!",
        "Ну вот",
    ]
    waste, thanks, talk = Labeller(dictionary, PLACES, 0.6).label(texts)
    assert (waste.topic_group, waste.territory_id, waste.kind) == ("waste", "ishim", "complaint")
    assert (waste.told_by, waste.tone, waste.is_for_review) == (BY_DICTIONARY, "negative", False)
    assert (thanks.kind, thanks.needs_answer, thanks.is_for_review) == ("thanks", False, False)
    assert (talk.kind, talk.topic_group, talk.is_for_review) == (None, None, True)
    assert talk.needs_answer, "whoever is not understood may wait for an answer"


def test_what_is_told_is_sure_enough_and_a_higher_threshold_tells_less(
    dictionary: Dictionary, model: Model
) -> None:
    texts = [one.text for one in appeals(400, seed=12)[250:]]
    told = {
        threshold: list(Labeller(dictionary, PLACES, threshold, model, "v1").label(texts))
        for threshold in (0.3, 0.6, 0.9)
    }
    for threshold, labels in told.items():
        assert len(labels) == len(texts)
        for label in labels:
            assert label.topic_group is None or label.confidence >= threshold
            assert label.topic is None or label.topic_group is not None
            assert label.told_by in ("v1", BY_DICTIONARY)
    open_ = [sum(label.topic_group is None for label in labels) for labels in told.values()]
    assert open_[0] < open_[1] < open_[2] < len(texts)
    assert sum(label.told_by == "v1" for label in told[0.3]) > len(texts) / 2


def test_batches_change_nothing(
    dictionary: Dictionary, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [one.text for one in appeals(30, seed=13)]
    labeller = Labeller(dictionary, PLACES, 0.5, model)
    whole = list(labeller.label(texts))
    monkeypatch.setattr("labels.labeller._BATCH", 7)
    for one, other in zip(labeller.label(texts), whole, strict=True):
        assert one.confidence == pytest.approx(other.confidence)
        assert (one.topic_group, one.topic, one.kind) == (other.topic_group, other.topic, other.kind)
    assert list(labeller.label([])) == []


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_a_threshold_that_tells_all_or_nothing_is_refused(dictionary: Dictionary, threshold: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Labeller(dictionary, PLACES, threshold)
