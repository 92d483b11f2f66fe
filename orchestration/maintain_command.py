"""`otklik maintain`: delete what is past its time, and say what that was."""

from __future__ import annotations

from typing import Annotated

import typer


def maintain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Delete old releases, runs, working files and ends of killed runs; of raw only what quarantine held.

    Example: `otklik maintain --dry-run`
    """
    from orchestration.cli import _errors, _print_json, _settings

    with _errors():
        settings = _settings()
        from orchestration.maintenance import as_dicts
        from orchestration.maintenance import maintain as clean
        from orchestration.messages import say

        removed = clean(settings, dry_run=dry_run)
        if as_json:
            _print_json({"dry_run": dry_run, "removed": as_dicts(removed)})
            return
        for one in removed:
            size = f"{one.size / 2**20:.1f} MiB"
            what = say(settings.lang, f"maintain_{one.what}")
            key = "maintain_would" if dry_run else "maintain_did"
            typer.echo(say(settings.lang, key, what=what, count=one.count, size=size))
