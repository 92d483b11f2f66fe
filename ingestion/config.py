"""The only reader of the environment and of the region files: strict, frozen, secrets never in repr."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import yaml
from dotenv import dotenv_values
from pydantic import Field, PrivateAttr, SecretStr, ValidationError, field_validator

from ingestion.clock import parse_utc, utc_now
from ingestion.errors import ConfigError
from ingestion.pseudonyms import Pseudonyms
from ingestion.region import (
    FolderSource,
    HeatRule,
    MaxSource,
    NetworkSource,
    OkSource,
    Patience,
    PosSource,
    Region,
    ReviewPeriod,
    Strict,
    TelegramSource,
    VkSource,
    reason_of,
)

__all__ = [
    "FolderSource",
    "HeatRule",
    "MaxSource",
    "NetworkSource",
    "OkSource",
    "Patience",
    "PosSource",
    "Region",
    "ReviewPeriod",
    "Settings",
    "TelegramSource",
    "VkSource",
    "find_region",
    "load_regions",
    "load_settings",
]

HMAC_KEY_LENGTH = 32
DEMO_KEY = "otklik-demo-"
_FEWEST_CHARACTERS = 8  # different ones: 64 random hex digits have nearly all 16
_PLACEHOLDER = re.compile(
    "change.?me|placeholder|example|password|your.?key|secret.?key|default", re.IGNORECASE
)
_VARIABLES = {  # variable → field of Settings
    "OTKLIK_DATA": "data",
    "OTKLIK_REGIONS": "regions",
    "OTKLIK_HMAC_KEY": "hmac_key",
    "OTKLIK_HMAC_OLD_KEYS": "hmac_old_keys",
    "OTKLIK_AS_OF": "as_of",
    "OTKLIK_LANG": "lang",
    "OTKLIK_KEEP_RELEASES": "keep_releases",
    "OTKLIK_KEEP_RUNS_DAYS": "keep_runs_days",
    "OTKLIK_KEEP_QUARANTINE_DAYS": "keep_quarantine_days",
    "OTKLIK_ALERT_URLS": "alert_urls",
    "OTKLIK_CENTRE_URLS": "centre_urls",
    "OTKLIK_REPORT_URL": "report_url",
    "OTKLIK_STALE_AFTER_HOURS": "stale_after_hours",
    "OTKLIK_CLOCK_TOLERANCE_MINUTES": "clock_tolerance_minutes",
    "OTKLIK_MEMORY_LIMIT": "memory_limit",
    "OTKLIK_POLL_SECONDS": "poll_seconds",
    "OTKLIK_RESTATE_MINUTES": "restate_minutes",
    "OTKLIK_POSTGRES_URL": "postgres_url",
    "OTKLIK_POSTGRES_OWNER_URL": "postgres_owner_url",
    "OTKLIK_POSTGRES_SCHEMAS": "postgres_schemas",
    "OTKLIK_TARGET": "target",
    "OTKLIK_LAKE": "lake",
    "OTKLIK_SPARK_MASTER": "spark_master",
}
_HOW_TO_MAKE_A_KEY = "python -c 'import secrets; print(secrets.token_hex(32))'"


class Settings(Strict):
    """The deployment's settings; `as_of` is naive UTC and, where given, replaces the wall clock."""

    data: Path = Path("data")
    regions: Path = Path("regions")
    hmac_key: SecretStr
    hmac_old_keys: tuple[SecretStr, ...] = ()
    as_of: datetime | None = None
    lang: Literal["ru", "en"] = "ru"
    keep_releases: int = Field(default=30, ge=1)
    keep_runs_days: int = Field(default=90, ge=1)
    keep_quarantine_days: int = Field(default=365, ge=1)
    alert_urls: SecretStr | None = None
    centre_urls: SecretStr | None = None
    report_url: str = ""
    stale_after_hours: int = Field(default=26, ge=1)
    clock_tolerance_minutes: int = Field(default=60, ge=0)
    memory_limit: str = Field(default="4GB", pattern=r"^\d+(\.\d+)?(MB|GB|TB)$")
    poll_seconds: int = Field(default=15, ge=1)
    restate_minutes: int = Field(default=60, ge=1)
    postgres_url: SecretStr | None = None
    postgres_owner_url: SecretStr | None = None
    postgres_schemas: tuple[Literal["marts", "facts"], ...] = ("marts",)
    target: Literal["duckdb", "spark"] = "duckdb"
    lake: Path | None = None
    spark_master: str = "local[*]"
    patience: Patience = Patience()
    _environment: dict[str, str] = PrivateAttr(default_factory=dict)

    @field_validator("hmac_key")
    @classmethod
    def _long_enough(cls, key: SecretStr) -> SecretStr:
        return _usable(key)

    @field_validator("hmac_old_keys", mode="before")
    @classmethod
    def _split(cls, keys: object) -> object:
        if not isinstance(keys, str):
            return keys
        return tuple(SecretStr(key.strip()) for key in keys.split(",") if key.strip())

    @field_validator("hmac_old_keys")
    @classmethod
    def _all_usable(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        return tuple(_usable(key) for key in keys)

    @field_validator("postgres_schemas", mode="before")
    @classmethod
    def _listed(cls, names: object) -> object:
        return tuple(name.strip() for name in names.split(",")) if isinstance(names, str) else names

    @field_validator("as_of", mode="before")
    @classmethod
    def _naive_utc(cls, value: object) -> object:
        return parse_utc(value) if isinstance(value, str) else value

    @property
    def warehouse(self) -> Path:
        return self.data / "warehouse.duckdb"

    @property
    def lake_folder(self) -> Path:
        """Where Spark reads raw and keeps its tables, absolute: its workers see it under the same path."""
        return (self.lake or self.data / "lake").resolve()

    def now(self) -> datetime:
        """Naive UTC: `as_of` where the deployment fixes it, else the wall clock."""
        return self.as_of or utc_now()

    def latest_believable(self) -> datetime:
        """Naive UTC: a date after this instant is a mistake of the source."""
        return max(self.now(), utc_now()) + timedelta(days=1)

    def pseudonyms(self) -> Pseudonyms:
        """Stand-ins for people under this deployment's keys."""
        return Pseudonyms(self.hmac_key, self.hmac_old_keys)

    def needed(self, name: Literal["postgres_url", "postgres_owner_url", "alert_urls"]) -> str:
        """A secret that what was asked for cannot do without. Raises ConfigError where it is not set."""
        value: SecretStr | None = getattr(self, name)
        if value is None:
            variable = next(variable for variable, field in _VARIABLES.items() if field == name)
            raise ConfigError(f"{variable} is not set", "put the address into the environment or into .env")
        return value.get_secret_value()

    def token(self, variable: str, region: Region, source: str, key: str = "token_env") -> SecretStr:
        """The token in `variable`, which the region's file names as `key` of `source`."""
        value = self._environment.get(variable, "").strip()
        if not value:
            raise ConfigError(
                f"The variable {variable}, named in sources.{source}.{key} of "
                f"{self.regions / (region.region_id + '.yaml')}, is not set",
                "put the token into the environment or into .env",
            )
        return SecretStr(value)


def _usable(key: SecretStr) -> SecretStr:
    """A key that nobody guesses. What is left in place of one, or typed to get past the check, is none."""
    text = key.get_secret_value()
    if len(text) < HMAC_KEY_LENGTH:
        raise ValueError(f"must have at least {HMAC_KEY_LENGTH} characters")
    if len(set(text)) < _FEWEST_CHARACTERS or _PLACEHOLDER.search(text):
        raise ValueError("is a placeholder, no secret")
    return key


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
        raise ConfigError(f"{variable}: {reason_of(first)}", f"correct it ({hint})") from None
    tolerance = {"clock_tolerance": settings.clock_tolerance_minutes * 60}
    settings = settings.model_copy(update={"patience": settings.patience.model_copy(update=tolerance)})
    settings._environment.update(environment)
    _refuse_demo_key(settings)
    return settings


def _refuse_demo_key(settings: Settings) -> None:
    """The sandbox's key follows from its scenario, so everybody has it."""
    keys = [key.get_secret_value() for key in (settings.hmac_key, *settings.hmac_old_keys)]
    if any(key.startswith(DEMO_KEY) for key in keys) and "OTKLIK_SANDBOX_URL" not in settings._environment:
        raise ConfigError(
            "OTKLIK_HMAC_KEY: is the key of the demo, which everybody can compute",
            f"put one of your own into .env: {_HOW_TO_MAKE_A_KEY}",
        )


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
    return _with_secret_files({**_read_env_file(data / "deployment.env"), **dot_env, **explicit})


def _with_secret_files(environment: Mapping[str, str]) -> dict[str, str]:
    """NAME from the file that NAME_FILE names, as container platforms hand out secrets; NAME itself wins."""
    found = dict(environment)
    for variable, value in environment.items():
        name = variable.removesuffix("_FILE")
        if variable.startswith("OTKLIK_") and name != variable and value and name not in environment:
            try:
                found[name] = Path(value).read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError):
                raise ConfigError(
                    f"The file that {variable} names cannot be read", f"correct the path, or set {name}"
                ) from None
    return found


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
        raise ConfigError(f"{path}: {key}: {reason_of(first)}", "correct this key in the file") from None
    if region.region_id != path.stem:
        raise ConfigError(
            f"{path}: region_id: is {region.region_id!r} but the file is called {path.name}",
            "make the two equal",
        )
    borders = region.borders and region.borders.anchored(path.parent)
    return region.model_copy(update={"sources": region.sources.anchored(path.parent), "borders": borders})
