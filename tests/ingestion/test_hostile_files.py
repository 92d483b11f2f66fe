"""Files made to harm: refused before anything of them is parsed, with a sentence, and nothing half-landed."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ingestion import spreadsheet
from ingestion.config import load_regions
from ingestion.errors import ConfigError, UnreadableFile
from ingestion.pipeline import ingest
from publishing.errors import PublishError
from publishing.release import Shelf
from tests.ingestion.support import Deployment

ROOT = Path(__file__).parents[2]


def many_entries(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(spreadsheet.MAX_ENTRIES + 1):
            archive.writestr(f"xl/{number}", "")


def ratio(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)


def forged_size(path: Path) -> None:
    """It says that it unzips to 1000 bytes; it holds sixty million."""
    ratio(path)
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = content.find(mark) + offset
        content[place : place + 4] = struct.pack("<I", 1000)
    path.write_bytes(content)


def one_for_all(path: Path) -> None:
    """A hundred entries that all unzip from the same place."""
    ratio(path)
    content = path.read_bytes()
    start = content.find(b"PK\x01\x02")
    end = content.find(b"PK\x05\x06")
    entry = content[start:end]
    tail = bytearray(content[end:])
    tail[8:12] = struct.pack("<HH", 100, 100)
    tail[12:16] = struct.pack("<I", len(entry) * 100)
    path.write_bytes(content[:start] + entry * 100 + bytes(tail))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (many_entries, "holds 151 files, more than any workbook has; check where it comes from"),
        (ratio, "refused as a zip bomb; check where it comes from"),
        (forged_size, "is damaged, or holds more than it says; check where it comes from"),
        (one_for_all, "refused as a zip bomb|is not an XLSX file|holds more than it says"),
    ],
)
def test_a_workbook_made_to_harm_is_refused(
    deployment: Deployment, make: Callable[[Path], None], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheet, "MAX_ENTRIES", 150)
    folder = deployment.root / "in"
    folder.mkdir()
    make(folder / "a.xlsx")
    for source in ("incident", "surveys"):
        deployment.sources = {source: {"folder": "../in"}}
        with pytest.raises(UnreadableFile, match=said):
            ingest(source, deployment.region, deployment.settings)
    assert deployment.one("select count(*) from raw.loads") == 0


def test_a_text_that_is_too_large_is_never_read(
    deployment: Deployment,
) -> None:
    """A sparse file of ten gigabytes, which nobody could read in the time of this test."""
    folder = deployment.root / "in"
    folder.mkdir()
    for source, name in (("surveys", "a.csv"), ("registry", "territories.csv"), ("incident", "a.xlsx")):
        with (folder / name).open("wb") as file:
            file.truncate(10 * 2**30)
        deployment.sources = {source: {"folder": "../in"}}
        with pytest.raises(UnreadableFile, match=r"has 10240 MB, more than the limit of 200 MB; export it"):
            ingest(source, deployment.region, deployment.settings)
        (folder / name).unlink()


def test_a_link_does_not_lead_out_of_the_folder(deployment: Deployment) -> None:
    folder = deployment.root / "in"
    folder.mkdir()
    (deployment.root / "secret.csv").write_text("a;b\n", "utf-8")
    (folder / "a.csv").symlink_to(deployment.root / "secret.csv")
    deployment.sources["surveys"] = {"folder": "../in"}
    with pytest.raises(UnreadableFile, match=r"leads out of its folder; put the file itself there"):
        ingest("surveys", deployment.region, deployment.settings)


@pytest.mark.parametrize("release", ["../../..", "..", "a/b", "/etc", "", "."])
def test_a_release_is_named_by_its_id_alone(tmp_path: Path, release: str) -> None:
    shelf = Shelf(tmp_path / "data" / "published")
    shelf.releases.mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "data", shelf.root, shelf.releases):
        (folder / "manifest.json").write_text("{}", "utf-8")
    with pytest.raises(PublishError, match="There is no release"):
        shelf.manifest(release)


@pytest.mark.parametrize(
    "name", ["demo'; drop schema raw; --", "../demo", "demo region", "Demo", "", "дем", 'demo"x', "demo\n"]
)
def test_names_that_reach_sql_and_paths_are_plain_words(deployment: Deployment, name: str) -> None:
    deployment.extra = {"region_id": name}
    with pytest.raises(ConfigError, match="region_id"):
        _ = deployment.region
    deployment.extra = {}
    settings = deployment.settings
    assert list(load_regions(settings) if deployment.region else {}) == ["test"]


def test_nothing_of_ours_but_the_workbook_writes_spreadsheets() -> None:
    """A cell that begins with = is a formula for whoever opens it: releases are Parquet, and the rooms that
    hold citizens' words have no way to write a CSV or a workbook. The report's workbook holds marts alone;
    tests/publishing/test_workbook.py opens what it writes of hostile names."""
    writer = re.compile(
        r"csv\.writer|DictWriter|xlsxwriter|openpyxl|to_csv|to_excel|format csv", re.IGNORECASE
    )
    rooms = ("ingestion", "publishing", "orchestration", "quality")
    paths = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    assert len(paths) > 100
    assert writer.search("csv.writer(file)")
    assert [path.name for path in paths if writer.search(path.read_text("utf-8"))] == ["workbook.py"]
