"""What a mapping file may say: which columns of a delivered file mean what. Strict, with plain sentences."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from ingestion.errors import ConfigError
from ingestion.region import Strict, known_zone, reason_of
from ingestion.shape import names

Format = Literal["csv", "xlsx", "jsonl", "parquet"]
RowKind = Literal["appeals", "answers"]

CHANNELS = (
    "vk", "ok", "telegram", "max", "bot_telegram", "bot_viber", "bot_max", "pos", "incident", "open311",
    "other",
)  # fmt: skip
# What a field may say after its value map; fields that are not here may say anything.
VOCABULARY: dict[str, tuple[str, ...]] = {
    "channel": CHANNELS,
    "intake": ("social", "pos_message", "pos_appeal", "other"),
    "kind": ("complaint", "question", "proposal", "thanks"),
    "outcome": ("solved", "explained", "not_solved", "postponed"),
}
ANSWER_KINDS = ("interim", "final")
APPEAL_FIELDS = names(
    """
    ticket_id channel intake kind created_at registered_at closed_at status outcome topic_group topic
    municipality locality street house latitude longitude authority ogrn author age_group rating fast_track
    text tags
    """
)
ANSWER_FIELDS = names("ticket_id answer_id answered_at kind authority ogrn text")
REQUIRED_MOMENT = {"appeals": "registered_at", "answers": "answered_at"}
ENDINGS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".xlsx": "xlsx",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
DATES = ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "iso", "excel")
SPECIAL_DATES = ("iso", "excel", "unix", "unix_ms")


def _tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _date_format(text: str) -> str:
    if text not in SPECIAL_DATES and "%" not in text:
        raise ValueError(f"must be strptime's, such as %d.%m.%Y %H:%M, or one of {', '.join(SPECIAL_DATES)}")
    return text


Names = Annotated[tuple[str, ...], BeforeValidator(_tuple), Field(min_length=1)]
DateFormats = Annotated[tuple[Annotated[str, AfterValidator(_date_format)], ...], BeforeValidator(_tuple)]


class Rule(Strict):
    """Where one value comes from: a column (by any of its spellings), several joined, or a constant."""

    column: Names | None = None
    join: tuple[Names, ...] | None = None
    separator: str = " "
    value: str | int | float | bool | None = None
    values: dict[str, str | None] | None = None
    otherwise: Literal["empty", "keep", "refuse"] = "empty"
    formats: DateFormats | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum(origin is not None for origin in (self.column, self.join, self.value)) != 1:
            raise ValueError("needs exactly one of column, join and value")
        return self

    @property
    def inputs(self) -> tuple[Names, ...]:
        """The columns it reads, each by its spellings."""
        if self.join is not None:
            return self.join
        return () if self.column is None else (self.column,)


def _rule(value: Any) -> Any:
    """A bare name or a list of spellings is a column."""
    return {"column": value} if isinstance(value, str | list | tuple) else value


AnyRule = Annotated[Rule, BeforeValidator(_rule)]


class AnswerColumns(Strict):
    """An answer that stands in the appeal's own row: there is one where `at` holds a date."""

    kind: Literal["interim", "final"]
    at: AnyRule
    text: AnyRule | None = None
    authority: AnyRule | None = None
    ogrn: AnyRule | None = None


class Mapping(Strict):
    """One mapping file."""

    rows: RowKind = "appeals"
    files: Annotated[tuple[str, ...], BeforeValidator(_tuple)] = tuple(f"*{ending}" for ending in ENDINGS)
    format: Format | None = None
    encoding: Literal["auto", "utf-8", "utf-8-sig", "cp1251", "utf-16"] = "auto"
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    quote: str = Field(default='"', min_length=1, max_length=1)
    skip_lines: int = Field(default=0, ge=0, le=100)
    sheet: str | None = None
    time_zone: Annotated[str, AfterValidator(known_zone)] | None = None
    dates: DateFormats = DATES
    key: tuple[Names, ...] | None = None
    columns: dict[str, AnyRule]
    answers: tuple[AnswerColumns, ...] = ()
    max_bytes: int = Field(default=4 * 2**30, gt=0)
    max_refused: int = Field(default=100_000, ge=0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        known = APPEAL_FIELDS if self.rows == "appeals" else ANSWER_FIELDS
        for field in self.columns:
            if field not in known:
                raise ValueError(
                    f"columns.{field} is no field of {self.rows}; known are {', '.join(sorted(known))}"
                )
        moment = REQUIRED_MOMENT[self.rows]
        if moment not in self.columns:
            raise ValueError(f"columns.{moment} is missing: without it no row can be used")
        if self.rows == "answers":
            if "ticket_id" not in self.columns:
                raise ValueError("columns.ticket_id is missing: it ties an answer to its appeal")
            if self.key or self.answers:
                raise ValueError("key and answers belong to rows: appeals")
        elif ("ticket_id" in self.columns) == (self.key is not None):
            raise ValueError("needs exactly one of columns.ticket_id and key (columns whose hash is the key)")
        for field, rule in self.columns.items():
            self._check_words(field, rule)
        if len({answer.kind for answer in self.answers}) != len(self.answers):
            raise ValueError("answers may hold each kind once")
        return self

    def _check_words(self, field: str, rule: Rule) -> None:
        words = ANSWER_KINDS if (field, self.rows) == ("kind", "answers") else VOCABULARY.get(field)
        if words is None:
            return
        said = [*(rule.values or {}).values(), rule.value]
        for word in said:
            if word is not None and word not in words:
                raise ValueError(f"columns.{field} cannot be {word!r}; it can be {', '.join(words)}")
        if rule.otherwise == "keep":
            raise ValueError(f"columns.{field} cannot keep other words; it can be {', '.join(words)}")

    @property
    def fingerprint(self) -> str:
        """Changes with the mapping, so that a corrected mapping reads its files anew."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:8]


def load_mapping(path: Path) -> Mapping:
    """The mapping in a YAML file, or ConfigError with one sentence that names the key."""
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"The mapping file {path} does not exist", "create it (docs/sources/files.md shows one)"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise ConfigError(
            f"The mapping file {path} is not readable YAML{where}", "correct the file"
        ) from None
    try:
        return Mapping.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "(the whole file)"
        raise ConfigError(f"{path}: {key}: {reason_of(first)}", "correct this key in the mapping") from None
