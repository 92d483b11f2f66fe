"""dbt's warnings and errors alone.

dbt makes a message of each of its events and a line of it for each log, before it asks whether that log wants
it: thousands for a run, a fifth of the time that its nodes take.
"""

from __future__ import annotations

from typing import Any

from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.event_manager_client import ctx_set_event_manager

_HEARD = frozenset((EventLevel.WARN, EventLevel.ERROR))


class _WarningsAndErrors(EventManager):
    def fire_event(
        self,
        e: BaseEvent,
        level: EventLevel | None = None,
        node: Any = None,
        force_warn_or_error_handling: bool = False,
    ) -> None:
        if force_warn_or_error_handling or (level or e.level_tag()) in _HEARD:
            super().fire_event(e, level, node, force_warn_or_error_handling)


def hear_warnings_and_errors() -> None:
    """Let the next command of dbt's tell nothing else, on the screen or in its log."""
    ctx_set_event_manager(_WarningsAndErrors())
