"""A source changes its shape: a column comes, goes, changes its type, a value gets another name.

The table in docs/reliability.md says what happens; here it does. REST is told by ПОС, files by a mapping.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingestion.errors import ContractBroken, UnreadableFile
from tests.ingestion.support import Deployment, Server
from tests.ingestion.test_files import HEADER, ROW, csv, write_mapping
from tests.ingestion.test_files import load as load_files
from tests.ingestion.test_pos import Pos, appeal
from tests.ingestion.test_pos import load as load_pos

CHANGED = "2026-11-02T10:00:00Z"
FIRST = ROW.split(";")


@pytest.fixture
def pos(server: Server, deployment: Deployment) -> Pos:
    deployment.sources["pos"] = {"base_url": server.url, "token_env": "OTKLIK_TEST_TOKEN", "page_size": 50}
    return Pos(server, [appeal(1)])


@pytest.fixture
def folder(deployment: Deployment) -> Path:
    (deployment.root / "in").mkdir()
    write_mapping(deployment)
    deployment.sources["files"] = {"folder": "../in", "mapping": "../mapping.yaml"}
    return deployment.root / "in"


def test_rest_a_new_field_is_named_and_nothing_else_changes(pos: Pos, deployment: Deployment) -> None:
    pos.appeals = [appeal(1, mood="angry")]
    assert load_pos(deployment).resources["appeals"].unknown_fields == {"mood"}
    assert deployment.query("select unknown_fields from raw.loads where resource = 'appeals'") == [("mood",)]
    assert deployment.one("select count(*) from raw.pos_appeals") == 1


@pytest.mark.parametrize("change", ["dropped", "flipped"])
def test_rest_a_lost_or_flipped_field_keeps_nothing_and_heals(
    pos: Pos, deployment: Deployment, change: str
) -> None:
    load_pos(deployment)
    broken: dict[str, Any] = appeal(2, CHANGED)
    if change == "dropped":
        del broken["status"]
    else:
        broken["status"] = 4
    pos.appeals.append(broken)
    with pytest.raises(
        ContractBroken, match=r"the field status came as (nothing|whole number) instead of text"
    ):
        load_pos(deployment)
    assert deployment.one("select count(*) from raw.pos_appeals") == 1
    pos.appeals[-1] = appeal(2, CHANGED)
    assert load_pos(deployment).resources["appeals"].landed == 1


def test_rest_a_renamed_value_lands_as_it_is_for_the_gate_to_judge(pos: Pos, deployment: Deployment) -> None:
    pos.appeals = [appeal(1, outcome="resolved")]
    load_pos(deployment)
    assert deployment.query("select outcome from raw.pos_appeals") == [("resolved",)]


def test_file_a_new_column_is_named_and_not_read(folder: Path, deployment: Deployment) -> None:
    csv(folder, f"{ROW};злой", header=f"{HEADER};Настроение")
    assert load_files(deployment).resources["appeals"].unknown_fields == {"Настроение"}
    assert deployment.one("select count(*) from raw.files_appeals") == 1


def test_file_a_lost_column_is_left_empty_and_a_needed_one_is_a_sentence(
    folder: Path, deployment: Deployment
) -> None:
    csv(folder, ";".join([*FIRST[:4], *FIRST[5:]]), header=HEADER.replace("Итог;", ""))
    assert load_files(deployment).resources["appeals"].notes == [
        "a.csv: there is no column «Итог», its values were left empty."
    ]
    assert deployment.query("select outcome from raw.files_appeals") == [(None,)]
    csv(folder, ";".join([FIRST[0], *FIRST[2:]]), name="b.csv", header=HEADER.replace("Дата;", ""))
    with pytest.raises(UnreadableFile, match="has no column «Дата», which the mapping needs for every row"):
        load_files(deployment)
    assert deployment.one("select count(*) from raw.files_appeals") == 1


def test_file_a_value_of_another_type_is_left_empty_and_counted(folder: Path, deployment: Deployment) -> None:
    csv(folder, ";".join([*FIRST[:8], "пять", FIRST[9]]))
    assert load_files(deployment).resources["appeals"].notes == [
        "a.csv: rating had no usable value in 1 rows and was left empty."
    ]
    assert deployment.query("select rating from raw.files_appeals") == [(None,)]


def test_file_a_renamed_value_is_left_empty_and_counted_and_the_check_names_it(
    folder: Path, deployment: Deployment
) -> None:
    from ingestion.files.check import check_file

    path = csv(folder, ROW.replace("Решено", "Удовлетворено"))
    assert load_files(deployment).resources["appeals"].notes == [
        "a.csv: outcome had no usable value in 1 rows and was left empty."
    ]
    assert deployment.query("select outcome from raw.files_appeals") == [(None,)]
    checked = check_file(path, deployment.root / "mapping.yaml")
    assert checked.without_meaning == {"outcome": ["Удовлетворено"]}
