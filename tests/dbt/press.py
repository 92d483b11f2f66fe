"""The publish step on a street's warehouse, without Dagster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from publishing.catalogue import PublishedTable
from publishing.release import (
    Provenance,
    Shelf,
    build_candidate,
    open_candidate,
    open_release,
    point_current,
    put_in_place,
    record_audit,
)
from quality.suites import AUDIT
from tests.dbt.support import Street


@dataclass
class Press:
    """The publish step on a street's warehouse."""

    street: Street
    shelf: Shelf
    tables: list[PublishedTable]
    as_of: str = ""

    def candidate(self, day: int, rules: str = "rules") -> None:
        """Build the candidate of a day in August."""
        provenance = Provenance(datetime(2026, 8, day), "commit", rules)
        self.as_of = self.street.as_of
        build_candidate(self.street.path, self.shelf, self.tables, provenance)

    def publish(self, day: int, rules: str = "rules") -> bool:
        """Build and put in place; whether the release is new."""
        self.candidate(day, rules)
        record_audit(self.shelf, [])
        manifest, is_new = put_in_place(self.shelf)
        point_current(self.shelf, manifest["id"])
        return is_new

    def restated(self, day: int) -> dict[tuple[str, str], tuple[Any, Any, str]]:
        """What the release of a day restates of June in the north: (metric, slice) → old, new, reason."""
        with open_release(self.shelf.current) as connection:
            found = connection.execute(
                "select metric, slice, old, new, reason from marts.restatements"
                " where region_id = 'north' and period = '2026-06-01' and as_of = ?",
                [datetime(2026, 8, day)],
            ).fetchall()
        return {(metric, cut): (old, new, reason) for metric, cut, old, new, reason in found}

    def refused(self) -> set[str]:
        """Names of the identities that the candidate breaks, by the audit's own queries."""
        broken = set()
        with open_candidate(self.shelf) as connection:
            connection.execute(AUDIT.before)
            for expectation in AUDIT.expectations:
                if expectation.arguments.get("column") != "difference":
                    continue
                rows = connection.execute(expectation.query.replace("{as_of}", self.as_of)).df()
                if rows["difference"].ne(0).any():
                    broken.add(expectation.name)
        return broken
