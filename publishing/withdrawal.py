"""Taking releases back: what was erased must not be read from an older one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

from publishing.release import Shelf, open_release

if TYPE_CHECKING:
    import duckdb


def withdraw(shelf: Shelf, tells: Callable[[duckdb.DuckDBPyConnection], bool]) -> list[str]:
    """Delete releases other than the current one of which `tells(connection)` is true; their ids.

    The connection is as `open_release` makes it. A release is immutable, so it goes as a whole.
    """
    current = (shelf.current_manifest() or {}).get("id")
    gone = []
    for release_id in shelf.release_ids():
        if release_id == current:
            continue
        with open_release(shelf.releases / release_id) as connection:
            told = tells(connection)
        if told:
            shutil.rmtree(shelf.releases / release_id)
            gone.append(release_id)
    return gone
