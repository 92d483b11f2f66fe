"""`python -m ingestion` and the lock, as other processes see them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ingestion.__main__ import main
from ingestion.errors import Busy
from ingestion.lock import warehouse_lock
from tests.ingestion.support import KEY, TOKEN, Deployment, Server
from tests.ingestion.test_pos import Pos, appeal


@pytest.fixture
def deployed(server: Server, deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    deployment.sources["pos"] = {"base_url": server.url, "token_env": "OTKLIK_TEST_TOKEN"}
    Pos(server, [appeal(n) for n in range(1, 4)])
    assert deployment.region
    monkeypatch.chdir(deployment.root)
    for variable, value in {
        "OTKLIK_DATA": str(deployment.root / "data"),
        "OTKLIK_REGIONS": str(deployment.root / "regions"),
        "OTKLIK_HMAC_KEY": KEY,
        "OTKLIK_TEST_TOKEN": TOKEN,
    }.items():
        monkeypatch.setenv(variable, value)
    return deployment


def test_it_prints_what_became_of_everything(
    deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pos"]) == 0
    assert (
        "appeals          received        3  landed        3  quarantined      0" in capsys.readouterr().out
    )
    assert (
        main(
            ["pos", "--region", "test", "--since", "2026-11-02", "--until", "2026-11-03T00:00:00Z", "--json"]
        )
        == 0
    )
    (report,) = json.loads(capsys.readouterr().out)
    assert (report["mode"], report["resources"]["appeals"]["landed"]) == ("window", 1)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["pos", "--region", "nowhere"], 1, "There is no region 'nowhere'; use one of: test."),
        (["vk"], 2, "No region has the source vk"),
        (["vk", "--region", "test"], 1, "The region test has no source vk"),
        (["pos", "--since", "2026-11-02"], 2, "A window needs both ends"),
        (["pos", "--since", "2026-11-02", "--until", "2026-11-01"], 2, "is empty"),
    ],
)
def test_failures_are_one_sentence(
    deployed: Deployment, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert main(arguments) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_one_region_s_trouble_leaves_the_others_read(
    deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    good = (deployed.root / "regions" / "test.yaml").read_text()
    bad = good.replace("region_id: test", "region_id: abroad").replace("OTKLIK_TEST_TOKEN", "NOT_THERE")
    (deployed.root / "regions" / "abroad.yaml").write_text(bad)
    assert main(["pos"]) == 1
    output = capsys.readouterr()
    assert output.err.startswith("abroad: The variable NOT_THERE")
    assert "pos · test" in output.out


def test_wrong_usage_is_code_2() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["fax"])
    assert caught.value.code == 2


def test_help_lists_the_sources() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "ingestion", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    ).stdout
    assert all(source in shown for source in ("registry", "pos", "vk", "incident"))


def test_the_lock_says_who_holds_it_and_dies_with_its_process(deployed: Deployment) -> None:
    code = (
        "import sys; from ingestion.config import load_settings; from ingestion.lock import warehouse_lock\n"
        "with warehouse_lock(load_settings(), 'the nightly refresh'):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    try:
        with (
            pytest.raises(Busy, match=rf"being written by the nightly refresh \(pid {holder.pid}, since 20"),
            warehouse_lock(deployed.settings, "a test", wait=0.2),
        ):
            pass
    finally:
        holder.kill()
        holder.communicate()
    with warehouse_lock(deployed.settings, "a test"):
        pass
