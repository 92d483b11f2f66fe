"""What the tests of ingestion share: a scriptable server and one deployment with one region."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import yaml
from starlette.requests import Request

from ingestion.config import Patience, Region, Settings, load_regions, load_settings

KEY = "6d0f3a7c19e84b52c7f0a1d95be2836440dd87f1c2a95e3b"
TOKEN = "token-that-must-not-leak"
QUICK = Patience(
    connect_timeout=2, read_timeout=2, response_deadline=2, attempts=3, first_wait=0.001, longest_wait=0.01
)

Answer = Callable[[Request, dict[str, Any]], Any]


@dataclass
class Server:
    """Answers every request with `answer(request, form)`: a JSON value or a Response."""

    url: str
    answer: Answer = lambda request, form: {}
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


@dataclass
class Deployment:
    """One region `test` whose sources a test fills in, and its warehouse."""

    root: Path
    sources: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    as_of: str = "2026-11-21T00:00:00Z"
    token: str = TOKEN

    @property
    def settings(self) -> Settings:
        settings = load_settings(
            {
                "OTKLIK_DATA": str(self.root / "data"),
                "OTKLIK_REGIONS": str(self.root / "regions"),
                "OTKLIK_HMAC_KEY": KEY,
                "OTKLIK_AS_OF": self.as_of,
                "OTKLIK_TEST_TOKEN": self.token,
            }
        )
        return settings.model_copy(update={"patience": QUICK})

    @property
    def region(self) -> Region:
        folder = self.root / "regions"
        folder.mkdir(exist_ok=True)
        content = {
            "region_id": "test",
            "name": "Озёрский край",
            "time_zone": "Asia/Yekaterinburg",
            "sources": self.sources,
            **self.extra,
        }
        (folder / "test.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
        return load_regions(self.settings)["test"]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.root / "data" / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def one(self, sql: str) -> Any:
        return self.query(sql)[0][0]
