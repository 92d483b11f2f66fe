"""What strikes which connector, one small region that has all of them, and what may differ afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from ingestion.config import Patience, Region, load_regions
from ingestion.errors import IngestionError
from ingestion.inbox.serve import receiving
from ingestion.pipeline import LoadReport, ingest
from ingestion.sources import SOURCES
from sandbox.documents import read_yaml
from sandbox.kit import Sandbox, launch
from tests.ingestion.network_support import QUICK, Desk

STREET = Path(__file__).parents[2] / "sandbox" / "scenarios" / "every-channel.yaml"
END = "2026-03-29T14:00:00Z"
EMOJI = "👩‍👩‍👧‍👦🏳️‍🌈🇷🇺"
_BOOKS = ("_dlt_load_id", "fetched_at")
_WORDS = {"text", "question", "description", "status_notes", "option"}  # columns that hold people's words

# Pages so small that every list has several; the sandbox counts them as the real services do.
_PAGE_SIZES = {
    "ingestion.vk.walls.PAGE": 20,
    "ingestion.vk.comments.PAGE": 5,
    "ingestion.vk.boards.PAGE": 4,
    "ingestion.vk.mentions.SEARCH_PAGE": 10,
    "ingestion.ok.source.PAGE": 5,
    "ingestion.max.client.PAGE": 15,
    "ingestion.max.source.BATCH": 60,
    "ingestion.telegram.source.BATCH": 100,
}

# Lists that the street's region fills with one page only.
_OF_ONE_PAGE = {
    "/chats",
    "groups.getById",
    "stats.get",
    "group.getInfo",
    "/pos/api/v1/votes",
    "board.getTopics",
}
PAGES = ("page_repeated", "page_lost", "items_moved")


@dataclass(frozen=True)
class Connector:
    """`lists`: methods that answer with pages; `text`, `needed`: (method, field) of words, and of what no
    object can do without; `large`: the field of an id that may be any number (those of ПОС are texts);
    `identity`: the column of raw that it makes."""

    name: str
    path: str
    lists: tuple[str, ...]
    text: tuple[tuple[str, str], ...]
    needed: tuple[str, str]
    large: str = ""
    identity: str = "author_key"

    def fault(self, kind: str, method: str = "", **more: Any) -> dict[str, Any]:
        """A fault of this connector alone; ПОС tells its lists by the path."""
        if kind in PAGES:
            more = {"skip": int(method not in _OF_ONE_PAGE), **more}
        if method.startswith("/pos"):
            return {"kind": kind, "path_contains": method, **more}
        return {"kind": kind, "path_contains": self.path, "method": method, **more}


CONNECTORS = {
    one.name: one
    for one in (
        Connector(
            "vk",
            "/vk/",
            (
                "wall.get",
                "wall.getComments",
                "board.getTopics",
                "board.getComments",
                "newsfeed.search",
                "groups.getById",
                "stats.get",
            ),
            (("wall.getComments", "text"), ("wall.get", "text"), ("board.getComments", "text")),
            ("wall.getComments", "date"),
            "from_id",
        ),
        Connector(
            "ok",
            "/ok/",
            ("discussions.getList", "discussions.getComments", "mediatopic.getByIds", "group.getInfo"),
            (("discussions.getComments", "text"), ("mediatopic.getByIds", "text")),
            ("discussions.getComments", "date"),
            "author_id",
        ),
        Connector(
            "telegram",
            "/telegram/",
            ("getUpdates",),
            (("getUpdates", "text"),),
            ("getUpdates", "date"),
            "id",
        ),
        Connector(
            "max",
            "/max/",
            ("/messages", "/updates", "/chats"),
            (("/messages", "text"), ("/updates", "text")),
            ("/messages", "timestamp"),
            "user_id",
        ),
        Connector(
            "pos",
            "/pos/",
            ("/pos/api/v1/appeals", "/pos/api/v1/votes"),
            (("/pos/api/v1/appeals", "text"),),
            ("/pos/api/v1/appeals", "registered_at"),
        ),
        Connector(
            "open311",
            "/open311/",
            ("requests.json",),
            (("requests.json", "description"), ("requests.json", "status_notes")),
            ("requests.json", "service_request_id"),
            "service_request_id",
            "service_request_id",
        ),
    )
}


@contextmanager
def played_street(folder: Path) -> Iterator[Sandbox]:
    """The street's region with short pages, no limits that slow tests down, and a vote in ПОС."""
    told = read_yaml(STREET)
    told["pos"] = {"page_size": 60, "requests_per_second": 900}
    told["open311"] = {"page_size": 10, "requests_per_second": 900}
    for network in ("ok", "telegram", "max"):
        told[network] = {**told.get(network, {}), "requests_per_second": 900}
    vote = {**told["surveys"][0], "id": "vote", "channel": "pos"}
    told["surveys"].append(vote)
    scenario = folder / "street.yaml"
    scenario.write_text(yaml.safe_dump(told, allow_unicode=True), "utf-8")
    with launch(scenario, folder / "data") as sandbox:
        yield sandbox


