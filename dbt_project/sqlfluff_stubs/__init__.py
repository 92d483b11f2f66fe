"""What dbt gives to Jinja and sqlfluff's own stand-ins lack, so that models lint without a dbt start.

sqlfluff hands every name of this module to the templates (`library_path` in .sqlfluff). Models are rendered
as incremental runs on DuckDB with all relations standing: the branch that holds the most SQL.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from jinja2 import pass_context
from jinja2.runtime import Context
from sqlfluff.core.templaters.builtins.dbt import RelationEmulator

ENGINE = "duckdb"


class adapter:  # noqa: N801 - templates use this name
    """`adapter.dispatch` finds the macro of the one engine linted for."""

    @staticmethod
    @pass_context
    def dispatch(context: Context, name: str, package: str) -> Callable[..., str]:
        """The engine's macro of that name in the templates; `package` is always this project."""
        macro: Callable[..., str] = context.resolve(f"{ENGINE}__{name}")
        return macro

    @staticmethod
    def get_relation(database: str, schema: str, identifier: str) -> RelationEmulator:
        """Every relation stands."""
        return RelationEmulator(identifier)


class _Config:
    """`config(...)` prints nothing; `config.get` gives the default, as in a model that sets nothing."""

    def __call__(self, **settings: Any) -> str:
        return ""

    @staticmethod
    def get(name: str, default: Any = None) -> Any:
        """The default."""
        return default


class dbt:  # noqa: N801 - templates use this name
    """The cross-engine macros of dbt that this project uses."""

    @staticmethod
    def type_string() -> str:
        """Type of a text."""
        return "varchar"

    @staticmethod
    def split_part(text: str, delimiter: str, part: int) -> str:
        """The part of a delimited text."""
        return f"split_part({text}, {delimiter}, {part})"


class target:  # noqa: N801 - templates use this name
    """The profile's target."""

    database = "warehouse"
    schema = "main"


class flags:  # noqa: N801 - templates use this name
    """The flags of the run."""

    FULL_REFRESH = False


class api:  # noqa: N801 - templates use this name
    """dbt's classes."""

    class Relation:
        """A table by its name."""

        @staticmethod
        def create(database: str, schema: str, identifier: str) -> str:
            """Schema and name."""
            return f"{schema}.{identifier}"


class graph:  # noqa: N801 - templates use this name
    """The parsed project, empty."""

    nodes: ClassVar[dict[str, Any]] = {}
    sources: ClassVar[dict[str, Any]] = {}


config = _Config()
execute = True


class _Answer:
    rows = ((1,),)


def run_query(query: str) -> _Answer:
    """One row that holds 1: whatever is counted stands."""
    return _Answer()


def env_var(name: str, default: str = "") -> str:
    """The default: linting depends on no environment."""
    return default
