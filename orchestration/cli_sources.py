"""Commands about what is read: whether a source can be, what a file would give, the receiver of webhooks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
RegionOption = Annotated[str, typer.Option(help="Read only this region's sources.")]


def register(sources_app: typer.Typer, files_app: typer.Typer, inbox_app: typer.Typer) -> None:
    """Add these commands to `otklik`."""
    sources_app.command("check")(sources_check)
    files_app.command("check")(files_check)
    inbox_app.command("serve")(inbox_serve)


def sources_check(region: RegionOption = "", as_json: Json = False) -> None:
    """Ask each source whether we can read it: reach, token, rights, how far behind we are.

    Reads nothing in. Exit code 1 where a source cannot be read. Example: `otklik sources check --region demo`
    """
    from orchestration import cli

    with cli._errors():
        settings = cli._settings()
        from ingestion.check import check_sources
        from ingestion.config import find_region, load_regions

        regions = load_regions(settings)
        chosen = {region: find_region(regions, region)} if region else regions
        if as_json:
            checks = list(check_sources(settings, chosen))
            cli._print_json([check.as_dict() for check in checks])
            good = all(check.usable for check in checks)
        else:
            from orchestration.tables import show_checks

            good = show_checks(check_sources(settings, chosen), settings.lang)
        if not good:
            raise typer.Exit(cli.Exit.STOPPED)


def files_check(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, JSONL or Parquet.")],
    mapping: Annotated[Path, typer.Option(help="YAML file (docs/sources/files.md).")],
    time_zone: Annotated[str, typer.Option(help="Of the region, where the mapping names none.")] = "UTC",
    as_json: Json = False,
) -> None:
    """Say what a mapping would make of a file and what it would refuse. Reads nothing in.

    Exit code 1 where no row would land. Example: `otklik files check may.csv --mapping bot.yaml`
    """
    from orchestration import cli

    with cli._errors():
        from ingestion.files.check import check_file

        checked = check_file(file, mapping, time_zone)
        if as_json:
            cli._print_json(checked.as_dict())
        else:
            from orchestration.messages import spoken
            from orchestration.tables import show_checked_file

            # Whoever checks a mapping may not have a deployment yet.
            show_checked_file(checked, spoken())
        if not checked.would_land:
            raise typer.Exit(cli.Exit.STOPPED)


def inbox_serve(
    host: Annotated[str, typer.Option(help="Address; put a proxy with TLS before it.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 8080,
    max_age_hours: Annotated[float, typer.Option(help="Refuse older events; 0 takes all.")] = 72,
) -> None:
    """Receive the webhooks of VK, Viber, Telegram and MAX until interrupted.

    Example: `otklik inbox serve --port 8080`
    """
    from orchestration import cli

    with cli._errors():
        from ingestion.inbox.serve import serve

        serve(cli._settings(), host, port, max_age_hours)