def short_pages(patch: pytest.MonkeyPatch) -> None:
    for name, size in _PAGE_SIZES.items():
        patch.setattr(name, size)


@dataclass
class Street(Desk):
    """A deployment on the street."""

    as_of: str = END
    patience: Patience = QUICK

    @property
    def region(self) -> Region:
        return load_regions(self.settings)["street"]

    def strike(self, *faults: dict[str, Any]) -> None:
        self.sandbox.faults(list(faults))

    @property
    def waiting(self) -> list[dict[str, Any]]:
        """Faults that nothing has met yet."""
        found: list[dict[str, Any]] = self.sandbox.control("GET", "faults")
        return found

    def fails(self, source: str) -> str:
        """The sentence with which a load ends that keeps nothing; empty where it ends well."""
        before = self.rows(source) if (self.root / "warehouse.duckdb").exists() else None
        try:
            self.load(source)
        except IngestionError as error:
            said = str(error)
            assert "; " in said, said
            assert said.endswith("."), said
            assert "\n" not in said, said
            # Telegram and MAX are read in several loads, of which the first ones may have ended well.
            assert before is None or all(self.rows(source)[name] >= rows for name, rows in before.items())
            return said
        return ""

    def load_pushed(self, **more: Any) -> LoadReport:
        """What Viber pushes, received and landed."""
        with receiving(self.settings) as url:
            self.sandbox.deliver_viber(f"{url}/viber/street", **more)
        return ingest("viber", self.region, self.settings)

    def rows(self, source: str) -> dict[str, Counter[tuple[Any, ...]]]:
        """Every distinct row of the source's raw tables, without the books."""
        found = {}
        with duckdb.connect(str(self.root / "warehouse.duckdb"), read_only=True) as connection:
            for table in SOURCES[source].tables:
                shown = ", ".join(c.name for c in table.all_columns if c.name not in _BOOKS)
                rows = connection.execute(f"select distinct {shown} from raw.{table.name}").fetchall()
                found[table.name] = Counter(rows)
        return found

    def state(self, source: str) -> dict[str, Counter[tuple[Any, ...]]]:
        """The newest version of every object, without the books."""
        found = {}
        books = "(select distinct _dlt_load_id, load_seq from raw.loads)"
        for table in SOURCES[source].tables:
            shown = ", ".join(c.name for c in table.all_columns if c.name not in _BOOKS)
            key = ", ".join(c.name for c in table.all_columns if c.key)
            rows = self.query(
                f"select {shown} from raw.{table.name} join {books} using (_dlt_load_id) qualify"
                f" row_number() over (partition by {key} order by load_seq desc) = 1"
            )
            found[table.name] = Counter(rows)
        return found

    def quarantined(self, source: str) -> list[tuple[str, str]]:
        """What was set aside: its reference and the reason."""
        return [
            (row[0], row[1])
            for row in self.query(
                f"select source_ref, reason from raw.quarantine where source = '{source}' order by all"
            )
        ]


def spoiled_only(source: str, got: Any, clean: Any) -> list[str]:
    """What differs beyond words that became longer in the sandbox's way; empty where nothing does."""
    missed, extra = lost(source, got, clean), lost(source, clean, got)
    return (
        [f"lost {len(missed)}: {missed[:1]}", f"extra {len(extra)}: {extra[:1]}"] if missed or extra else []
    )


