"""What a mapping would make of a file: rows, columns, values without a meaning, refusals. Nothing lands."""

from __future__ import annotations

import secrets
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
from pydantic import SecretStr

from ingestion.bulk import BulkRows
from ingestion.config import Region, Settings
from ingestion.files.mapping import Mapping, load_mapping
from ingestion.files.reading import Part, opened, place_of
from ingestion.files.source import PartReader, engine, unmapped
from ingestion.region import Sources
from ingestion.run import Run
from ingestion.sources import find_source
from ingestion.tables import Row
from ingestion.warehouse import opened as opened_warehouse

SHOWN_ROWS = 5
SHOWN_VALUES = 5


@dataclass
class Checked:
    """The answer of `check_file`; texts in it are masked."""

    file: str
    format: str = ""
    rows: int = 0
    would_land: int = 0
    answers: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    mapped: dict[str, str] = field(default_factory=dict)  # field → header
    absent: list[str] = field(default_factory=list)  # fields whose column the file lacks
    unmapped: list[str] = field(default_factory=list)
    without_meaning: dict[str, list[str]] = field(default_factory=dict)  # field → values the map lacks
    left_empty: Counter[str] = field(default_factory=Counter)  # field → rows
    examples: list[dict[str, Any]] = field(default_factory=list)  # first refused rows

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        return asdict(replace(self, refused=None, left_empty=None)) | {  # type: ignore[arg-type]
            "refused": dict(self.refused),
            "left_empty": dict(self.left_empty),
        }


def check_file(path: Path, mapping_path: Path, time_zone: str = "UTC") -> Checked:
    """Read the file as a load would, into a temporary folder; `time_zone` where the mapping names none."""
    mapping = load_mapping(mapping_path)
    checked = Checked(str(path))
    with tempfile.TemporaryDirectory(prefix="otklik-") as folder:
        run = _pretended_run(Path(folder), mapping.time_zone or time_zone)
        with (
            _scratch(run) as run.bulk,
            engine(run) as connection,
            opened(path, mapping, connection) as parts,
        ):
            for part in parts:
                reader = PartReader(run, path, mapping, part, connection)
                reader.land()
                checked.left_empty.update(reader.missed)
                _columns(checked, part, mapping)
                for name, values in reader.without_meaning(SHOWN_VALUES).items():
                    told = checked.without_meaning.setdefault(name, [])
                    told += [value for value in values if value not in told]
        tally = run.tallies[mapping.rows]
        checked.rows, checked.would_land = tally.received, tally.landed
        checked.answers = run.tallies["answers"].landed
        checked.refused.update(row["reason"] for row in run.set_aside)
        checked.examples = [_example(row) for row in run.set_aside[:SHOWN_ROWS]]
    return checked


def _columns(checked: Checked, part: Part, mapping: Mapping) -> None:
    checked.format = part.format
    checked.unmapped += [header for header in unmapped(part, mapping) if header not in checked.unmapped]
    rules = dict(mapping.columns)
    for answer in mapping.answers:
        named = {"at": answer.at, "text": answer.text, "authority": answer.authority, "ogrn": answer.ogrn}
        rules |= {f"answers.{answer.kind}.{name}": rule for name, rule in named.items() if rule is not None}
    for name, rule in rules.items():
        for names in rule.inputs:
            place = place_of(names, part.headers)
            if place is not None:
                checked.mapped[name] = part.headers[place]
            elif name not in checked.absent:
                checked.absent.append(name)


def _example(row: Row) -> dict[str, Any]:
    return {
        "where": row["source_ref"],
        "reason": row["reason"],
        "detail": row["detail"],
        "row": orjson.loads(row["payload"] or "{}"),
    }


@contextmanager
def _scratch(run: Run) -> Iterator[BulkRows]:
    """A warehouse that nobody keeps."""
    with opened_warehouse(run.settings) as warehouse:
        warehouse.prepare(run.pseudonyms)
        bulk = BulkRows(warehouse.connection)
        try:
            yield bulk
        finally:
            bulk.undo()


def _pretended_run(folder: Path, time_zone: str) -> Run:
    """A load of nobody: its key is thrown away, so that what it hashes means nothing."""
    settings = Settings(data=folder, hmac_key=SecretStr(secrets.token_hex(32)))
    region = Region(region_id="check", name="check", time_zone=time_zone, sources=Sources())
    return Run(find_source("files"), region, settings, None, fetched_at=settings.now(), state={})
