"""The model: better than letters alone, honest of how sure it is, without anyone's words."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.svm import LinearSVC

from labels.artefact import load, save
from labels.errors import TooFewTexts, UnreadableModel, UnreadableTable
from labels.evaluate import cross_validate, evaluate
from labels.features import Features
from labels.model import Example, Model, train
from labels.ridge import fit
from labels.tables import read_examples
from tests.labels.appeals import appeals


@pytest.fixture(scope="module")
def known() -> list[Example]:
    return appeals(450, seed=5)


@pytest.fixture(scope="module")
def unseen() -> list[Example]:
    """Later appeals of the same generator: its copies are of the earlier part too."""
    return appeals(1_050, seed=5)[450:]


@pytest.fixture(scope="module")
def model(known: list[Example]) -> Model:
    return train(known)


@pytest.mark.scenario
def test_it_beats_letters_with_a_linear_machine() -> None:
    told = appeals(2_200, seed=5)
    known, unseen = told[:1_200], told[1_200:]
    letters = TfidfVectorizer(analyzer="char", ngram_range=(2, 4), sublinear_tf=True, min_df=2)
    rows = letters.fit_transform([one.text for one in known])
    others = letters.transform([one.text for one in unseen])
    for score, task, margin in zip(
        evaluate(train(known), unseen), ("topic_group", "topic"), (0.01, 0.01), strict=True
    ):
        truth = [getattr(one, task) for one in unseen]
        said = LinearSVC(tol=0.01).fit(rows, [getattr(one, task) for one in known]).predict(others)
        assert score.accuracy >= accuracy_score(truth, said) + margin, task
        assert score.weighted_f1 >= f1_score(truth, said, average="weighted", zero_division=0) + margin, task


def test_its_confidence_is_honest(model: Model, unseen: list[Example]) -> None:
    """Of what it is 80 % sure of at least 80 % is right, less what chance may do with some hundred texts."""
    for score in evaluate(model, unseen):
        for line in score.coverage:
            if line.accuracy is not None and line.share > 0.1:
                assert line.accuracy >= line.threshold - 0.06, (score.task, line)
        shares = [line.share for line in score.coverage]
        assert shares == sorted(shares, reverse=True)


def test_a_topic_lies_in_the_group_that_is_told(
    model: Model, known: list[Example], unseen: list[Example]
) -> None:
    group_of = {one.topic: one.topic_group for one in known}
    for label in model.label([one.text for one in unseen]):
        assert label.topic is None or group_of[label.topic] == label.topic_group


def test_the_same_examples_give_the_same_model_and_no_loss_on_disk(
    model: Model, known: list[Example], unseen: list[Example], tmp_path: Path
) -> None:
    texts = [one.text for one in unseen]
    name = save(model, tmp_path)
    assert save(train(known[:120]), tmp_path) == save(train(known[:120]), tmp_path) != name
    again = load(tmp_path / name).label(texts)
    for one, other in zip(model.label(texts), again, strict=True):
        assert (
            one.topic_group == other.topic_group or abs(one.group_confidence - other.group_confidence) < 0.01
        )
        assert one.group_confidence == pytest.approx(other.group_confidence, abs=0.01)


def test_the_artefact_holds_no_name_and_nothing_that_one_citizen_wrote(
    known: list[Example], tmp_path: Path
) -> None:
    told = [Example(f"{one.text} Пишет Хрисанф Кузьмич", one.topic_group, one.topic) for one in known[:60]]
    told[7] = Example(told[7].text + " на дирижабле", told[7].topic_group, told[7].topic)
    folder = tmp_path / save(train(told), tmp_path)
    names = json.loads((folder / "model.json").read_text("utf-8"))["names"]
    assert "дорога" in names or len(names) > 100
    for run in ("хрисанф", "кузьмич", "дирижабл", "ижаб"):
        assert not [name for name in names if run in name]


@pytest.mark.parametrize("damage", ["{", '{"format": 99}', '{"format": 1, "names": ["а"], "pull": 0}'])
def test_a_damaged_artefact_is_refused(model: Model, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / save(model, tmp_path)
    (folder / "model.json").write_text(damage, "utf-8")
    with pytest.raises(UnreadableModel, match="train the model anew"):
        load(folder)


def test_weights_with_objects_are_never_unpickled(model: Model, tmp_path: Path) -> None:
    folder = tmp_path / save(model, tmp_path)
    arrays = dict(np.load(folder / "weights.npz"))
    arrays["parents"] = np.array([print], dtype=object)
    np.savez(folder / "weights.npz", **arrays)
    with pytest.raises(UnreadableModel):
        load(folder)


def test_a_campaign_counts_once(known: list[Example]) -> None:
    crowd = Example("Постройте мост через реку у нас в посёлке, мы ждём", "roads", "roads-07")
    assert save_id(train([*known[:120], crowd])) == save_id(train([*known[:120], *[crowd] * 500]))


def test_many_texts_are_learnt_from_step_by_step_with_the_same_result(known: list[Example]) -> None:
    texts, labels = [one.text for one in known[:200]], [one.topic_group for one in known[:200]]
    rows = Features.learn(texts, 3).rows(texts)
    at_once, by_steps = fit(rows, labels, None), fit(rows, labels, None, most_exact=199)
    assert (at_once.first, by_steps.first) == (0, 1)
    assert by_steps.left_out.shape == (199, len(at_once.classes))
    assert np.abs(rows @ (at_once.weights - by_steps.weights)).max() < 0.01


@pytest.mark.scenario
def test_a_model_of_many_texts_is_calibrated_by_the_newest(
    known: list[Example], unseen: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labels.model.fit", partial(fit, most_exact=300))
    groups, topics = evaluate(train(known), unseen)
    assert groups.accuracy > 0.7
    assert topics.accuracy > 0.5


def test_too_few_texts_are_said_to_be_too_few() -> None:
    with pytest.raises(TooFewTexts, match="wait until there are"):
        train([Example("нет света", "electricity", "electricity-01")] * 500)


def test_only_what_several_texts_share_is_a_column() -> None:
    shared = Features.learn(["нет света", "нет света", "нет воды"], fewest=2)
    assert "нет" in shared.names
    assert "свет" not in shared.names


def test_cross_validation_sees_nothing_of_what_it_judges() -> None:
    """Labels by lot cannot be told; whoever peeks tells them."""
    draw = np.random.default_rng(3)
    told = [
        Example(f"{one.text} слово{number}", str(draw.integers(4)), "")
        for number, one in enumerate(appeals(300, seed=2))
    ]
    (score,) = cross_validate(told, folds=3)
    assert 0.1 < score.accuracy < 0.4


@pytest.mark.parametrize(("encoding", "delimiter"), [("utf-8-sig", ";"), ("cp1251", ","), ("utf-8", "\t")])
def test_files_as_offices_save_them(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = tmp_path / "appeals.csv"
    rows = [
        ("Текст", "topic_group", "Тема"),
        ("Нет света; яма", "Дороги", "Ямы"),
        ("", "Дороги", ""),
        ("a", "", ""),
    ]
    lines = [delimiter.join(f'"{cell}"' for cell in row) for row in rows]
    path.write_bytes("\r\n".join(lines).encode(encoding))
    assert read_examples(path) == [Example("Нет света; яма", "Дороги", "Ямы")]


def test_a_file_without_labels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "appeals.csv"
    path.write_text("text,date\nНет света,1\n", "utf-8")
    with pytest.raises(UnreadableTable, match="name the columns so"):
        read_examples(path)


def save_id(model: Model) -> tuple[int, float]:
    assert model.groups
    return len(model.features.names), float(np.abs(model.groups.weights).sum())
