"""The only reader of the environment and of the region files: strict, frozen, secrets never in repr."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

import yaml
from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from ingestion.clock import parse_utc, utc_now
from ingestion.errors import ConfigError

HMAC_KEY_LENGTH = 32
SOURCE_NAMES = ("registry", "pos", "vk", "incident")
_VARIABLES = {  # variable → field of Settings
    "OTKLIK_DATA": "data",
    "OTKLIK_REGIONS": "regions",
    "OTKLIK_HMAC_KEY": "hmac_key",
    "OTKLIK_AS_OF": "as_of",
    "OTKLIK_LANG": "lang",
    "OTKLIK_KEEP_RELEASES": "keep_releases",
}
_HOW_TO_MAKE_A_KEY = "python -c 'import secrets; print(secrets.token_hex(32))'"


class _Strict(BaseModel):
    # Inputs are hidden in messages because a mistyped key may hold a secret.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("must be an IANA zone such as Asia/Yekaterinburg") from error
    return name


def _http_url(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", url):
        raise ValueError("must be an http(s) address without query or fragment")
    return url.rstrip("/")


Url = Annotated[str, AfterValidator(_http_url)]
VariableName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
Rate = Annotated[float, Field(gt=0, le=1000)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Patience(_Strict):
    """How long we wait for a source: seconds; `first_wait` doubles with each of `attempts`."""

    connect_timeout: float = 5
    read_timeout: float = 30
    response_deadline: float = 120
    attempts: int = Field(default=5, ge=1)
    first_wait: float = 1.0
    longest_wait: float = 60.0


class FolderSource(_Strict):
    """A source that is delivered as files; `folder` is absolute after loading."""

    folder: Path


class VkSource(_Strict):
    """VK communities of the region; community ids are positive or negative, both mean the community."""

    base_url: Url = "https://api.vk.com"
    token_env: VariableName
    requests_per_second: Rate = 3
    communities: Literal["registry"] | list[int] = "registry"
    lookback_days: int = Field(default=14, ge=1, le=365)
    search_queries: list[str] = []

    @field_validator("search_queries")
    @classmethod
    def _not_blank(cls, queries: list[str]) -> list[str]:
        if any(not query.strip() for query in queries):
            raise ValueError("must not hold an empty query")
        return queries


class PosSource(_Strict):
    """ПОС REST service; a page holds up to 1000 appeals."""

    base_url: Url
    token_env: VariableName
    page_size: int = Field(default=1000, ge=1, le=1000)
    requests_per_second: Rate = 20


class Sources(_Strict):
    """What is connected in a region; a source that is absent is simply not read."""

    registry: FolderSource | None = None
    incident: FolderSource | None = None
    vk: VkSource | None = None
    pos: PosSource | None = None


class HeatRule(_Strict):
    """How heat levels are told: by quantiles within the region, or by fixed thresholds."""

    method: Literal["quantile", "fixed"] = "quantile"
    measure: Literal["count", "rate"] = "rate"
    minimum: int = Field(default=5, ge=0)
    red_share: Share | None = None
    yellow_share: Share | None = None
    red_from: float | None = None
    yellow_from: float | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.method == "fixed":
            if self.red_from is None or self.yellow_from is None or self.red_from <= self.yellow_from:
                raise ValueError("method fixed needs red_from > yellow_from")
        elif (
            self.red_share is not None
            and self.yellow_share is not None
            and (self.red_share + self.yellow_share > 1)
        ):
            raise ValueError("red_share + yellow_share must not exceed 1")
        return self


class ReviewPeriod(_Strict):
    """A window of marts.year_review: local dates, half-open [from, to)."""

    period_from: date = Field(alias="from")
    period_to: date = Field(alias="to")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.period_from >= self.period_to:
            raise ValueError("`from` must be before `to`")
        return self


class Region(_Strict):
    """One region of the deployment, as its file regions/<region_id>.yaml says."""

    region_id: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    name: str = Field(min_length=1)
    time_zone: Annotated[str, AfterValidator(_known_zone)]
    opened_on: date | None = None
    sources: Sources
    heat_rule: HeatRule = HeatRule(red_share=0.2, yellow_share=0.4)
    review_periods: list[ReviewPeriod] = []

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def connected(self) -> tuple[str, ...]:
        """Names of the sources this region has, in the order in which they are best read."""
        return tuple(name for name in SOURCE_NAMES if getattr(self.sources, name) is not None)


class Settings(_Strict):
    """The deployment's settings; `as_of` is naive UTC and, where given, replaces the wall clock."""

    data: Path = Path("data")
    regions: Path = Path("regions")
    hmac_key: SecretStr
    as_of: datetime | None = None
    lang: Literal["ru", "en"] = "ru"
    keep_releases: int = Field(default=30, ge=1)
    patience: Patience = Patience()
    _environment: dict[str, str] = PrivateAttr(default_factory=dict)

    @field_validator("hmac_key")
    @classmethod
    def _long_enough(cls, key: SecretStr) -> SecretStr:
        if len(key.get_secret_value()) < HMAC_KEY_LENGTH:
            raise ValueError(f"must have at least {HMAC_KEY_LENGTH} characters")
        return key

    @field_validator("as_of", mode="before")
    @classmethod
    def _naive_utc(cls, value: object) -> object:
        return parse_utc(value) if isinstance(value, str) else value

    @property
    def warehouse(self) -> Path:
        return self.data / "warehouse.duckdb"

    def now(self) -> datetime:
        """Naive UTC: `as_of` where the deployment fixes it, else the wall clock."""
        return self.as_of or utc_now()

    def token(self, variable: str, region: Region, source: str) -> SecretStr:
        """The token in `variable`, which the region's file names for `source`."""
        value = self._environment.get(variable, "").strip()
        if not value:
            raise ConfigError(
                f"The variable {variable}, named in sources.{source}.token_env of "
                f"{self.regions / (region.region_id + '.yaml')}, is not set",
                "put the token into the environment or into .env",
            )
        return SecretStr(value)


