"""What a load received and what became of it: counted while reading, checked before committing."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingestion.errors import AccountingBroken
from ingestion.tables import Column, RawTable, Row

LOADS = RawTable(
    "loads",
    "The book of loads: one row per load and resource; received = landed + quarantined + "
    "skipped_unchanged + erased.",
    (
        Column("source", "text", "Source that was read.", required=True),
        Column("resource", "text", "Resource: raw table = source_resource.", required=True, key=True),
        Column("load_seq", "bigint", "Number of the load, in the order of commit.", required=True, key=True),
        Column("mode", "text", "live or window.", required=True),
        Column("window_since", "timestamp", "First instant of the window, UTC; null in live mode."),
        Column("window_until", "timestamp", "Instant after the window, UTC; null in live mode."),
        Column("received", "bigint", "Objects the source sent.", required=True),
        Column("landed", "bigint", "Rows that landed.", required=True),
        Column("quarantined", "bigint", "Objects that went to raw.quarantine.", required=True),
        Column(
            "skipped_unchanged",
            "bigint",
            "Objects known from an earlier load, not landed again.",
            required=True,
        ),
        Column("erased", "bigint", "Objects that were erased and stay away; null before there were any."),
        Column("requests", "int", "HTTP requests, or files opened.", required=True),
        Column("retries", "int", "Requests that were repeats.", required=True),
        Column("unknown_fields", "text", "Names of fields we do not know; their values were dropped."),
        Column("note", "text", "What was left out and why, in sentences."),
    ),
)

QUARANTINE = RawTable(
    "quarantine",
    "Objects that could not land: one row per object and load, masked.",
    (
        Column("source", "text", "Source that was read.", required=True),
        Column("resource", "text", "Resource the object belongs to.", required=True),
        Column("source_ref", "text", "The source's own key, or file and row.", required=True),
        Column("reason", "text", "Short code of the reason.", required=True),
        Column("detail", "text", "One sentence without personal data.", required=True),
        Column("payload", "text", "The object's known fields as masked JSON."),
    ),
)

TABLES = (LOADS, QUARANTINE)
_MAX_UNKNOWN = 100


@dataclass
class Tally:
    """Counts of one resource in one load."""

    received: int = 0
    landed: int = 0
    quarantined: int = 0
    skipped_unchanged: int = 0
    erased: int = 0
    requests: int = 0
    retries: int = 0
    unknown_fields: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Keep a sentence about what was left out; the same one is kept once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def add(self, other: Tally) -> None:
        """Count another load of the same resource as well."""
        self.received += other.received
        self.landed += other.landed
        self.quarantined += other.quarantined
        self.skipped_unchanged += other.skipped_unchanged
        self.erased += other.erased
        self.requests += other.requests
        self.retries += other.retries
        self.unknown_fields |= other.unknown_fields
        for sentence in other.notes:
            self.note(sentence)

    def check(self, source: str, resource: str) -> None:
        """received = landed + quarantined + skipped_unchanged + erased, or AccountingBroken."""
        settled = self.landed + self.quarantined + self.skipped_unchanged + self.erased
        if self.received != settled:
            raise AccountingBroken(
                f"{source}.{resource} received {self.received} objects but settled {settled} "
                f"({self.landed} landed, {self.quarantined} quarantined, {self.skipped_unchanged} unchanged, "
                f"{self.erased} erased)",
                "report this as a defect of the connector: nothing of the load was kept",
            )

    def row(self, **common: object) -> Row:
        """The row of `raw.loads`; `common` gives source, resource, load_seq, mode and window."""
        return {
            **common,
            "received": self.received,
            "landed": self.landed,
            "quarantined": self.quarantined,
            "skipped_unchanged": self.skipped_unchanged,
            "erased": self.erased,
            "requests": self.requests,
            "retries": self.retries,
            "unknown_fields": ", ".join(sorted(self.unknown_fields)[:_MAX_UNKNOWN]) or None,
            "note": " ".join(self.notes) or None,
        }
