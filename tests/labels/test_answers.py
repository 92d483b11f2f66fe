"""Answers: what they have is seen, points add up, and templates are told from what is alike."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from labels.answers import TEMPLATE, look_at, read_weights
from labels.errors import UnreadableTable
from sandbox.texts import Texts
from sandbox.vocabulary import load_vocabulary
from tests.labels.appeals import SEEDS

WEIGHTS = SEEDS / "answer_quality_weights.csv"
GOOD = (
    "Здравствуйте, Анна! Бригада выехала по указанному адресу 12 марта, снег с тротуара убрали и вывезли, "
    "наледь у подъезда посыпали песком. Следующая уборка двора запланирована на пятницу. Спасибо, что "
    "сообщили нам об этом."
)


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        (GOOD, set()),
        ("Снег убрали 12 марта.", {"long_enough"}),
        (
            "Ваше обращение передано в управляющую компанию.",
            {"long_enough", "names_a_date", "names_a_deed", "not_interim"},
        ),
        (
            "Обратитесь в управляющую компанию.",
            {"long_enough", "names_a_date", "names_a_deed", "not_sent_elsewhere"},
        ),
        ("Передали подрядчику, до конца недели лампы заменили.", {"long_enough"}),
        ("Снег уберём в течение 3 дней", {"long_enough", "names_a_deed"}),
        ("Снег убирают.", {"long_enough", "names_a_date", "names_a_deed"}),
        ("<br>", set(asdict(look_at([GOOD])[0]))),
    ],
)
def test_what_an_answer_lacks(text: str, lacks: set[str]) -> None:
    (seen,) = look_at([text])
    assert {part for part, has in asdict(seen).items() if not has} == lacks


def test_points_add_up_and_good_answers_have_more() -> None:
    weights = read_weights(WEIGHTS)
    good, passed_on, nothing = look_at([GOOD, "Ваше сообщение принято в работу, ответим вам.", ""])
    assert good.quality(weights) == 100
    assert nothing.quality(weights) == 0
    assert passed_on.quality(weights) == weights["not_sent_elsewhere"] + weights["not_a_template"]


def test_ten_like_answers_are_a_template() -> None:
    own = [
        GOOD.replace("12 марта", f"{n} апреля").replace("Анна", name)
        for n, name in enumerate(["Ольга", "Пётр"] * 5)
    ]
    assert len(own) == TEMPLATE
    assert not any(seen.not_a_template for seen in look_at(own))
    assert all(seen.not_a_template for seen in look_at(own[1:]))


def test_answers_of_the_sandbox_rank_as_they_were_meant() -> None:
    """Solved ones say what was done, interim ones that somebody will: that shows in the mean."""
    texts, weights = Texts(5, load_vocabulary()), read_weights(WEIGHTS)

    def mean(final: bool, solved: bool) -> float:
        seen = look_at([texts.answer(n, final, solved, "Город") for n in range(200)])
        return (
            sum(one.quality(weights) - weights["not_a_template"] * one.not_a_template for one in seen) / 200
        )

    assert mean(True, True) > mean(True, False) > mean(False, False)


def test_weights_that_do_not_sum_to_100_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.csv"
    path.write_text(WEIGHTS.read_text("utf-8").replace(",25\n", ",20\n"), "utf-8")
    with pytest.raises(UnreadableTable, match="100 together"):
        read_weights(path)
    with pytest.raises(UnreadableTable, match="are not whole"):
        read_weights(WEIGHTS, version=2)