def load_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Settings from the process environment, else `.env` in cwd, else `<data>/deployment.env`.

    With `env` given, it stands for the process environment and `.env` is not read.
    """
    environment = _merged_environment(env)
    given = {name: environment[v] for v, name in _VARIABLES.items() if environment.get(v, "") != ""}
    if "hmac_key" not in given:
        raise ConfigError(
            "OTKLIK_HMAC_KEY is not set, and without it authors cannot be made pseudonymous",
            f"put one into .env: {_HOW_TO_MAKE_A_KEY}",
        )
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        variables = {name: variable for variable, name in _VARIABLES.items()}
        first = error.errors(include_input=False, include_url=False)[0]
        variable = variables.get(str(first["loc"][0]), "the settings") if first["loc"] else "the settings"
        hint = _HOW_TO_MAKE_A_KEY if variable == "OTKLIK_HMAC_KEY" else "see .env.example"
        raise ConfigError(f"{variable}: {_reason(first)}", f"correct it ({hint})") from None
    settings._environment.update(environment)
    return settings


def load_regions(settings: Settings) -> dict[str, Region]:
    """All regions of the deployment by region_id, in the order of their ids."""
    if not settings.regions.is_dir():
        raise ConfigError(
            f"The folder of region files {settings.regions} (OTKLIK_REGIONS) does not exist",
            "create it with one <code>.yaml per region, or run `python -m sandbox serve` for a pretend one",
        )
    files = sorted(settings.regions.glob("*.yaml"))
    if not files:
        raise ConfigError(
            f"The folder {settings.regions} (OTKLIK_REGIONS) holds no region file", "add one <code>.yaml"
        )
    return {path.stem: _load_region(path) for path in files}


def find_region(regions: Mapping[str, Region], region_id: str) -> Region:
    """The region of that id, or an error that lists those which exist."""
    if region_id not in regions:
        raise ConfigError(f"There is no region {region_id!r}", f"use one of: {', '.join(regions)}")
    return regions[region_id]


def _merged_environment(env: Mapping[str, str] | None) -> dict[str, str]:
    explicit = dict(os.environ if env is None else env)
    dot_env = {} if env is not None else _read_env_file(Path(".env"))
    data = Path(explicit.get("OTKLIK_DATA") or dot_env.get("OTKLIK_DATA") or "data")
    return {**_read_env_file(data / "deployment.env"), **dot_env, **explicit}


def _read_env_file(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    return {key: value for key, value in dotenv_values(path, interpolate=False).items() if value is not None}


def _load_region(path: Path) -> Region:
    try:
        content: Any = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise ConfigError(f"The region file {path} is not readable YAML{where}", "correct the file") from None
    try:
        region = Region.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "(the whole file)"
        raise ConfigError(f"{path}: {key}: {_reason(first)}", "correct this key in the file") from None
    if region.region_id != path.stem:
        raise ConfigError(
            f"{path}: region_id: is {region.region_id!r} but the file is called {path.name}",
            "make the two equal",
        )
    return _with_absolute_folders(region, path.parent)


def _with_absolute_folders(region: Region, base: Path) -> Region:
    folders = {
        name: FolderSource(folder=(base / source.folder).resolve())
        for name, source in (("registry", region.sources.registry), ("incident", region.sources.incident))
        if source is not None
    }
    return region.model_copy(update={"sources": region.sources.model_copy(update=folders)})


def _reason(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "is not a known key"
    if error["type"] == "missing":
        return "is missing"
    return str(error["msg"]).removeprefix("Value error, ")
