"""The region's own files: rows, quarantine, privacy of links, errors."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from ingestion.clock import Window, parse_utc
from ingestion.errors import ContractBroken, UnreadableFile, UsageError
from ingestion.pipeline import ingest
from ingestion.privacy import mask
from ingestion.registry.source import PAGE_HEADERS, community_ids, page_names
from tests.ingestion.support import Deployment

TERRITORIES = """territory_id,name,kind,population,latitude,longitude,aliases
ozersk,Озёрск,городской округ,150000,55.1,60.2,г. Озёрск|Озерск
bad,Плохой,городской округ,много,55.1,60.2,
far,Далёкий,муниципальный район,10,155.1,60.2,
ozersk,Ещё раз,городской округ,1,55,60,
"""
AUTHORITIES = """authority_id,name,authority_kind,level,territory_id,ogrn,opa_id,page_exemption
a1,Администрация,municipality,municipal,ozersk,1027200000001,24,
a2,Министерство,government,regional,,12345,25,
"""


def pages(path: Path, rows: list[dict[str, Any]]) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for column, (field, headers) in enumerate(PAGE_HEADERS.items()):
            sheet.write(0, column, headers[0])
            for line, row in enumerate(rows, start=1):
                sheet.write(line, column, row.get(field, ""))


@pytest.fixture
def folder(deployment: Deployment) -> Path:
    folder = deployment.root / "registry"
    folder.mkdir()
    deployment.sources["registry"] = {"folder": "../registry"}
    deployment.extra["opened_on"] = "2026-08-23"
    deployment.extra["review_periods"] = [{"from": "2026-08-23", "to": "2026-11-21"}]
    fixed = {"method": "fixed", "measure": "count", "red_from": 9, "yellow_from": 5}
    deployment.extra["heat_rule"] = [fixed, {**fixed, "from": "2026-10-01", "red_from": 12}]
    (folder / "territories.csv").write_text(TERRITORIES, "utf-8")
    (folder / "authorities.csv").write_text(AUTHORITIES, "utf-8-sig")
    base = {"organisation": "Школа", "ogrn": "1027200000001"}
    pages(
        folder / "gospublics.xlsx",
        [
            {
                **base,
                "group_id": 101,
                "link": "https://vk.com/club101",
                "has_mark": "да",
                "is_connected": "Нет",
                "design_percent": 85.5,
                "widgets": 2,
                "members_count": "1 200",
                "mean_post_reach": "12,5",
            },
            {**base, "link": "https://vk.com/id777", "no_page_reason": "ведёт директор, тел. 89123456789"},
            {"organisation": "Без всего"},
            {**base, "group_id": 102, "has_mark": "может быть"},
            {**base, "group_id": 101},
        ],
    )
    return folder


@pytest.mark.parametrize("name", ["Школа 🙂 👩‍👩‍👧‍👦", "Я" * 32_767, "9223372036854775807"])
def test_odd_cells_land(folder: Path, deployment: Deployment, name: str) -> None:
    pages(
        folder / "gospublics.xlsx", [{"organisation": name, "group_id": 2**40 + 1, "ogrn": "1027200000001"}]
    )
    ingest("registry", deployment.region, deployment.settings)
    assert deployment.query("select organisation, vk_owner_id from raw.registry_pages") == [
        (mask(name), -(2**40) - 1)
    ]


def test_everything_lands_or_is_quarantined(folder: Path, deployment: Deployment) -> None:
    report = ingest("registry", deployment.region, deployment.settings)
    counts = {name: (t.received, t.landed, t.quarantined) for name, t in report.resources.items()}
    assert counts == {
        "regions": (1, 1, 0),
        "heat_rules": (2, 2, 0),
        "review_periods": (1, 1, 0),
        "territories": (4, 1, 3),
        "authorities": (2, 1, 1),
        "pages": (5, 3, 2),
    }
    assert deployment.query("select opened_on::text from raw.registry_regions") == [("2026-08-23",)]
    assert deployment.query(
        "select valid_from::text, heat_method, heat_red_from from raw.registry_heat_rules order by 1"
    ) == [("1900-01-01", "fixed", 9.0), ("2026-10-01", "fixed", 12.0)]
    rows = deployment.query(
        "select page_ref, vk_owner_id, link_host, has_mark, is_connected, design_percent, widgets,"
        " members_count, mean_post_reach, no_page_reason from raw.registry_pages"
        " order by vk_owner_id nulls last, page_ref desc"
    )
    assert rows[0] == ("vk:101", -101, "vk.com", True, False, 85.5, 2, 1200, 12.5, None)
    assert rows[1][0].startswith("ogrn:") or rows[1][0].startswith("name:")
    everything = str(deployment.query("select * exclude (_dlt_load_id, fetched_at) from raw.registry_pages"))
    assert "777" not in everything
    assert "89123456789" not in everything
    reasons = deployment.query("select source_ref, reason from raw.quarantine order by 1")
    assert reasons == [
        ("authorities.csv:3", "unreadable value"),
        ("gospublics.xlsx:5", "unreadable value"),
        ("gospublics.xlsx:6", "duplicate key"),
        ("territories.csv:3", "unreadable value"),
        ("territories.csv:4", "unreadable value"),
        ("territories.csv:5", "duplicate key"),
    ]


def test_communities_come_from_the_export(folder: Path, deployment: Deployment) -> None:
    registry = deployment.region.sources.registry
    assert registry is not None
    assert community_ids(registry) == [101, 102]


def test_it_has_no_windows(folder: Path, deployment: Deployment) -> None:
    window = Window(parse_utc("2026-11-01"), parse_utc("2026-11-02"))
    with pytest.raises(UsageError, match="no history to read by window"):
        ingest("registry", deployment.region, deployment.settings, window)


def test_broken_files_are_sentences(folder: Path, deployment: Deployment) -> None:
    (folder / "territories.csv").write_text("territory_id,name\n1,2\n")
    with pytest.raises(ContractBroken, match=r"territories\.csv lacks the columns kind, population"):
        ingest("registry", deployment.region, deployment.settings)
    (folder / "territories.csv").write_bytes("territory_id,имя\n".encode("cp1251"))
    with pytest.raises(UnreadableFile, match=r"territories\.csv is not a UTF-8 CSV"):
        ingest("registry", deployment.region, deployment.settings)
    shutil.rmtree(folder)
    with pytest.raises(UnreadableFile, match="does not exist"):
        ingest("registry", deployment.region, deployment.settings)


def test_pages_of_other_networks_are_known_by_their_links(folder: Path, deployment: Deployment) -> None:
    links = [
        "https://t.me/Ozersk_Official",
        "t.me/+AbCdEf",
        "https://ok.ru/group/70000000000001",
        "https://m.ok.ru/ozersk",
        "https://ok.ru/profile/571234567890",
        "https://max.ru/id7700000000_gos",
        "https://max.ru/id771234567890",
        "https://max.ru/u/f9LHodD0cOIabc",
        "https://web.max.ru/ozersk",
        "https://vk.com/Ozersk",
    ]
    pages(
        folder / "gospublics.xlsx",
        [{"organisation": f"Страница {n}", "link": link} for n, link in enumerate(links)],
    )
    registry = deployment.region.sources.registry
    assert registry is not None
    assert page_names(registry, "telegram") == ["ozersk_official"]
    assert page_names(registry, "ok") == ["70000000000001", "ozersk"]
    assert page_names(registry, "max") == ["id7700000000_gos", "ozersk"]
    ingest("registry", deployment.region, deployment.settings)
    rows = deployment.query("select link_host, link_name from raw.registry_pages order by organisation")
    assert rows == [
        ("t.me", "ozersk_official"),
        ("t.me", None),
        ("ok.ru", "70000000000001"),
        ("ok.ru", "ozersk"),
        ("ok.ru", None),
        ("max.ru", "id7700000000_gos"),
        ("max.ru", None),
        ("max.ru", None),
        ("web.max.ru", "ozersk"),
        ("vk.com", "ozersk"),
    ]
