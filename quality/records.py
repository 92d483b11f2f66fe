"""The records suites are made of, and the results that come back. Cheap to import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["critical", "warning", "info"]


@dataclass(frozen=True)
class Expectation:
    """One expectation on the frame that `query` gives.

    name: unique inside its suite, lower snake case; it is the asset check's name.
    table: schema.table the result is shown at.
    query: SQL whose result is the frame; only the columns needed, added up where that suffices, and no
        column that could be personal. `{as_of}` is replaced by the moment the figures are stated for.
    expectation: name of a GX expectation, `arguments` its keyword arguments.
    severity: critical stops the street; warning and info are shown.
    why: one sentence for the person who has to decide what to do.
    """

    name: str
    table: str
    query: str
    expectation: str
    why: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity = "critical"

    @property
    def asset_key(self) -> list[str]:
        """[schema, table]."""
        return self.table.split(".")


@dataclass(frozen=True)
class Suite:
    """Expectations that are judged together, in one step.

    before: SQL that runs once, ahead of their queries: a temporary table of what several of them count.
    """

    name: str
    expectations: tuple[Expectation, ...]
    before: str = ""


@dataclass(frozen=True)
class CheckResult:
    """What became of one expectation: counts only, never values, since values may be personal."""

    suite: str
    name: str
    table: str
    expectation: str
    severity: Severity
    passed: bool
    checked: int
    failed: int
    why: str
    error: str | None = None

    @property
    def stops(self) -> bool:
        """A critical expectation that did not hold."""
        return not self.passed and self.severity == "critical"

    @property
    def sentence(self) -> str:
        """The result for a person."""
        if self.passed:
            return f"{self.name}: held on {self.checked} rows of {self.table}."
        if self.error:
            return f"{self.name}: could not be judged on {self.table} ({self.error}). {self.why}"
        return f"{self.name}: {self.failed} of {self.checked} rows of {self.table} fail. {self.why}"

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        return asdict(self)
