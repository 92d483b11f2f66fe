"""What stands beside the report: checks with their reasons, on pages that show text as text."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from publishing.catalogue import PublishedColumn, PublishedTable
from publishing.report.companions import check_meanings, markdown, write_companions

HOSTILE = "<img src=x onerror=alert(1)>"
TEST = "test.otklik.unique_combination_a.1"
MANIFEST = {
    "id": "20260401T000000Z-abc",
    "as_of": "2026-04-01T00:00:00Z",
    "git_commit": "c0ffee",
    "watermarks": [{"region_id": "north", "source": HOSTILE, "fetched_at": "2026-04-01T00:00:00Z"}],
    "tables": {"marts/a": {"rows": 3, "files": [{}]}},
    "checks": {
        "gate": [
            {
                "name": "few_rows",
                "table": "raw.quarantine",
                "why": HOSTILE,
                "passed": False,
                "failed": 2,
                "checked": 9,
            }
        ],
        "dbt_marts": [{"name": TEST, "status": "pass", "failed": 0}],
    },
}


@pytest.fixture
def dbt_manifest(tmp_path: Path) -> Path:
    model = {"resource_type": "model", "schema": "marts", "name": "a"}
    metadata = {"name": "unique_combination", "kwargs": {"columns": ["region_id", "local_date"]}}
    test = {
        "resource_type": "test",
        "name": "unique_combination_a",
        "attached_node": "model.otklik.a",
        "test_metadata": metadata,
        "description": "",
        "column_name": None,
    }
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"nodes": {"model.otklik.a": model, TEST: test}}), "utf-8")
    return path


def test_each_check_says_what_it_asks_and_what_came_of_it(dbt_manifest: Path, tmp_path: Path) -> None:
    table = PublishedTable("marts", "a", HOSTILE, (PublishedColumn("x", HOSTILE, "Икс"),), False)
    measures = tmp_path / "measures.md"
    measures.write_text(f"# Measures\n{HOSTILE}\n\n| a | b |\n|---|---|\n| [c](d.md) | `e` |\n", "utf-8")

    pages = {
        path.name: path.read_text("utf-8")
        for path in write_companions(tmp_path, MANIFEST, [table], dbt_manifest, measures)
    }

    assert set(pages) == {"index.html", "quality.html", "tables.html", "measures.html"}
    rows = re.findall(r"<tr( id=[^>]*)?>(.*?)</tr>", pages["quality.html"])
    told = [re.sub(r"<[^>]+>", "|", cells) for _, cells in rows]
    assert any("few_rows" in row and "✗" in row and "2 из 9" in row for row in told)
    assert any("marts.a: region_id, local_date" in row and "✓" in row for row in told)
    assert f'id="{TEST}"' in pages["quality.html"]
    assert "<td>c</td><td>" in pages["measures.html"].replace("\n", "")
    for name, page in pages.items():
        assert "<img" not in page, name
        assert "<script" not in page, name
        for link in re.findall(r'href="([^"]+)"', page):
            if link not in ("data:,", "report/index.html", "report/report.xlsx", "manifest.json"):
                assert link in pages


def test_every_kind_of_dbt_test_has_words() -> None:
    from orchestration.dbt_manifest import ensure_manifest

    meanings = check_meanings(ensure_manifest())

    assert len(meanings) > 150
    assert [key for key, (what, why) in meanings.items() if not what.strip(". ") or not why] == []


def test_markdown_has_no_markup_of_its_own() -> None:
    assert "<img" not in markdown(HOSTILE)
