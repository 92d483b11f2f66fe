"""`otklik`: the command line. Heavy imports happen inside commands, so that --help answers at once.

Exit codes: 0 done; 1 the street stopped and nothing was published; 2 wrong usage or configuration;
3 another run holds the warehouse; 4 there is no release yet.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import date, datetime
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli_panels import arrange
from orchestration.cli_privacy import register as register_privacy
from orchestration.cli_published import register as register_published
from orchestration.cli_sources import register as register_sources
from orchestration.labels_command import labels_app
from orchestration.maintain_command import maintain

if TYPE_CHECKING:
    from ingestion.config import Settings
    from orchestration.messages import Language
    from orchestration.street import Listener, Outcome, Wish

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="markdown",
    help="Citizens' appeals in, audited figures out. Begin with `otklik demo`, then `otklik open report`.",
)
sandbox_app = typer.Typer(no_args_is_help=True, help="The pretend region: servers that speak the real APIs.")
app.add_typer(sandbox_app, name="sandbox")
sources_app = typer.Typer(no_args_is_help=True, help="The sources that the region files connect.")
app.add_typer(sources_app, name="sources")
files_app = typer.Typer(no_args_is_help=True, help="Files with a mapping.")
app.add_typer(files_app, name="files")
inbox_app = typer.Typer(no_args_is_help=True, help="The receiver of webhooks.")
app.add_typer(inbox_app, name="inbox")
postgres_app = typer.Typer(no_args_is_help=True, help="The PostgreSQL that releases are published to.")
app.add_typer(postgres_app, name="postgres")

app.add_typer(labels_app, name="labels")

app.command()(maintain)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
RegionOption = Annotated[str, typer.Option(help="Read only this region's sources.")]
SourcesOption = Annotated[
    list[str] | None, typer.Option("--sources", help="Read only these; may be repeated.")
]
STEPS_AFTER_READING = 7


class Exit(IntEnum):
    """Exit codes."""

    DONE = 0
    STOPPED = 1
    USAGE = 2
    BUSY = 3
    NO_RELEASE = 4


@app.command()
def demo(
    scenario: Annotated[str, typer.Option(help="Scenario in sandbox/scenarios, or a YAML file.")] = "demo",
    as_json: Json = False,
) -> None:
    """Play a pretend region, send it through the whole street and show what was found.

    Example: `otklik demo --scenario tyumen-2021`
    """
    with _errors():
        from orchestration.demo import play

        outcome = play(scenario, _data_folder(), _progress)
        _finish(outcome, as_json, with_findings=True)


@app.command()
def run(
    region: RegionOption = "",
    sources: SourcesOption = None,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Rebuild every model from raw.")
    ] = False,
    as_of: Annotated[str, typer.Option(help="ISO moment, UTC, the figures are stated for.")] = "",
    target: Annotated[
        str, typer.Option(help="Engine that builds: duckdb or spark. By default OTKLIK_TARGET.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Read the sources from where they were left, build, judge and publish a release.

    Example: `otklik run --region demo --sources vk --sources pos`
    """
    with _errors():
        wish = _wish(region=region, sources=tuple(sources or ()), full_refresh=full_refresh, as_of=as_of)
        _finish(_run(replace(wish, target=_target(target))), as_json)


@app.command()
def backfill(
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First UTC day to read again.")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Day after the last one.")],
    region: RegionOption = "",
    sources: SourcesOption = None,
    as_json: Json = False,
) -> None:
    """Read past days again and publish; the live cursors stay where they are.

    Example: `otklik backfill --since 2026-11-01 --until 2026-11-08 --sources pos`
    """
    with _errors():
        wish = _wish(region=region, sources=tuple(sources or ()), days=(since.date(), until.date()))
        _finish(_run(wish), as_json)


@app.command()
def rebuild(
    as_of: Annotated[str, typer.Option(help="ISO moment, UTC; by default that of the current release.")] = "",
    as_json: Json = False,
) -> None:
    """Drop all that is made from raw and make it again, without reading a source: same raw, same bytes.

    Example: `otklik rebuild --as-of 2026-11-21T00:00:00`
    """
    with _errors():
        wish = _wish(as_of=as_of)
        settings = _settings()
        from orchestration.upkeep import rebuild as rebuild_all

        with _progress(settings.lang, 0) as listener:
            outcome = rebuild_all(settings, wish.as_of, listener)
        _finish(outcome, as_json)


