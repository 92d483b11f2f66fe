"""dbt inside this process: imported once, the project parsed before, then run as often as a run needs it.

A subprocess for each part costs an interpreter, dbt's imports and a parse every time: more than the SQL of a
quiet hour. Imports of dbt stand inside functions, so that whoever only reads the asset graph does not pay.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from orchestration.dbt_manifest import DBT_PROJECT_DIR, parsed_project

_CHOSEN = "otklik_chosen"  # a tag that no file of the project gives


@dataclass(frozen=True)
class Finished:
    """What dbt says of one node: a model, a seed or a test."""

    unique_id: str
    name: str
    kind: str  # dbt's resource_type
    status: str  # success, pass, warn, fail, error, skipped
    failures: int
    seconds: float
    message: str

    @property
    def is_broken(self) -> bool:
        return self.status in ("error", "fail")

    def metadata(self) -> dict[str, Any]:
        """Shown beside an asset or a check in Dagster."""
        return {"unique_id": self.unique_id, "Execution Duration": self.seconds}


@dataclass(frozen=True)
class Outcome:
    """What a command of dbt came to. `sentence` says what went wrong first; empty where nothing did."""

    finished: list[Finished]
    sentence: str


class Dbt:
    """The dbt project on one warehouse.

    Commands see `variables` as environment variables. The SQL that ran and dbt's log go to `target`.
    """

    def __init__(self, target: Path, variables: Mapping[str, str], engine: str = "duckdb") -> None:
        self._target, self._variables, self._engine = target, dict(variables), engine
        self._parsed: Any = None

    def build(
        self,
        selection: Sequence[str] | frozenset[str],
        *,
        refresh: bool = False,
        tests: Literal["all", "changed"] = "all",
    ) -> Outcome:
        """Seeds, models and tests in the order of their references.

        selection: dbt's own arguments, or the unique ids of all nodes to make. tests: whether those of
        staging and facts look at all rows, or at what came since they last held. Unit tests judge the SQL,
        not the data: they belong to `make test`.
        """
        arguments = ["build", "--exclude-resource-type", "unit_test"]
        if refresh:
            arguments.append("--full-refresh")
        return self._invoke(arguments, selection, OTKLIK_RUN_TESTS=tests)

    def _invoke(
        self, arguments: Sequence[str], selection: Sequence[str] | frozenset[str], **variables: str
    ) -> Outcome:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        from orchestration.dbt_events import hear_warnings_and_errors

        with self._at_home(**variables):
            parsed = self._parse()
            if parsed is None:
                return Outcome([], "the project does not parse; see why with `dbt parse`")
            hear_warnings_and_errors()
            selected = _choose(parsed, selection) if isinstance(selection, frozenset) else selection
            try:
                done = dbtRunner(manifest=parsed).invoke([*arguments, *selected, *self._options()])
            finally:
                # dbt keeps the warehouse open for the life of its process, which is ours.
                DuckDBConnectionManager.close_all_connections()
        finished = [_finished(result) for result in getattr(done.result, "results", ())]
        if done.success:
            return Outcome(finished, "")
        broken = [node for node in finished if node.is_broken]
        said = f"{broken[0].unique_id}: {broken[0].message}" if broken else _one_line(done.exception)
        return Outcome(finished, f"{said}{advice_on(said)}")

    def _parse(self) -> Any:
        """The project for this engine, to be written into; None where it does not parse.

        What is kept on the disk was parsed for DuckDB: names of tables are others on Spark.
        """
        from dbt.cli.main import dbtRunner

        if self._engine == "duckdb":
            try:
                return parsed_project()
            except subprocess.CalledProcessError:
                return None
        if self._parsed is None:
            parse = dbtRunner().invoke(["parse", "--no-partial-parse", *self._options()])
            if not parse.success:
                return None
            self._parsed = parse.result
        return self._parsed.deepcopy()

    def _options(self) -> list[str]:
        return [
            *("--quiet", "--log-level-file", "warn", "--no-write-json", "--target", self._engine),
            *("--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR)),
            *("--target-path", str(self._target), "--log-path", str(self._target)),
        ]

    @contextmanager
    def _at_home(self, **variables: str) -> Iterator[None]:
        self._target.mkdir(parents=True, exist_ok=True)
        with environment(DBT_SEND_ANONYMOUS_USAGE_STATS="false", **self._variables, **variables):
            yield


def advice_on(said: str) -> str:
    """What to do about an error of DuckDB's whose own words do not say it here; often empty."""
    is_memory = "Out of Memory" in said
    return "; OTKLIK_MEMORY_LIMIT says how much the models may take, give them more" if is_memory else ""


def _choose(parsed: Any, unique_ids: frozenset[str]) -> list[str]:
    """Arguments for these nodes and no others, by a tag: of names, dbt compares each with every node."""
    for unique_id in unique_ids:
        node = parsed.nodes[unique_id]
        node.tags = [*node.tags, _CHOSEN]
    return ["--indirect-selection", "empty", "--select", f"tag:{_CHOSEN}"]


def _finished(result: Any) -> Finished:
    return Finished(
        unique_id=result.node.unique_id,
        name=result.node.name,
        kind=str(result.node.resource_type),
        status=str(result.status),
        failures=result.failures or 0,
        seconds=result.execution_time,
        message=_one_line(result.message),
    )


def _one_line(said: object) -> str:
    return " ".join(str(said or "see dbt's log").split())[:300]


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Environment variables that end with the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
