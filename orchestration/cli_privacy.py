"""`otklik erase` and `otklik rotate-key`: what a person may ask of us, and what a leaked key asks of us."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ingestion.config import Settings
    from ingestion.erasing import Request
    from orchestration.erase import Erasure


def register(app: typer.Typer) -> None:
    """Add these commands to `otklik`."""
    app.command()(erase)
    app.command("rotate-key")(rotate_key)


def erase(
    author: Annotated[
        str, typer.Option(help="A person by the id in the source: vk:12345. `vk:-` reads the id from stdin.")
    ] = "",
    author_key: Annotated[str, typer.Option(help="A person by facts.fct_appeals.author_key.")] = "",
    source_ref: Annotated[
        str, typer.Option(help="One appeal or message: appeal_id, SOURCE:ID, or its link.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Erase a person or an appeal from raw, from what is made of it and from all releases; then publish anew.

    It stays away when a source shows it again. Example: `otklik erase --source-ref pos:71-2026-000123`
    """
    from orchestration import cli

    with cli._errors():
        settings = cli._settings()
        from orchestration.erase import erase_everywhere

        request = _request(settings, author, author_key, source_ref)
        with cli._progress(settings.lang, 0) as listener:
            done = erase_everywhere(settings, request, listener)
        if as_json:
            cli._print_json(
                {
                    "rows": done.erased.rows,
                    "files": done.erased.files,
                    "withdrawn": done.withdrawn,
                    **done.outcome.__dict__,
                }
            )
            raise typer.Exit(cli.Exit.DONE if done.outcome.succeeded else cli.Exit.STOPPED)
        _tell(settings, done)
        cli._finish(done.outcome, as_json)


def rotate_key() -> None:
    """Bring all rows under a new OTKLIK_HMAC_KEY, and publish anew; OTKLIK_HMAC_OLD_KEYS names those before.

    Stop `otklik inbox serve` first and start it with the new key afterwards (docs/privacy.md, «A new key»).
    """
    from orchestration import cli

    with cli._errors():
        settings = cli._settings()
        from orchestration.messages import say
        from orchestration.rotate import rotate

        with cli._progress(settings.lang, 0) as listener:
            changed, outcome = rotate(settings, listener)
        typer.echo(say(settings.lang, "rotated", rows=changed))
        cli._finish(outcome, as_json=False)


def _request(settings: Settings, author: str, author_key: str, source_ref: str) -> Request:
    from ingestion.erasing import Request, author_of
    from ingestion.errors import UsageError

    if sum(map(bool, (author, author_key, source_ref))) != 1:
        raise UsageError(
            "It must be one person or one appeal", "give one of --author, --author-key and --source-ref"
        )
    if author.endswith(":-"):
        author = author[:-1] + sys.stdin.readline().strip()
    if author:
        author_key = author_of(settings.pseudonyms(), author)
    return Request(author_key.strip(), source_ref.strip())


def _tell(settings: Settings, done: Erasure) -> None:
    from ingestion.erasures import book_of
    from orchestration.messages import say

    rows = done.erased.rows
    tables = ", ".join(f"{name}: {count}" for name, count in sorted(rows.items()))
    key = "erased" if rows else "erased_before"
    typer.echo(say(settings.lang, key, rows=done.erased.total, tables=tables, releases=len(done.withdrawn)))
    if done.erased.files:
        typer.echo(say(settings.lang, "erased_files", files=", ".join(done.erased.files)))
    typer.echo(say(settings.lang, "erased_backups", book=book_of(settings.data)))