def lost(source: str, got: Any, clean: Any) -> list[tuple[Any, ...]]:
    """Rows of a clean warehouse that are not there, whatever became of their words."""
    found = []
    for table in SOURCES[source].tables:
        names = [c.name for c in table.all_columns if c.name not in _BOOKS]
        words = [n for n, name in enumerate(names) if name in _WORDS]
        there = {_unspoiled(row, words) for row in got[table.name]}
        found += [(table.name, *row) for row in clean[table.name] if _unspoiled(row, words) not in there]
    return found


def identities(connector: Connector, state: Any) -> Counter[Any]:
    """How many rows of the newest state each person, or request, has in each table."""
    found: Counter[Any] = Counter()
    for table in SOURCES[connector.name].tables:
        names = [c.name for c in table.all_columns if c.name not in _BOOKS]
        if connector.identity in names:
            place = names.index(connector.identity)
            found.update((table.name, row[place]) for row in state[table.name].elements())
    return found


def _unspoiled(row: tuple[Any, ...], words: list[int]) -> tuple[Any, ...]:
    """The row with its words as they were: without what spoiling puts at their end."""
    return tuple(
        value.rstrip("ы").strip().removesuffix(EMOJI).strip()
        if n in words and isinstance(value, str)
        else value
        for n, value in enumerate(row)
    )


# Each of them lets the next attempt through, so that one load meets them all.
def bad_hours(connector: Connector) -> list[dict[str, Any]]:
    """Every HTTP class once, none twice in a row beyond what is tried again."""
    kinds: list[dict[str, Any]] = [
        {"kind": "http_429", "retry_after": 1},
        {"kind": "http_429", "retry_after": None},
        {"kind": "http_500"},
        {"kind": "http_502"},
        {"kind": "http_503"},
        {"kind": "timeout", "seconds": 1},
        {"kind": "slow", "seconds": 3},
        {"kind": "disconnect"},
        {"kind": "truncated"},
    ]
    # A fault is asked only after those before it have passed the request on.
    return [{**one, "path_contains": connector.path, "skip": int(n > 0)} for n, one in enumerate(kinds)]


def bad_luck(connector: Connector, seed: int, share: float, times: int) -> list[dict[str, Any]]:
    """Every class at once, each request struck by each with the same probability."""
    luck = {"share": share, "seed": seed, "times": times}
    quick = {"http_429": {"retry_after": None}, "timeout": {"seconds": 0.7}, "slow": {"seconds": 1.5}}
    https = ("http_429", "http_500", "http_502", "http_503", "timeout", "slow", "disconnect", "truncated")
    faults = [
        {"kind": kind, "path_contains": connector.path, **quick.get(kind, {}), **luck} for kind in https
    ]
    lists = [method for method in connector.lists if method not in _OF_ONE_PAGE]
    for n, kind in enumerate(PAGES):
        faults.append(connector.fault(kind, lists[n % len(lists)], **luck) | {"skip": 0})
    method, field = connector.needed
    faults += [
        connector.fault(kind, method, field=field, **luck)
        for kind in ("type_flip", "missing_key", "null_value", "unknown_field")
    ]
    method, field = connector.text[0]
    return faults + [
        connector.fault(kind, method, field=field, **luck) for kind in ("emoji_text", "nul_text", "long_text")
    ]


OUTAGES: dict[str, tuple[dict[str, Any], str]] = {
    "429 with a hint": ({"kind": "http_429", "retry_after": 1}, "HTTP 429 … after all retries"),
    "429 without a hint": ({"kind": "http_429", "retry_after": None}, "HTTP 429 … after all retries"),
    "500": ({"kind": "http_500"}, "HTTP 500 (http_500) after all retries"),
    "502": ({"kind": "http_502"}, "HTTP 502 (http_502) after all retries"),
    "503": ({"kind": "http_503"}, "HTTP 503 (http_503) after all retries"),
    "time-out": ({"kind": "timeout", "seconds": 1}, "does not answer in time"),
    "slow drip": ({"kind": "slow", "seconds": 3}, "does not answer in time"),
    "disconnect": ({"kind": "disconnect"}, "breaks its answers off"),
    "truncated": ({"kind": "truncated"}, "does not answer with readable JSON"),
}