@app.command()
def watch(
    test: Annotated[bool, typer.Option("--test", help="Send a test message and nothing else.")] = False,
    as_json: Json = False,
) -> None:
    """Look once for what an operator must hear of, and tell OTKLIK_ALERT_URLS what is new, lasting or over.

    OTKLIK_CENTRE_URLS hear of new risk signals, overdue waves and territories that turned red.

    Exit code 1 where something is wrong. Under Dagster the sensor `watch` does this every minute; else cron.
    """
    with _errors():
        settings = _settings()
        from orchestration import watch as watching
        from orchestration.messages import say
        from orchestration.news import tell

        if test:
            settings.needed("alert_urls")
            send = watching.sender(settings)
            took = bool(
                send and send(say(settings.lang, "alert_title_well"), say(settings.lang, "alert_test"))
            )
            typer.echo(say(settings.lang, "alert_sent" if took else "alert_unsent"))
            raise typer.Exit(Exit.DONE if took else Exit.STOPPED)
        found = watching.watch(settings)
        tell(settings)
        if as_json:
            _print_json(asdict(found))
        else:
            for concern in found.concerns:
                typer.echo(concern.sentence)
            if not found.concerns:
                typer.echo(say(settings.lang, "alert_none"))
        if found.concerns:
            raise typer.Exit(Exit.STOPPED)


@app.command()
def backup(folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")]) -> None:
    """Copy raw, the deliveries not yet read and the releases; waits for a run that is writing.

    Example: `otklik backup /backups/2026-11-22`
    """
    with _errors():
        settings = _settings()
        from orchestration.messages import say
        from orchestration.upkeep import backup as back_up

        done = back_up(settings, folder)
        size = f"{done.size / 2**20:.1f} MiB"
        typer.echo(say(settings.lang, "backed_up", folder=done.folder, files=done.files, size=size))


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="A folder that `otklik backup` made.")],
    erasures: Annotated[
        Path | None, typer.Option(help="A newer copy of erasures.jsonl, where <data> was lost.")
    ] = None,
) -> None:
    """Make the deployment what the backup holds; what stood there is moved to `<data>/before-restore`.

    Example: `otklik restore /backups/2026-11-22`
    """
    with _errors():
        settings = _settings()
        from orchestration.messages import say
        from orchestration.upkeep import restore as bring_back

        done = bring_back(settings, folder, erasures)
        size, aside = f"{done.size / 2**20:.1f} MiB", settings.data / "before-restore"
        values = {"folder": done.folder, "files": done.files, "size": size, "aside": aside}
        typer.echo(say(settings.lang, "restored", **values))


@app.command()
def dev(
    port: Annotated[int, typer.Option(help="Port of the web page.")] = 3000,
) -> None:
    """Open the Dagster UI; after `otklik demo` the pretend region's servers run beside it."""
    with _errors():
        from orchestration.demo import develop
        from orchestration.messages import say, spoken

        typer.echo(say(spoken(), "dev", url=f"http://127.0.0.1:{port}"))
        raise typer.Exit(develop(_data_folder(), port))


@sandbox_app.command("serve")
def sandbox_serve(
    scenario: Annotated[str, typer.Argument(help="Scenario in sandbox/scenarios, or a YAML file.")] = "demo",
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    now: Annotated[str, typer.Option(help="ISO moment; what is later stays hidden.")] = "",
) -> None:
    """Serve a pretend region until interrupted; writes its kit and deployment.env below OTKLIK_DATA.

    Example: `otklik sandbox serve tyumen-2021 --port 8450`
    """
    data = _data_folder()
    arguments = ["serve", scenario, "--port", str(port), "--folder", str(data / "sandbox")]
    arguments += ["--env-file", str(data / "deployment.env"), *(["--now", now] if now else [])]
    from sandbox.__main__ import main as serve

    raise typer.Exit(serve(arguments))


