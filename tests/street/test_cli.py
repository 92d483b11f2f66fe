"""`otklik` as a person or a script meets it, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from sandbox.kit import launch, read_env
from tests.street.conftest import REGION

HEAVY = ("dagster", "dbt", "dlt", "great_expectations", "pandas", "duckdb", "pyarrow")


def otklik(data: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command with a data folder of its own; messages in English."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("OTKLIK_")}
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        env={**plain, "OTKLIK_DATA": str(data), "OTKLIK_LANG": "en", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def inside(data: Path, *arguments: str) -> Result:
    """The same in this process: what is wrong with the words is told without the imports of a new one."""
    from orchestration.cli import app

    gone = dict.fromkeys(name for name in os.environ if name.startswith("OTKLIK_"))
    return CliRunner().invoke(app, arguments, env={**gone, "OTKLIK_DATA": str(data), "OTKLIK_LANG": "en"})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a configured region that nobody has read yet."""
    folder = tmp_path_factory.mktemp("cli")
    with launch(REGION, folder):
        return folder


def test_help_names_the_commands_without_heavy_imports(tmp_path: Path) -> None:
    answer = otklik(tmp_path, "--help")
    assert answer.returncode == 0
    for command in ("demo", "run", "backfill", "status", "open", "query", "releases", "catalogue", "sandbox"):
        assert command in answer.stdout
    probe = "import orchestration.cli, sys; print([m for m in sys.argv[1:] if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", probe, *HEAVY], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "--region", "nowhere"], 2, "There is no region 'nowhere'; use one of: street."),
        (["run", "--sources", "fax"], 2, "There is no source 'fax'"),
        (["run", "--as-of", "yesterday"], 2, "--as-of 'yesterday' is no moment"),
        (["backfill", "--since", "2026-03-09", "--until", "2026-03-09"], 2, "later than --since"),
        (["open", "report"], 4, "There is no release yet"),
        (["catalogue"], 4, "There is no release yet"),
        (["erase"], 2, "give one of --author, --author-key and --source-ref"),
        (["erase", "--author", "vk:durov"], 2, "VK knows people by numbers"),
        (["erase", "--source-ref", "pos:1"], 2, "Nothing of that stands in the warehouse"),
        (["rotate-key"], 2, "put it there, and this one at the end of OTKLIK_HMAC_OLD_KEYS"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_next_step(
    data: Path, arguments: list[str], code: int, words: str
) -> None:
    answer = inside(data, *arguments)
    assert answer.exit_code == code
    assert words in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
    assert answer.stdout == ""


def test_a_mistake_ends_a_process_with_its_code(data: Path) -> None:
    answer = otklik(data, "query", "select 1")
    assert (answer.returncode, answer.stdout) == (4, "")
    assert "There is no release yet" in answer.stderr


def test_without_a_key_nothing_starts(tmp_path: Path) -> None:
    answer = otklik(tmp_path, "run")
    assert answer.returncode == 2
    assert answer.stderr.startswith("OTKLIK_HMAC_KEY is not set")


def test_an_unknown_scenario_names_the_next_step(tmp_path: Path) -> None:
    answer = otklik(tmp_path, "demo", "--scenario", "atlantis")
    assert answer.returncode == 2
    assert "atlantis" in answer.stderr
    assert "docs/scenarios.md" in answer.stderr


def test_a_scenario_broken_inside_ends_with_its_own_exit_code(tmp_path: Path) -> None:
    """It is found while a thread imports native libraries; a process that ended amid that would abort."""
    (tmp_path / "broken.yaml").write_text("regions: 3", "utf-8")
    answer = otklik(tmp_path / "data", "demo", "--scenario", str(tmp_path / "broken.yaml"))
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "`regions` must be a list" in answer.stderr


def test_a_demo_does_not_take_a_real_deployments_folder(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").touch()
    answer = otklik(tmp_path, "demo")
    assert answer.returncode == 2
    assert "holds a warehouse that is no demo" in answer.stderr


def test_an_empty_deployment_has_no_releases(data: Path) -> None:
    answer = otklik(data, "releases", "--json")
    assert (answer.returncode, json.loads(answer.stdout)) == (0, [])
    assert read_env(data / "deployment.env")["OTKLIK_REGIONS"]


@pytest.mark.chaos
def test_a_source_that_is_down_is_one_sentence_and_publishes_nothing(data: Path) -> None:
    answer = otklik(data, "run", "--sources", "pos")  # the sandbox of `data` has ended
    assert answer.returncode == 1
    first, *rest = answer.stderr.strip().splitlines()
    assert "ПОС" in first or "pos" in first
    assert ";" in first, "the problem, then the next step"
    assert rest == ["Nothing was published; readers see what they saw."]
    assert not (data / "published" / "current").exists()


def test_every_command_has_a_place_and_an_example(tmp_path: Path) -> None:
    from orchestration.cli import app
    from orchestration.cli_panels import PANELS

    placed = [name for names in PANELS.values() for name in names]
    known = {command.name or command.callback.__name__: command for command in app.registered_commands}
    assert set(placed) == set(known)
    bare = [
        name
        for name, command in known.items()
        if "otklik " not in (command.callback.__doc__ or "").partition("\n")[2]
        and name not in WITHOUT_ARGUMENTS
    ]
    assert bare == []


WITHOUT_ARGUMENTS = {"dev", "rotate-key", "watch", "maintain"}


def test_the_shell_completes_commands_and_things_to_open(tmp_path: Path) -> None:
    def completed(line: str) -> set[str]:
        words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
        answer = subprocess.run(
            [Path(sys.executable).with_name("otklik")],
            env={**os.environ, "_OTKLIK_COMPLETE": "complete_bash", **words},
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        return set(answer.stdout.split())

    assert {"restore", "releases", "rebuild"} <= completed("otklik re")
    assert {"report", "release"} == completed("otklik open re")
