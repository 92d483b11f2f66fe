"""How `otklik --help` is laid out: panels of commands, in the order in which people meet them."""

from __future__ import annotations

import typer

PANELS = {
    "Run": ("demo", "run", "backfill", "rebuild", "dev"),
    "See": ("status", "open", "query", "releases", "catalogue"),
    "Care": ("watch", "maintain", "backup", "restore", "erase", "rotate-key"),
}


def arrange(commands: list[typer.models.CommandInfo]) -> None:
    """Put commands into the panels of --help, in the order in which people meet them."""
    place = {name: (panel, at) for panel, names in PANELS.items() for at, name in enumerate(names)}
    panels = list(PANELS)

    def name_of(command: typer.models.CommandInfo) -> str:
        return command.name or (command.callback.__name__.replace("_", "-") if command.callback else "")

    for command in commands:
        if name_of(command) in place:
            command.rich_help_panel = place[name_of(command)][0]
    last = (panels[-1], len(place))
    commands.sort(
        key=lambda each: (panels.index(place.get(name_of(each), last)[0]), place.get(name_of(each), last)[1])
    )
