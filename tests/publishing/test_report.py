"""What a page of the report is made of: places of tiles, words, and nothing that a name could break."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import pytest

from publishing.errors import PublishError
from publishing.report.build import _file, render, words
from publishing.report.data import _RESTATEMENTS, records
from publishing.report.tiles import Place, tiles
from publishing.restatements import RESTATEMENTS

ASSETS = Path(str(files("publishing.report").joinpath("assets")))
HOSTILE = '</script><script>alert(1)</script>{{data}}"\u2028<!--'


def test_north_is_up_and_east_is_right() -> None:
    where = tiles(
        [
            Place("south-west", 44.0, 133.0),
            Place("south-east", 44.2, 136.0),
            Place("north-east", 46.0, 135.0),
            Place("north-west", 46.5, 131.0),
            Place("nowhere", None, None),
        ]
    )

    assert where == {
        "north-west": (1, 1),
        "north-east": (1, 2),
        "south-west": (2, 1),
        "south-east": (2, 2),
        "nowhere": (3, 1),
    }


@pytest.mark.parametrize("count", [0, 1, 2, 7, 16, 17, 27, 94])
def test_no_two_territories_share_a_tile(count: int) -> None:
    places = [
        Place(f"t{number}", (number * 37) % 11 + 50.0, (number * 53) % 17 + 30.0) for number in range(count)
    ]

    where = tiles(places)

    assert where.keys() == {place.territory_id for place in places}
    assert len(set(where.values())) == count
    assert tiles(list(reversed(places))) == where
    assert all(row >= 1 and column >= 1 for row, column in where.values())


def test_both_languages_say_the_same() -> None:
    def shape(content: Any) -> Any:
        if isinstance(content, dict):
            return {key: shape(value) for key, value in content.items()}
        assert isinstance(content, str)
        assert content
        return sorted(re.findall(r"{\w+}", content))

    found = words()
    assert shape(found["ru"]) == shape(found["en"])
    assert len(found["ru"]["definitions"]) > 20


def test_the_scripts_ask_for_words_that_exist_and_use_all() -> None:
    script = "\n".join(path.read_text("utf-8") for path in sorted(ASSETS.glob("*.js")))
    known = words()["ru"]
    missing = {key for key in re.findall(r'say\("(\w+)"', script) if key not in known}
    assert missing == set()
    asked = set(re.findall(r'(?:explain\(|definition: )"(\w+)"', script))
    assert asked - known["definitions"].keys() == set()
    assert {"minutes", "hours", "days"} <= known.keys()
    # Words that are put together (level_red, reason_rules) end in something that only the data tells.
    built = tuple(re.findall(r"say\(`(\w+_)\$", script))
    unused = [
        key
        for key in known
        if key != "definitions"
        and not key.startswith(built)
        and not re.search(rf"\b{key}\b", script)
        and f"{key.removesuffix('_one')}" not in script
        and not key.startswith("fewer_than")
        and key not in _REASONS
    ]
    assert unused == []


def test_every_reason_of_a_restatement_has_words_also_where_there_are_two() -> None:
    reasons = next(column for column in RESTATEMENTS.columns if column.name == "reason").description
    known = re.findall(r"\b[a-z]+(?:_[a-z]+)*", reasons.partition(":")[2])
    assert {"correction", "labels", "later_answers"} <= set(known)
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.restatements (region_id varchar, reason varchar)")
        connection.executemany(
            "insert into marts.restatements values ('north', ?)", [["|".join(known)], ["labels"]]
        )
        told = records(connection, _RESTATEMENTS, {"region": "north"})
    assert {row["reason"]: row["figures"] for row in told} == {**dict.fromkeys(known, 1), "labels": 2}
    assert {f"reason_{reason}" for reason in known} <= words()["ru"].keys()


# Values of marts.authorities_monthly.no_rank_reason, said as they come.
_REASONS = {"no_peer_to_compare_with", "not_in_the_registry"}


def test_a_name_is_never_markup() -> None:
    content = {
        "page": "region",
        "region": {"id": "north", "name": HOSTILE, "time_zone": "UTC", "population": 1},
        "release": {"id": HOSTILE, "as_of": "2026-01-01T00:00:00Z", "git_commit": "unknown"},
        "regions": [{"id": "north", "name": HOSTILE, "file": "index.html"}],
    }

    page = render(content)

    assert page.count("<script") == 2
    assert page.count("</script") == 2
    (embedded,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert json.loads(embedded)["region"]["name"] == HOSTILE
    assert "\u2028" not in embedded


def test_scripts_make_elements_and_ask_no_address() -> None:
    for path in ASSETS.glob("*"):
        text = path.read_text("utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function", text
        ), path
        addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", text))
        assert addresses <= {"http://www.w3.org/2000/svg"}, path


@pytest.mark.parametrize("region_id", ["../up", "a/b", "", "index", "a.b"])
def test_a_region_that_is_no_file_name_is_refused(region_id: str) -> None:
    with pytest.raises(PublishError, match="cannot name a page"):
        _file(region_id)
