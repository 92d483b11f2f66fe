"""Rows by the million: DuckDB inserts them into raw tables itself, in one transaction per load.

Nothing of them is seen before `commit`, which the pipeline calls once the accounts are right and just before
dlt loads the package with the books. What happens after that is undone by `Warehouse.sweep`, as with every
table that dlt copies: rows count only when dlt has committed their load id.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ingestion.erasures import Erasures, is_erased_sql, say_erased
from ingestion.tables import SQL_TYPES, RawTable

if TYPE_CHECKING:
    import duckdb


class BulkRows:
    """Inserts of one load into the raw tables of the database behind `connection`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        # A connection of its own: what it inserts stays unseen by all others until it commits.
        self.connection = connection.cursor()
        self._begun = False
        self._tables: dict[str, RawTable] = {}

    def insert(self, table: RawTable, select: str) -> int:
        """Insert what `select` yields, matched by column name; how many rows that were."""
        if not self._begun:
            self.connection.execute("BEGIN")
            self._begun = True
        if table.name not in self._tables:
            self._evolve(table)
        ((count,),) = self.connection.execute(f"INSERT INTO raw.{table.name} BY NAME {select}").fetchall()
        return int(count)

    def insert_unerased(self, table: RawTable, select: str, erased: Erasures) -> tuple[int, int]:
        """As `insert`, without rows that were erased; how many were inserted and how many were erased.

        The connection has been taught by `Pseudonyms.teach`.
        """
        import duckdb

        dropped = 0

        def count(tests: Any) -> Any:
            nonlocal dropped
            dropped += sum(test is True for test in tests.to_pylist())
            return tests

        if not self._begun:
            # A transaction writes to one database, and temporary tables are another: all of it comes before.
            say_erased(self.connection, erased)
        with suppress(duckdb.Error):
            self.connection.remove_function("count_erased")
        options: dict[str, Any] = {"type": "arrow", "side_effects": True}
        self.connection.create_function("count_erased", count, ["BOOLEAN"], "BOOLEAN", **options)
        kept = f"SELECT * FROM ({select}) WHERE NOT count_erased({is_erased_sql(table)})"  # noqa: S608
        return self.insert(table, kept), dropped

    def count(self, table: RawTable, load_id: str) -> int:
        """How many rows of the load the table holds, as the inserting transaction sees it."""
        if table.name not in self._tables:
            return 0
        counted = f"SELECT count(*) FROM raw.{table.name} WHERE _dlt_load_id = ?"  # noqa: S608 - our own name
        return int(self.connection.execute(counted, [load_id]).fetchall()[0][0])

    def commit(self) -> None:
        """Make the rows last."""
        if self._begun:
            self.connection.execute("COMMIT")
            self._begun = False

    def undo(self) -> None:
        """Forget what was not committed."""
        if self._begun:
            import duckdb

            # After a fatal error there is nothing left to roll back.
            with suppress(duckdb.Error):
                self.connection.execute("ROLLBACK")
            self._begun = False

    def _evolve(self, table: RawTable) -> None:
        """Columns that the table got since it was made; dlt adds them to all other tables."""
        described = self.connection.execute(f"DESCRIBE raw.{table.name}").fetchall()
        there = {str(row[0]) for row in described}
        for column in table.all_columns:
            if column.name not in there:
                self.connection.execute(
                    f'ALTER TABLE raw.{table.name} ADD COLUMN "{column.name}" {SQL_TYPES[column.type]}'
                )
        self._tables[table.name] = table