register_sources(sources_app, files_app, inbox_app)
register_published(app, postgres_app)
register_privacy(app)
arrange(app.registered_commands)


def main() -> None:
    """Entry point of the `otklik` command."""
    app()


def _data_folder() -> Path:
    return Path(os.environ.get("OTKLIK_DATA") or "data")


def _settings() -> Settings:
    from ingestion.config import load_settings

    return load_settings()


def _wish(
    region: str = "",
    sources: tuple[str, ...] = (),
    as_of: str = "",
    full_refresh: bool = False,
    days: tuple[date, date] | None = None,
) -> Wish:
    """What to run, checked before anything heavy is imported."""
    from ingestion.clock import parse_utc
    from ingestion.config import find_region, load_regions
    from ingestion.errors import UsageError
    from ingestion.sources import find_source
    from orchestration.street import Wish

    regions = load_regions(_settings())
    if region:
        find_region(regions, region)
    for source in sources:
        find_source(source)
    if days and days[0] >= days[1]:
        raise UsageError("The days asked for are none", "give an --until that is later than --since")
    if as_of:
        try:
            parse_utc(as_of)
        except ValueError:
            raise UsageError(f"--as-of {as_of!r} is no moment", "write it like 2026-11-21T00:00:00") from None
    return Wish(region, sources, as_of, full_refresh, days)


def _target(name: str) -> str:
    from ingestion.errors import UsageError

    if name not in ("", "duckdb", "spark"):
        raise UsageError(f"There is no engine {name!r}", "use --target duckdb or --target spark")
    return name


def _run(wish: Wish) -> Outcome:
    from ingestion.config import load_regions
    from orchestration.street import run_street

    settings = _settings()
    regions = [r for r in load_regions(settings).values() if wish.region in ("", r.region_id)]
    reads = sum(len(set(r.connected) & set(wish.sources or r.connected)) for r in regions)
    with _progress(settings.lang, reads) as listener:
        return run_street(settings, wish, listener)


@contextmanager
def _progress(language: Language, reads: int) -> Iterator[Listener]:
    """A progress bar on stderr; gives the listener of the street's steps."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    from orchestration.messages import say

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(say(language, "preparing"), total=reads + STEPS_AFTER_READING)
        begun = 0

        def listener(key: str, values: Mapping[str, str]) -> None:
            nonlocal begun
            bar.update(task, description=say(language, key, **values), completed=begun)
            begun += 1

        yield listener
        bar.update(task, completed=reads + STEPS_AFTER_READING)


def _finish(outcome: Outcome, as_json: bool, with_findings: bool = False) -> None:
    settings = _settings()
    if as_json:
        _print_json({**outcome.__dict__, "succeeded": outcome.succeeded})
    else:
        from orchestration.tables import show_outcome

        show_outcome(outcome, settings.lang)
        if with_findings and outcome.succeeded:
            from orchestration.findings import show_findings

            show_findings(settings)
    if not outcome.succeeded:
        raise typer.Exit(Exit.STOPPED)


@contextmanager
def _errors() -> Iterator[None]:
    """Expected failures become one sentence on stderr and an exit code; defects keep their traceback."""
    from ingestion.errors import Busy, ConfigError, IngestionError, UsageError
    from labels.errors import LabelsError, UnreadableTable
    from publishing.errors import PublishError

    try:
        yield
    except (IngestionError, LabelsError, PublishError) as error:
        typer.echo(str(error), err=True)
        if isinstance(error, Busy):
            code = Exit.BUSY
        elif isinstance(error, ConfigError | UnreadableTable | UsageError):
            code = Exit.USAGE
        else:
            code = Exit.NO_RELEASE if type(error).__name__ == "NoRelease" else Exit.STOPPED
        raise typer.Exit(code) from None


def _print_json(content: Any) -> None:
    def plain(value: object) -> object:
        return value.isoformat() if isinstance(value, date | datetime) else str(value)

    typer.echo(json.dumps(content, ensure_ascii=False, indent=2, default=plain))


if __name__ == "__main__":
    main()
