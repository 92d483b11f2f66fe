"""How far the sources had been read when a release was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

# Made of what sources brought, and only when something came: loads, but nothing that can be late.
_MADE = frozenset({"labels", "copies", "answers"})


def sources_read(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The watermarks of a release that are those of sources."""
    return [mark for mark in manifest.get("watermarks", ()) if mark.get("source") not in _MADE]


def read_watermarks(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """How far each source of each region had been read: newest finished load."""
    rows = connection.execute(
        """
        select
            loads.region_id,
            loads.source,
            max(finished.load_seq) as load_seq,
            max(loads.fetched_at) as fetched_at
        from raw.loads as loads
        inner join staging.stg_operations__loads as finished on loads._dlt_load_id = finished.load_id
        group by loads.region_id, loads.source
        order by loads.region_id, loads.source
        """
    ).fetchall()
    return [
        {
            "region_id": region_id,
            "source": source,
            "load_seq": load_seq,
            "fetched_at": f"{fetched_at.isoformat()}Z",
        }
        for region_id, source, load_seq, fetched_at in rows
    ]
