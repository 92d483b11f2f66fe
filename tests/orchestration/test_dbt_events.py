"""What dbt tells of its work."""

from collections.abc import Iterator

import pytest
from dbt.adapters.events.types import SQLQuery
from dbt_common.events.base_types import EventLevel, EventMsg
from dbt_common.events.event_manager import EventManager
from dbt_common.events.event_manager_client import add_callback_to_manager, ctx_set_event_manager
from dbt_common.events.functions import fire_event, warn_or_error
from dbt_common.events.types import Note

from orchestration.dbt_events import hear_warnings_and_errors


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """Messages of the events that dbt lets through."""
    messages: list[str] = []

    def hear(message: EventMsg) -> None:
        messages.append(message.info.msg)

    hear_warnings_and_errors()
    add_callback_to_manager(hear)
    yield messages
    ctx_set_event_manager(EventManager())


def test_dbt_tells_of_what_is_wrong_and_of_nothing_else(heard: list[str]) -> None:
    fire_event(SQLQuery(conn_name="model", sql="select 1"))
    fire_event(Note(msg="said in passing"))
    fire_event(Note(msg="a step"), level=EventLevel.INFO)
    fire_event(Note(msg="a doubt"), level=EventLevel.WARN)
    warn_or_error(Note(msg="a doubt of dbt's own"))
    fire_event(Note(msg="an error"), level=EventLevel.ERROR)

    assert heard == ["a doubt", "a doubt of dbt's own", "an error"]
