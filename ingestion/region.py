"""What a region file may say: strict, frozen models. Reading the files is `config.py`'s business."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    field_validator,
    model_validator,
)


class Strict(BaseModel):
    """Unknown keys are errors, values never change."""

    # Inputs are hidden in messages because a mistyped key may hold a secret.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def known_zone(name: str) -> str:
    """The name of an IANA zone, or ValueError."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("must be an IANA zone such as Asia/Yekaterinburg") from error
    return name


def _http_url(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", url):
        raise ValueError("must be an http(s) address without query or fragment")
    return url.rstrip("/")


def reason_of(error: Any) -> str:
    """What pydantic found wrong, in our words."""
    if error["type"] == "extra_forbidden":
        return "is not a known key"
    if error["type"] == "missing":
        return "is missing"
    return str(error["msg"]).removeprefix("Value error, ")


Url = Annotated[str, AfterValidator(_http_url)]
VariableName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
Rate = Annotated[float, Field(gt=0, le=1000)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Patience(Strict):
    """How long we wait for a source: seconds; `first_wait` doubles with each of `attempts`.

    clock_tolerance: seconds by which our clock and the source's may differ; 0: they are not compared.
    """

    connect_timeout: float = 5
    read_timeout: float = 30
    response_deadline: float = 120
    attempts: int = Field(default=5, ge=1)
    first_wait: float = 1.0
    longest_wait: float = 60.0
    clock_tolerance: float = 3600


class FolderSource(Strict):
    """A source that is delivered as files; `folder` is absolute after loading."""

    folder: Path


class MappedFiles(Strict):
    """A folder of files and the mapping that says what their columns mean; both absolute after loading."""

    folder: Path
    mapping: Path


ConfirmationString = Annotated[str, Field(min_length=1, max_length=64)]


class VkCallback(Strict):
    """VK's Callback API for the inbox: the secret's variable, and the string that confirms the address: of
    the only community, or of each by its number, since VK gives each its own."""

    secret_env: VariableName
    confirmation: ConfirmationString | dict[PositiveInt, ConfirmationString]


class VkSource(Strict):
    """VK communities of the region; community ids are positive or negative, both mean the community."""

    base_url: Url = "https://api.vk.com"
    token_env: VariableName
    requests_per_second: Rate = 3
    communities: Literal["registry"] | list[int] = "registry"
    lookback_days: int = Field(default=14, ge=1, le=365)
    reread_days: int = Field(default=2, ge=0, le=365)
    search_queries: list[str] = []
    boards: bool = True
    callback: VkCallback | None = None

    @field_validator("search_queries")
    @classmethod
    def _not_blank(cls, queries: list[str]) -> list[str]:
        if any(not query.strip() for query in queries):
            raise ValueError("must not hold an empty query")
        return queries


class PosSource(Strict):
    """ПОС, by its REST service (a page holds up to 1000 appeals) or by a folder of exports."""

    base_url: Url | None = None
    token_env: VariableName | None = None
    folder: Path | None = None
    page_size: int = Field(default=1000, ge=1, le=1000)
    requests_per_second: Rate = 20
    votes: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.base_url is None) == (self.folder is None):
            raise ValueError("needs exactly one of base_url and folder")
        if self.base_url is not None and self.token_env is None:
            raise ValueError("token_env is missing: it names the variable that holds the service's token")
        return self


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class NetworkSource(Strict):
    """What networks of pages and conversations have in common; `pages` are names or ids as in links."""

    requests_per_second: Rate = 10
    pages: Literal["registry"] | list[str] = "registry"
    lookback_days: int = Field(default=14, ge=1, le=365)

    @field_validator("pages")
    @classmethod
    def _bare_names(cls, pages: Literal["registry"] | list[str]) -> Literal["registry"] | list[str]:
        if pages != "registry" and not all(re.fullmatch(r"-?[\w.-]+", page) for page in pages):
            raise ValueError("must hold names or ids as they stand at the end of a page's link")
        return pages


class OkSource(NetworkSource):
    """Groups of OK; the application key is public, the other two are secrets."""

    base_url: Url = "https://api.ok.ru"
    application_key: str = Field(min_length=1)
    access_token_env: VariableName
    application_secret_env: VariableName


class Webhook(Strict):
    """Updates come to the inbox instead of being asked for; the variable holds the secret of deliveries."""

    secret_env: VariableName


class TelegramSource(NetworkSource):
    """Channels with their discussion groups, and private chats, of one bot."""

    base_url: Url = "https://api.telegram.org"
    token_env: VariableName
    requests_per_second: Rate = 20
    lookback_days: int = Field(default=60, ge=1, le=365)  # how long threads of comments are remembered
    webhook: Webhook | None = None


class MaxSource(NetworkSource):
    """Channels with their discussions, and dialogs, of one bot."""

    base_url: Url = "https://platform-api.max.ru"
    token_env: VariableName
    requests_per_second: Rate = 20
    webhook: Webhook | None = None


class Open311Source(Strict):
    """A GeoReport v2 service. `updates` names the filter of a service that can list what changed."""

    base_url: Url
    jurisdiction_id: str | None = None
    api_key_env: VariableName | None = None
    api_key_header: str | None = Field(default=None, pattern=r"^[A-Za-z][A-Za-z0-9-]*$")
    requests_per_second: Rate = 5
    page_size: int = Field(default=1000, ge=1, le=1000)
    lookback_days: int = Field(default=7, ge=1, le=90)
    updates: Literal["updated_after", "none"] = "updated_after"


class ViberSource(Strict):
    """A bot of Viber, whose events the inbox has received; the token's own variable serves the inbox."""

    token_env: VariableName
    page_id: str = Field(min_length=1)
    name: str | None = None


class Sources(Strict):
    """What is connected in a region, in the order in which it is best read; what is absent is not read."""

    registry: FolderSource | None = None
    pos: PosSource | None = None
    vk: VkSource | None = None
    incident: FolderSource | None = None
    ok: OkSource | None = None
    telegram: TelegramSource | None = None
    max: MaxSource | None = None
    viber: ViberSource | None = None
    open311: Open311Source | None = None
    files: Annotated[tuple[MappedFiles, ...], BeforeValidator(_listed)] | None = None
    surveys: FolderSource | None = None
    activities: FolderSource | None = None

    def anchored(self, base: Path) -> Sources:
        """The same with every path absolute, relative ones counted from `base`."""
        return self.model_copy(
            update={name: _anchored(getattr(self, name), base) for name in type(self).model_fields}
        )


def _anchored(value: Any, base: Path) -> Any:
    if isinstance(value, tuple):
        return tuple(_anchored(one, base) for one in value)
    if not isinstance(value, Strict):
        return value
    paths = {name: (base / path).resolve() for name, path in value if isinstance(path, Path)}
    return value.model_copy(update=paths) if paths else value


class HeatRule(Strict):
    """How heat levels are told: by quantiles within the region, or by fixed thresholds.

    `from` is the first local day on which the rule holds; only a region's first rule has none.
    """

    effective_from: date | None = Field(default=None, alias="from")
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


def _in_order(rules: tuple[HeatRule, ...]) -> tuple[HeatRule, ...]:
    begins = [rule.effective_from for rule in rules]
    later = [begin for begin in begins[1:] if begin is not None]
    if not rules or begins[0] is not None or len(later) < len(begins) - 1:
        raise ValueError("the first heat rule has no `from`, and every later one has")
    if later != sorted(set(later)):
        raise ValueError("heat rules must stand in the order of their `from`")
    return rules


class ReviewPeriod(Strict):
    """A window of marts.year_review: local dates, half-open [from, to)."""

    period_from: date = Field(alias="from")
    period_to: date = Field(alias="to")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.period_from >= self.period_to:
            raise ValueError("`from` must be before `to`")
        return self


class Labels(Strict):
    """Messages that come without kind, topic or place are labelled (docs/labels.md).

    threshold: what is told with less confidence stays open. copies: look for messages that repeat each other,
    so that one person in several channels counts once and crowds with one template are seen. answers: look at
    official answers, so that they have a score and templates with other names in them are seen.
    """

    threshold: Share = 0.6
    copies: bool = False
    answers: bool = False


class MapBorders(Strict):
    """A GeoJSON of the region's municipalities for the report's map (docs/report.md).

    file: path, relative to the region file. key: property of its features that holds the territory_id.
    """

    file: Path
    key: str = Field(default="territory_id", min_length=1)

    def anchored(self, folder: Path) -> Self:
        """The same with the path taken from `folder`, where the region file lies."""
        return self.model_copy(update={"file": folder / self.file})


class Region(Strict):
    """One region of the deployment, as its file regions/<region_id>.yaml says."""

    region_id: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    name: str = Field(min_length=1)
    time_zone: Annotated[str, AfterValidator(known_zone)]
    opened_on: date | None = None
    sources: Sources
    heat_rule: Annotated[tuple[HeatRule, ...], BeforeValidator(_listed), AfterValidator(_in_order)] = (
        HeatRule(red_share=0.2, yellow_share=0.4),
    )
    review_periods: list[ReviewPeriod] = []
    labels: Labels | None = None
    borders: MapBorders | None = None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def connected(self) -> tuple[str, ...]:
        """Names of the sources this region has, in the order in which they are best read."""
        return tuple(name for name in Sources.model_fields if getattr(self.sources, name) is not None)
