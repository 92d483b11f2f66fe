"""`otklik files check` and `otklik inbox serve` as people call them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from orchestration.cli import Exit, app
from tests.ingestion.support import KEY


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "bot.yaml"
    columns = {"ticket_id": "Номер", "registered_at": "Дата", "text": "Текст"}
    path.write_text(yaml.safe_dump({"dates": ["%d.%m.%Y"], "columns": columns}, allow_unicode=True), "utf-8")
    return path


def check(mapping: Path, content: str, *more: str) -> tuple[int, str]:
    """Exit code and everything said of a CSV file with that content."""
    path = mapping.with_name("may.csv")
    path.write_text(content, "utf-8")
    done = CliRunner().invoke(app, ["files", "check", str(path), "--mapping", str(mapping), *more])
    return done.exit_code, done.output


def test_a_file_is_explained(mapping: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTKLIK_LANG", "en")
    content = "Номер;Дата;Текст;Лишний\n1;05.03.2026;Яма;x\n2;вчера;Звоните 8 912 345-67-89;x\n"
    code, said = check(mapping, content)
    assert code == 0
    assert "may.csv" in said
    assert "Лишний" in said
    assert "‹телефон›" in said
    assert "345-67-89" not in said
    code, said = check(mapping, content, "--json")
    told = json.loads(said)
    assert (code, told["rows"], told["would_land"]) == (0, 2, 1)
    assert told["refused"] == {"unreadable registration date": 1}


def test_a_file_of_which_nothing_would_land_stops(mapping: Path) -> None:
    assert check(mapping, "Номер;Дата;Текст\n1;вчера;Яма\n")[0] == Exit.STOPPED


def test_a_file_that_does_not_fit_is_one_sentence(mapping: Path) -> None:
    code, said = check(mapping, "Имя;Дата\n1;05.03.2026\n")
    assert code == Exit.STOPPED
    assert "has no column «Номер»" in said
    assert "Traceback" not in said


def test_an_inbox_that_nobody_writes_to_says_what_to_add(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "regions").mkdir()
    region = {"region_id": "far", "name": "Far", "time_zone": "Asia/Tomsk", "sources": {}}
    (tmp_path / "regions" / "far.yaml").write_text(yaml.safe_dump(region), "utf-8")
    for name, value in (
        ("DATA", tmp_path / "data"),
        ("REGIONS", tmp_path / "regions"),
        ("HMAC_KEY", KEY),
    ):
        monkeypatch.setenv(f"OTKLIK_{name}", str(value))
    done = CliRunner().invoke(app, ["inbox", "serve", "--port", "0"])
    assert done.exit_code == Exit.USAGE
    assert "No region receives anything by webhook" in done.output
    assert "docs/sources/inbox.md" in done.output
