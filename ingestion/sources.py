"""The registry of sources: what exists, which tables each fills, how to get its reader.

Cheap to import (no dlt, no pyarrow), because orchestration builds its asset graph from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ingestion import accounting
from ingestion.activities import schema as activities
from ingestion.errors import UsageError
from ingestion.files import schema as files
from ingestion.incident import schema as incident
from ingestion.labels import schema as labels
from ingestion.max import schema as max_schema
from ingestion.ok import schema as ok
from ingestion.open311 import schema as open311
from ingestion.pos import schema as pos
from ingestion.registry import schema as registry
from ingestion.surveys import schema as surveys
from ingestion.tables import RawTable
from ingestion.telegram import schema as telegram
from ingestion.viber import schema as viber
from ingestion.vk import schema as vk

if TYPE_CHECKING:
    from ingestion.check import Probe
    from ingestion.config import Region, Settings
    from ingestion.run import Batch, Run

    Reader = Callable[[Run], Iterator[Batch]]
    Prober = Callable[[Region, Settings], Probe]


@dataclass(frozen=True)
class SourceSpec:
    """A source: `windowed` says whether any past window can be read again, `polled` whether it is cheap
    to read every minute."""

    name: str
    description: str
    tables: tuple[RawTable, ...]
    windowed: bool
    polled: bool

    @property
    def resources(self) -> dict[str, RawTable]:
        """Resource name → raw table; a source's table is called <source>_<resource>."""
        return {table.name.removeprefix(f"{self.name}_"): table for table in self.tables}

    def reader(self) -> Reader:
        """The generator function that reads the source; imported only now, because it is heavy."""
        reader: Reader = import_module(f"ingestion.{self.name}.source").read
        return reader

    def prober(self) -> Prober:
        """The function that asks the source whether we can read it; a source of files is its folder."""
        if find_spec(f"ingestion.{self.name}.probe") is None:
            from ingestion.folders import prober_of

            return prober_of(self.name)
        prober: Prober = import_module(f"ingestion.{self.name}.probe").probe
        return prober


SOURCES: dict[str, SourceSpec] = {
    spec.name: spec
    for spec in (
        SourceSpec(
            "registry",
            "Region, territories, authorities and official pages, from files.",
            registry.TABLES,
            windowed=False,
            polled=False,
        ),
        SourceSpec(
            "pos",
            "Appeals of the state feedback platform ПОС, by REST.",
            pos.TABLES,
            windowed=True,
            polled=True,
        ),
        SourceSpec(
            "vk",
            "Official communities of VK: posts, comments, mentions, statistics.",
            vk.TABLES,
            windowed=True,
            polled=True,
        ),
        SourceSpec(
            "incident",
            "XLSX exports of «Инцидент Менеджмент».",
            incident.TABLES,
            windowed=True,
            polled=True,
        ),
        SourceSpec(
            "ok",
            "Official groups of OK: posts and comments.",
            ok.TABLES,
            windowed=True,
            polled=True,
        ),
        SourceSpec(
            "telegram",
            "Official channels of Telegram with their discussions, and the chats of a bot.",
            telegram.TABLES,
            windowed=False,
            polled=True,
        ),
        SourceSpec(
            "max",
            "Official channels of MAX with their discussions, and the dialogs of a bot.",
            max_schema.TABLES,
            windowed=True,
            polled=True,
        ),
        SourceSpec(
            "viber",
            "The chats of a Viber bot, from the inbox.",
            viber.TABLES,
            windowed=False,
            polled=True,
        ),
        SourceSpec(
            "open311",
            "Service requests of any city that speaks Open311 GeoReport v2.",
            open311.TABLES,
            windowed=True,
            polled=True,
        ),
        SourceSpec(
            "files",
            "CSV, XLSX, JSONL and Parquet of any system, by a mapping.",
            files.TABLES,
            windowed=True,
            polled=True,
        ),
        SourceSpec(
            "surveys",
            "Surveys and their results, from XLSX and CSV files.",
            surveys.TABLES,
            windowed=False,
            polled=True,
        ),
        SourceSpec(
            "activities",
            "Broadcasts, trainings, materials and decisions, from XLSX and CSV files.",
            activities.TABLES,
            windowed=False,
            polled=True,
        ),
    )
}


@dataclass(frozen=True)
class Made(SourceSpec):
    """Rows that the platform makes itself, of what stands in raw: no source, but landed like one."""

    made_by: Reader | None = None

    def reader(self) -> Reader:
        """What makes the rows; given by whoever lands them."""
        if self.made_by is None:
            raise UsageError(f"{self.name} is made, not read", "land it with ingestion.pipeline.land_made")
        return self.made_by


LABELS = Made(
    "labels",
    "What messages without labels of their own are taken for.",
    labels.TABLES,
    windowed=False,
    polled=True,
)

COPIES = Made(
    "copies",
    "Which messages are copies of each other.",
    labels.COPIES_TABLES,
    windowed=False,
    polled=True,
)

ANSWERS = Made(
    "answers",
    "What can be seen in official answers.",
    labels.ANSWERS_TABLES,
    windowed=False,
    polled=True,
)
# What the platform makes of what sources brought: a load, but nothing that can be late.
MADE = (LABELS, COPIES, ANSWERS)

# Tables that every load writes, whatever its source.
SHARED_TABLES = accounting.TABLES


def find_source(name: str) -> SourceSpec:
    """The source of that name, or an error that lists those which exist."""
    if name not in SOURCES:
        raise UsageError(f"There is no source {name!r}", f"use one of: {', '.join(SOURCES)}")
    return SOURCES[name]


def all_tables() -> tuple[RawTable, ...]:
    """Every table of the dataset `raw` except dlt's own."""
    of_sources = (table for spec in SOURCES.values() for table in spec.tables)
    return (*of_sources, *(table for made in MADE for table in made.tables), *SHARED_TABLES)
