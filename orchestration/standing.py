"""What dbt need not build again: nodes that are made of nothing that came since they were built.

Two thirds of the nodes before the gate belong to sources that had nothing to tell in a given minute, and each
costs dbt a tenth of a second. The warehouse keeps the results of the last facts that were built without an
error, and how far raw had been read; what no later load can have changed stands, and so do its tests until
the next day. A node that reads as_of, the books of loads or what this file does not know is always built.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ingestion.sources import MADE, SOURCES
from orchestration.dbt_process import Finished

TABLE = "facts.standing_build"
# Who maps places, pages and authorities anew may change anything.
_OF_ALL = "registry"
# Its table holds every load there was; what else is new in it is known by the sources that brought it.
_LOADS = "model.otklik.stg_operations__loads"
_MOVING = frozenset(f"macro.otklik.{name}" for name in ("as_of", "progress_relation", "fingerprint"))


@dataclass(frozen=True)
class Standing:
    """The last facts that were built without an error.

    Every node's result, the newest load they read, and the day for which tests last looked at all rows.
    """

    finished: tuple[Finished, ...]
    load_seq: int
    tested_on: date

    def split(
        self, manifest: Mapping[str, Any], came: Iterable[str], day: date
    ) -> tuple[list[Finished], list[Finished]]:
        """Nodes to build and nodes that stand, after loads of the sources `came`; all tests once a day."""
        graph = _Graph(manifest, frozenset(came))
        kept = [
            node
            for node in self.finished
            if graph.stands(node.unique_id) and (node.kind != "test" or day == self.tested_on)
        ]
        stands = {node.unique_id for node in kept}
        return [node for node in self.finished if node.unique_id not in stands], kept

    def with_news(self, built: Iterable[Finished], kept: Iterable[Finished]) -> list[Finished]:
        """All results in the order of the build that is remembered: parents before children."""
        place = {node.unique_id: number for number, node in enumerate(self.finished)}
        return sorted([*built, *kept], key=lambda node: place[node.unique_id])


def read_standing(warehouse: Path, rules: str) -> tuple[Standing, list[str]] | None:
    """What stands under these rules, with the sources that landed something since; None where all is due."""
    import duckdb

    if not warehouse.exists():
        return None
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        # a warehouse of an older version has the table without the day
        known = connection.execute(
            "select 1 from duckdb_columns() "
            "where schema_name || '.' || table_name = ? and column_name = 'tested_on'",
            [TABLE],
        ).fetchall()
        if not known:
            return None
        found = connection.execute(
            f"select load_seq, finished, tested_on from {TABLE} where rules = ?",  # noqa: S608
            [rules],
        ).fetchall()
        if len(found) != 1:
            return None
        load_seq, finished, tested_on = found[0]
        standing = Standing(tuple(Finished(**one) for one in json.loads(finished)), load_seq, tested_on)
        came = [
            source
            for (source,) in connection.execute(
                """
                select distinct loads.source
                from raw.loads as loads
                inner join raw._dlt_loads as finished
                    on loads._dlt_load_id = finished.load_id and finished.status = 0
                where loads.load_seq > ? and loads.landed > 0
                """,
                [standing.load_seq],
            ).fetchall()
        ]
    return standing, came


def write_standing(warehouse: Path, rules: str, finished: Iterable[Finished], tested_on: date) -> None:
    """Note that these nodes are built of all that has landed. The table goes with the schema it is in.

    tested_on: the day (of as_of, UTC) of the last run whose tests looked at all rows.
    """
    import duckdb

    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("begin")
        connection.execute(
            f"create or replace table {TABLE} "
            "(rules varchar, load_seq bigint, finished varchar, tested_on date)"
        )
        connection.execute(
            f"""
            insert into {TABLE}
            select ?, coalesce(max(loads.load_seq), -1), ?, ?
            from raw.loads as loads
            inner join raw._dlt_loads as done on loads._dlt_load_id = done.load_id and done.status = 0
            """,  # noqa: S608 - our own name
            [rules, json.dumps([asdict(one) for one in finished], ensure_ascii=False), tested_on],
        )
        connection.execute("commit")


class _Graph:
    """Which nodes of a manifest no load of certain sources can have changed."""

    def __init__(self, manifest: Mapping[str, Any], came: frozenset[str]) -> None:
        self._manifest = manifest
        specs = (*SOURCES.values(), *MADE)
        self._quiet = {table.name for spec in specs if spec.name not in came for table in spec.tables}
        self._all_moves = _OF_ALL in came
        self._known: dict[str, bool] = {}
        self._moving: dict[str, bool] = {}

    def stands(self, unique_id: str) -> bool:
        """Whether a node gives what it gave."""
        if unique_id not in self._known:
            self._known[unique_id] = not self._all_moves and self._judge(unique_id)
        return self._known[unique_id]

    def _judge(self, unique_id: str) -> bool:
        kind = unique_id.partition(".")[0]
        if kind == "seed":
            return True  # its file is part of the rules
        if kind == "source":
            return unique_id.rpartition(".")[2] in self._quiet
        node = self._manifest["nodes"].get(unique_id)
        if node is None or unique_id == _LOADS:
            return False
        if node["config"].get("post-hook") or node["config"].get("pre-hook"):
            return False
        if any(self._moves(macro) for macro in node["depends_on"]["macros"]):
            return False
        is_staging = node["fqn"][1] == "staging"
        parents = (one for one in node["depends_on"]["nodes"] if not (is_staging and one == _LOADS))
        return all(self.stands(one) for one in parents)

    def _moves(self, macro: str) -> bool:
        """Whether a macro reads what changes with every run, by itself or through others."""
        if macro not in self._moving:
            self._moving[macro] = macro in _MOVING  # and, for a macro that calls itself, for now
            found = self._manifest["macros"].get(macro, {})
            if not self._moving[macro]:
                self._moving[macro] = any(
                    self._moves(one) for one in found.get("depends_on", {}).get("macros", ())
                )
        return self._moving[macro]
