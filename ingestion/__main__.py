"""`python -m ingestion SOURCE`: read one source into the warehouse, without any orchestration."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ingestion.clock import Window, parse_utc
from ingestion.config import find_region, load_regions, load_settings
from ingestion.errors import IngestionError, UsageError
from ingestion.sources import SOURCES

if TYPE_CHECKING:
    from ingestion.pipeline import LoadReport

_LOCK_WAIT_SECONDS = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 all landed, 1 a source or the set-up failed, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    except IngestionError as error:
        print(error, file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    window = _window(options)
    settings = load_settings()
    regions = load_regions(settings)
    if options.region:
        chosen = [find_region(regions, region_id) for region_id in options.region]
    else:
        chosen = [region for region in regions.values() if options.source in region.connected]
    if not chosen:
        raise UsageError(
            f"No region has the source {options.source}",
            f"add sources.{options.source} to a file in {settings.regions}",
        )
    # Heavy, hence only after everything cheap has been checked.
    from ingestion.lock import warehouse_lock
    from ingestion.pipeline import ingest

    reports: list[LoadReport] = []
    with warehouse_lock(settings, f"python -m ingestion {options.source}", wait=_LOCK_WAIT_SECONDS):
        for region in chosen:
            try:
                reports.append(ingest(options.source, region, settings, window))
            except UsageError:
                raise
            except IngestionError as error:
                # One region's trouble is no reason to leave the others unread.
                print(f"{region.region_id}: {error}", file=sys.stderr)
                continue
            if not options.json:
                _print(reports[-1])
    if options.json:
        print(json.dumps([report.as_dict() for report in reports], ensure_ascii=False, indent=2))
    return 0 if len(reports) == len(chosen) else 1


def _print(report: LoadReport) -> None:
    print(f"{report.source} · {report.region_id} · load {report.load_seq} · {report.seconds:.1f} s")
    for resource, tally in report.resources.items():
        print(
            f"  {resource:<16} received {tally.received:>8}  landed {tally.landed:>8}  "
            f"quarantined {tally.quarantined:>6}  unchanged {tally.skipped_unchanged:>8}"
        )
        for note in tally.notes:
            print(f"    {note}")
        if tally.unknown_fields:
            print(f"    unknown fields: {', '.join(sorted(tally.unknown_fields))}")


def _window(options: argparse.Namespace) -> Window | None:
    if options.since is None and options.until is None:
        return None
    if options.since is None or options.until is None:
        raise UsageError("A window needs both ends", "give --since and --until")
    return Window(options.since, options.until)


def _moment(text: str) -> datetime:
    try:
        return parse_utc(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not ISO-8601, such as 2026-11-01 or …T00:00:00Z"
        ) from None


def _parser() -> argparse.ArgumentParser:
    sources = "\n".join(f"  {spec.name:<10} {spec.description}" for spec in SOURCES.values())
    parser = argparse.ArgumentParser(
        prog="python -m ingestion",
        description="Read a source into the warehouse.\n\nsources:\n" + sources,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", choices=list(SOURCES), metavar="SOURCE", help="one of those above")
    parser.add_argument(
        "--region", action="append", metavar="ID", help="repeatable; default: all that have it"
    )
    parser.add_argument("--since", type=_moment, metavar="ISO", help="start of a window, UTC, inclusive")
    parser.add_argument("--until", type=_moment, metavar="ISO", help="end of the window, UTC, exclusive")
    parser.add_argument("--json", action="store_true", help="print the reports as a JSON list")
    return parser


if __name__ == "__main__":
    sys.exit(main())
