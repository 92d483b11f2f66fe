"""What the tests of OK, Telegram and MAX share: a played region, and what its truth says of raw rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import yaml

from ingestion.clock import Window
from ingestion.config import Patience, Region, Settings, load_regions, load_settings
from ingestion.pipeline import LoadReport, ingest
from ingestion.sources import SOURCES
from sandbox.kit import Sandbox, launch
from tests.networks import document

END = "2026-03-15T14:00:00Z"
QUICK = Patience(
    connect_timeout=2,
    read_timeout=0.5,
    response_deadline=0.6,
    attempts=3,
    first_wait=0.001,
    longest_wait=0.01,
)
DAY = 86_400
_TEXTS = {"text", "pos_link", "name"}


@contextmanager
def played(folder: Path, *networks: str, **more: Any) -> Iterator[Sandbox]:
    """A running region with the quotas and pages of the named networks only."""
    told = document(**more)
    told["quotas"] = [quota for quota in told["quotas"] if quota["source"] in networks]
    told["pages"] = [page for page in told["pages"] if page.get("network", "vk") in {"vk", *networks}]
    told["telegram"]["updates_live_hours"] = told["telegram"].get("updates_live_hours", 24 * 400)
    scenario = folder / "mine.yaml"
    scenario.write_text(yaml.safe_dump(told, allow_unicode=True), "utf-8")
    with launch(scenario, folder / "data") as running:
        yield running


@dataclass
class Desk:
    """One deployment against a sandbox."""

    sandbox: Sandbox
    root: Path
    as_of: str = END
    patience: Patience = QUICK
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        env = {**self.sandbox.env, "OTKLIK_DATA": str(self.root), "OTKLIK_AS_OF": self.as_of, **self.more}
        return load_settings(env).model_copy(update={"patience": self.patience})

    @property
    def region(self) -> Region:
        return load_regions(self.settings)["mine"]

    def pass_time(self, moment: str) -> None:
        """Now is `moment`, for the sandbox and for the deployment."""
        self.sandbox.set_now(moment)
        self.as_of = moment

    def load(self, source: str, window: Window | None = None) -> LoadReport:
        return ingest(source, self.region, self.settings, window)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.root / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def newest(self, source: str, *tables: str, texts: bool = True) -> dict[str, list[tuple[Any, ...]]]:
        """The newest version of every object, as staging sees it."""
        found = {}
        for name in tables or ("posts", "messages"):
            table = SOURCES[source].resources[name]
            key = ", ".join(column.name for column in table.columns if column.key)
            shown = [c.name for c in table.columns if texts or c.name not in _TEXTS]
            found[name] = self.query(
                f"select {', '.join(shown)} from raw.{table.name}"
                " join raw.loads as l on l.resource = 'pages' and l._dlt_load_id = "
                f"raw.{table.name}._dlt_load_id"
                f" qualify row_number() over (partition by {key} order by load_seq desc) = 1 order by all"
            )
        return found

    def judged(self, source: str) -> tuple[int, int, int]:
        """Appeals, answered ones and answers that the raw rows hold."""
        rows = self.query(
            "select page_id, chat_id, message_id, reply_to, place, author_kind, created_at, is_deleted"
            f" from raw.{source}_messages join raw.loads as l on l.resource = 'pages'"
            f" and l._dlt_load_id = raw.{source}_messages._dlt_load_id"
            " qualify row_number() over (partition by page_id, chat_id, message_id"
            " order by load_seq desc) = 1"
        )
        parents = {row[:3]: (*row[:2], row[3]) if row[3] else None for row in rows if row[4] == "post"}
        answers: dict[Any, int] = {
            row[:3]: 0 for row in rows if row[4:6] == ("post", "citizen") and not row[3] and not row[7]
        }
        for row in rows:
            if row[4:6] == ("post", "page") and row[3]:
                root: Any = row[:3]
                while parents.get(root):
                    root = parents[root]
                if root in answers:
                    answers[root] += 1
        chats: dict[Any, list[tuple[datetime, str]]] = {}
        for row in rows:
            if row[4] == "chat" and row[5] != "service" and not row[7]:
                chats.setdefault(row[:2], []).append((row[6], row[5]))
        sessions = [count for messages in chats.values() for count in _sessions(sorted(messages))]
        every = [*answers.values(), *sessions]
        return len(every), sum(count > 0 for count in every), sum(every)


def _sessions(messages: list[tuple[datetime, str]]) -> list[int]:
    """Answers in each session of one chat."""
    counts: list[int] = []
    last: datetime | None = None
    for moment, kind in messages:
        if kind == "citizen" and (last is None or (moment - last).total_seconds() >= DAY):
            counts.append(0)
        elif kind != "citizen":
            counts[-1] += 1
        last = moment
    return counts


def truth_of(sandbox: Sandbox, source: str) -> tuple[int, int, int]:
    """Appeals, answered ones and responses of the source, as the scenario says."""
    counts = sandbox.truth_now()["counts"]
    names = ("appeals_by_source", "answered_by_source", "responses_by_source")
    appeals, answered, responses = (int(counts[name][source]) for name in names)
    return appeals, answered, responses


def landed(report: LoadReport) -> dict[str, int]:
    return {name: tally.landed for name, tally in report.resources.items() if tally.landed}


# What bad days bring; each strikes one answer or a few.
TROUBLES: dict[str, list[dict[str, Any]]] = {
    "429 with a hint": [{"kind": "http_429", "retry_after": 1, "times": 2}],
    "429 without a hint": [{"kind": "http_429", "retry_after": None, "times": 2}],
    "500, 502, 503": [{"kind": "http_500"}, {"kind": "http_502", "skip": 1}, {"kind": "http_503", "skip": 2}],
    "time-out": [{"kind": "timeout", "seconds": 1}],
    "slow drip": [{"kind": "slow", "seconds": 3}],
    "truncated": [{"kind": "truncated", "times": 2}],
    "breaks off": [{"kind": "disconnect", "times": 2}],
}
