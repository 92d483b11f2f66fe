"""Small tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from ingestion.check import SourceCheck
from ingestion.files.check import Checked
from orchestration.messages import Language, say
from orchestration.operations import Status
from orchestration.street import Outcome


def show_checks(checks: Iterable[SourceCheck], language: Language) -> bool:
    """One plain line for each source; says whether all can be read."""
    console, good = Console(highlight=False, soft_wrap=True), True
    for check in checks:
        state = say(language, "reads" if check.usable else "cannot_read")
        age = (
            say(language, "never")
            if check.behind_minutes is None
            else _behind(check.behind_minutes, language)
        )
        lacks = f" {say(language, 'lacks')}: {'; '.join(check.missing)}." if check.missing else ""
        sentence = check.sentence.rstrip(".")
        line = f"{check.region_id} · {check.source}: {state}: {sentence}.{lacks} {age[0].upper()}{age[1:]}."
        console.print(line, markup=False)
        good = good and check.usable
    return good


def _behind(minutes: int, language: Language) -> str:
    count, unit = (minutes, "minutes")
    if minutes >= 2 * 1440:
        count, unit = minutes // 1440, "days"
    elif minutes >= 120:
        count, unit = minutes // 60, "hours"
    return say(language, "behind", age=say(language, unit, count=count))


def show_outcome(outcome: Outcome, language: Language) -> None:
    """The last line of a run; failures as sentences on stderr."""
    if outcome.succeeded:
        key = "done" if outcome.is_new else "unchanged"
        Console(highlight=False).print(
            say(language, key, seconds=outcome.seconds, release=outcome.release_id)
        )
        return
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    for sentence in outcome.failures:
        errors.print(sentence, markup=False)
    errors.print(say(language, "failed"))


def show_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A query's answer."""
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else _text(value) for value in row))
    Console(highlight=False).print(table)


def show_releases(found: Sequence[Mapping[str, Any]], language: Language) -> None:
    """Releases, newest first."""
    if not found:
        Console().print(say(language, "no_release"))
        return
    columns = [say(language, key) for key in ("release_id", "as_of", "rows", "current")]
    show_rows(
        columns,
        [[item["id"], item["as_of"], item["rows"], "●" if item["current"] else ""] for item in found],
    )


def show_status(status: Status, language: Language) -> None:
    """The deployment at a glance."""
    console = Console(highlight=False)
    now = datetime.now(UTC).replace(tzinfo=None)
    if status.written_by:
        console.print(say(language, "busy", holder=status.written_by))
    keys = ("region", "source", "last_load", "age", "received", "landed", "quarantined", "retried")
    show_rows(
        [say(language, key) for key in keys],
        [
            [
                source.region_id,
                source.source,
                source.last_load.isoformat(sep=" ", timespec="seconds")
                if source.last_load
                else say(language, "never"),
                _age(now, source.last_load),
                source.received,
                source.landed,
                source.quarantined,
                source.last_retries,
            ]
            for source in status.sources
        ],
    )
    if status.quarantine:
        console.print(say(language, "quarantine_reasons"))
        show_rows(
            [say(language, key) for key in ("region", "source", "reason", "rows")],
            [
                [row["region_id"], f"{row['source']}.{row['resource']}", row["reason"], row["rows"]]
                for row in status.quarantine
            ],
        )
    release = (
        f"{status.release['id']} ({status.release['as_of']})"
        if status.release
        else say(language, "no_release")
    )
    console.print(f"{say(language, 'release_id')}: {release}")
    run = (
        f"{status.last_run['run_id'][:8]} {status.last_run['status']}"
        if status.last_run
        else say(language, "none")
    )
    console.print(f"{say(language, 'last_run')}: {run}")
    console.print(
        f"{say(language, 'open_failures')}: {'' if status.open_failures else say(language, 'none')}"
    )
    for sentence in status.open_failures:
        console.print(f"  {sentence}", markup=False, soft_wrap=True)


def _age(now: datetime, moment: datetime | None) -> str:
    if moment is None:
        return ""
    minutes = max(int((now - moment).total_seconds() // 60), 0)
    return f"{minutes // 1440}d {minutes % 1440 // 60}h {minutes % 60}m"


def _text(value: object) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def show_checked_file(checked: Checked, language: Language) -> None:
    """What a mapping would make of a file."""
    console = Console(highlight=False, soft_wrap=True)
    told = {name: getattr(checked, name) for name in ("file", "format", "rows", "would_land", "answers")}
    console.print(say(language, "file_rows", **told), markup=False)
    columns = [(field, checked.mapped[field]) for field in checked.mapped]
    columns += [(field, say(language, "file_absent")) for field in checked.absent]
    show_rows([say(language, "file_field"), say(language, "file_column")], columns)
    if checked.unmapped:
        console.print(say(language, "file_unmapped", names=", ".join(checked.unmapped)), markup=False)
    for field, values in checked.without_meaning.items():
        quoted = ", ".join(f"«{value}»" for value in values)
        console.print(say(language, "file_strangers", field=field, values=quoted), markup=False)
    for field, rows in sorted(checked.left_empty.items()):
        console.print(say(language, "file_left_empty", field=field, rows=rows), markup=False)
    if checked.refused:
        headers = [say(language, "reason"), say(language, "rows")]
        show_rows(headers, sorted(checked.refused.items(), key=lambda one: (-one[1], one[0])))
        names = [say(language, name) for name in ("file_where", "reason", "file_row")]
        show_rows(names, [(one["where"], one["detail"], str(one["row"])) for one in checked.examples])
