"""Commands about what is published: how it stands, questions to it, its pages, PostgreSQL."""

from __future__ import annotations

import webbrowser
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


class Thing(StrEnum):
    """What `otklik open` opens."""

    REPORT = "report"
    WORKBOOK = "workbook"
    RELEASE = "release"
    QUALITY = "quality"
    MEASURES = "measures"
    CATALOGUE = "catalogue"


# Below <data>/published.
_PLACES = {
    Thing.REPORT: "current/report/index.html",
    Thing.WORKBOOK: "current/report/report.xlsx",
    Thing.RELEASE: "current/index.html",
    Thing.QUALITY: "current/quality.html",
    Thing.MEASURES: "current/measures.html",
    Thing.CATALOGUE: "catalogue/index.html",
}


def register(app: typer.Typer, postgres_app: typer.Typer) -> None:
    """Add these commands to `otklik`."""
    for command in (status, query, releases, catalogue):
        app.command()(command)
    app.command("open")(open_published)
    postgres_app.command("prepare")(postgres_prepare)
    postgres_app.command("publish")(postgres_publish)


def status(as_json: Json = False) -> None:
    """Sources and their last loads, quarantine, the release, open failures.

    Example: `otklik status --json`
    """
    from orchestration import cli

    with cli._errors():
        settings = cli._settings()
        from orchestration.operations import read_status

        found = read_status(settings)
        if as_json:
            cli._print_json(found.as_dict())
            return
        from orchestration.tables import show_status

        show_status(found, settings.lang)


def query(
    sql: Annotated[str, typer.Argument(help="SQL for DuckDB; schemas marts, facts, release.")],
    release: Annotated[str, typer.Option(help="Id of an older release.")] = "",
    as_json: Json = False,
) -> None:
    """Ask the current release, or an older one.

    Example: `otklik query "select heat_level, count(*) from marts.territories_daily group by 1"`
    """
    from orchestration import cli

    with cli._errors():
        from orchestration.operations import run_query

        columns, rows = run_query(cli._settings(), sql, release or None)
        if as_json:
            cli._print_json([dict(zip(columns, row, strict=True)) for row in rows])
            return
        from orchestration.tables import show_rows

        show_rows(columns, rows)


def releases(as_json: Json = False) -> None:
    """The releases that are kept, newest first.

    Example: `otklik releases --json`
    """
    from orchestration import cli

    with cli._errors():
        settings = cli._settings()
        from orchestration.operations import list_releases

        found = list_releases(settings)
        if as_json:
            cli._print_json(found)
            return
        from orchestration.tables import show_releases

        show_releases(found, settings.lang)


def catalogue() -> None:
    """Make the catalogue: checks over the releases, dbt's documentation, lineage of columns. Half a minute.

    Example: `otklik catalogue && otklik open catalogue`
    """
    from orchestration import cli

    with cli._errors():
        settings = cli._settings()
        from orchestration.catalogue import build_catalogue
        from orchestration.messages import say

        typer.echo(say(settings.lang, "catalogue_made", path=build_catalogue(settings)))


def open_published(
    thing: Annotated[Thing, typer.Argument(help="What to open.")] = Thing.REPORT,
    just_say: Annotated[bool, typer.Option("--print", help="Print the path and open nothing.")] = False,
) -> None:
    """Open the report of the current release, its workbook or another page in the browser.

    Example: `otklik open report`
    """
    from orchestration import cli

    with cli._errors():
        path = find(cli._settings().data / "published", thing)
        typer.echo(path)
        if not just_say:
            webbrowser.open(path.as_uri())


def find(published: Path, thing: Thing) -> Path:
    """Where a page lies, by its full path. Raises NoRelease, or PublishError for one that was not made."""
    from orchestration.operations import NoRelease
    from publishing.errors import PublishError

    if not (published / "current").exists():
        raise NoRelease("There is no release yet", "make one with `otklik demo` or `otklik run`")
    path = (published / _PLACES[thing]).resolve()
    if not path.is_file():
        makes = "otklik catalogue" if thing is Thing.CATALOGUE else "otklik run"
        raise PublishError(f"There is no {thing.value} of the current release", f"make it with `{makes}`")
    return path


def postgres_prepare() -> None:
    """Make or alter the tables that the current release needs, as the owner (OTKLIK_POSTGRES_OWNER_URL).

    Once at set-up (after deploy/postgres/roles.sql) and after upgrades that change columns; then the rows
    come with the next run or `otklik postgres publish`.
    """
    from orchestration import cli

    with cli._errors():
        settings = cli._settings()
        from orchestration.messages import say
        from orchestration.operations import postgres_tables
        from publishing.postgres import prepare

        url = settings.needed("postgres_owner_url")
        made = prepare(url, *postgres_tables(settings))
        typer.echo(say(settings.lang, "prepared", tables=", ".join(made) or say(settings.lang, "none")))


def postgres_publish() -> None:
    """Make PostgreSQL state the current release, as the loader (OTKLIK_POSTGRES_URL)."""
    from orchestration import cli

    with cli._errors():
        settings = cli._settings()
        from orchestration.messages import say
        from orchestration.operations import postgres_tables
        from publishing.postgres import publish

        done = publish(settings.needed("postgres_url"), *postgres_tables(settings))
        typer.echo(
            say(
                settings.lang,
                "delivered",
                release=done.release_id,
                tables=str(done.tables),
                rows=str(done.rows),
            )
        )
