"""Scenarios: the YAML files that say what the pretend region looks like (docs/scenarios.md).

Quotas are exact counts; everything else is a shape or a weight. Dates without a time are local days of
the region, half-open; `as_of` is UTC.
"""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from sandbox.documents import read_yaml
from sandbox.offices import expanded
from sandbox.vocabulary import Vocabulary, load_vocabulary

SCENARIOS = Path(__file__).parent / "scenarios"
OUTCOMES = ("open", "solved", "explained", "not_solved", "postponed", "rejected", "answered")
KINDS = ("complaint", "question", "proposal", "thanks")
# New sources and forms stand at the end: codes of the older ones are part of what seeds give.
SOURCES = ("pos", "vk", "incident", "ok", "telegram", "max", "viber", "open311", "files")
FORMS = ("comment", "wall_post", "mention", "bot", "board")
NETWORKS = ("vk", "ok", "telegram", "max", "viber")  # conversations: neither topic nor kind is told
_FORMS_OF = {
    "vk": ("comment", "wall_post", "mention", "board"),
    "ok": ("comment",),
    "telegram": ("comment", "bot"),
    "max": ("comment", "bot"),
    "viber": ("bot",),
}
_TICKETS = {"open", "solved", "explained", "not_solved", "postponed"}
_ALLOWED_OUTCOMES = {
    "pos": {"open", "solved", "explained", "not_solved", "rejected"},
    "incident": _TICKETS,
    "files": _TICKETS,
    "open311": {"open", "solved"},
    **{network: {"open", "answered"} for network in NETWORKS},
}
Source = Literal["pos", "vk", "incident", "ok", "telegram", "max", "viber", "open311", "files"]
PageNetwork = Literal["vk", "ok", "telegram", "max"]


class ScenarioError(ValueError):
    """A scenario that cannot be played; the message names the file, the key and the next step."""


def _weights(value: Any) -> Any:
    return {value: 1} if isinstance(value, str) else value


Weights = Annotated[dict[str, float], BeforeValidator(_weights)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Region(_Part):
    region_id: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    name: str
    code: str = Field(pattern=r"^\d{2}$")
    time_zone: str
    opened_on: dt.date | None = None


class Period(_Part):
    """Local days, half-open."""

    since: dt.date = Field(alias="from")
    until: dt.date = Field(alias="to")

    @model_validator(mode="after")
    def _ordered(self) -> Period:
        if self.until <= self.since:
            raise ValueError("`to` must be later than `from`")
        return self


class Territory(_Part):
    id: str
    name: str
    kind: Literal["городской округ", "муниципальный район", "муниципальный округ"]
    population: int = Field(gt=0)
    latitude: float
    longitude: float
    aliases: tuple[str, ...] = ()
    activity: float = Field(default=1.0, ge=0)  # appeals per head against the region's usual


class Authority(_Part):
    id: str
    name: str
    kind: Literal["government", "municipality", "institution", "commercial"]
    level: Literal["regional", "municipal", "institution"]
    territory: str | None = None
    ogrn: str | None = Field(default=None, pattern=r"^\d{13}$")
    opa_id: int | None = None
    exemption: str = ""


class Page(_Part):
    """One official page of a network; `authority` empty = a page of nobody.

    Whatever the network's own ids look like, `id` is positive and unique in the scenario.
    """

    id: int = Field(gt=0)
    network: PageNetwork = "vk"
    screen_name: str
    name: str
    authority: str | None = None
    members: int = Field(ge=0)
    weight: float = Field(default=1.0, ge=0)
    state: Literal["open", "closed", "deleted"] = "open"
    mark: bool = True
    widgets: int = Field(default=2, ge=0, le=2)
    pos_link: Literal["valid", "wrong", "absent"] = "valid"
    avatar: bool = True
    description: bool = True
    cover: bool = True
    posts_per_week: float = Field(default=4.0, gt=0, le=70)
    stats: bool = True  # whether the sandbox's token administers the page


class Quota(_Part):
    source: Source
    form: Literal["comment", "wall_post", "mention", "bot", "board"] = "comment"
    topic_group: Weights
    count: int = Field(ge=0)
    outcome: Weights
    kind: Weights = Field(default={"complaint": 1})
    age_group: Weights = Field(default={"35-45": 1})
    territory: Weights | None = None
    since: dt.date | None = Field(default=None, alias="from")
    until: dt.date | None = Field(default=None, alias="to")
    mean_first_answer_minutes: float = Field(default=600, gt=0)
    interim_share: float = Field(default=0.2, ge=0, le=1)
    pace: dict[dt.date, float] | None = None  # factor of the time to answer at a date; straight lines between
    season: dict[dt.date, float] | None = None
    weekday: tuple[float, ...] | None = Field(default=None, min_length=7, max_length=7)


class Shape(_Part):
    daily_cap: int = Field(gt=0)
    weekday: tuple[float, ...] = Field(default=(1, 1, 1, 1, 1, 0.6, 0.5), min_length=7, max_length=7)
    hour: tuple[float, ...] = Field(min_length=24, max_length=24)
    season: dict[dt.date, float] = Field(default_factory=dict)  # factor at a date; straight lines between


class VkPoll(_Part):
    """A poll attached to a page's newest post before noon of `date`; `options` are words and votes."""

    id: int = Field(gt=0)
    page: int
    question: str
    date: dt.date
    ends: dt.date | None = None
    options: dict[str, int] = Field(min_length=2)


class VkRules(_Part):
    token_kind: Literal["user", "service", "community"] = "community"  # noqa: S105 - a kind, no secret
    lookback_days: int = Field(default=14, ge=10)
    search_queries: tuple[str, ...] = ()
    deleted_comments: int = 0
    page_comments: int = 0
    reply_share: float = Field(default=0.5, ge=0)  # citizens' further replies per branch, on average
    long_branches: int = 0  # branches of more than ten replies
    polls: tuple[VkPoll, ...] = ()


class TalkRules(_Part):
    """Conversations of a network other than VK; every count is exact, what it adds is no appeal."""

    lookback_days: int = Field(default=14, ge=14)
    requests_per_second: int = Field(default=20, ge=1)
    reply_share: float = Field(default=0.7, ge=0)  # citizens' further words per branch or session
    edited_share: float = Field(default=0.05, ge=0, le=1)  # citizens' words that are edited later
    deleted_messages: int = Field(default=0, ge=0)
    page_comments: int = Field(default=0, ge=0)  # the pages' own first comments


class TelegramRules(TalkRules):
    updates_live_hours: int = Field(default=24, ge=1)  # what nobody fetches in time is lost


class PosRules(_Part):
    page_size: int = Field(default=1000, ge=1, le=1000)
    requests_per_second: int = Field(default=50, ge=1)
    appeal_share: float = Field(default=0.1, ge=0, le=1)  # «обращение» under 59-ФЗ, the rest «сообщение»
    no_municipality_share: float = Field(default=0.0, ge=0, le=1)
    export: Literal["none", "xlsx", "csv"] = "none"  # files instead of the REST service


class IncidentRules(_Part):
    layouts: dict[Literal[1, 3, 4], float]
    undated: int = Field(default=0, ge=0)  # rows of layout 2, outside every quota
    seen_in_vk: int = Field(default=0, ge=0)  # incidents whose message VK shows as well: counted once


class Question(_Part):
    """Votes per option: a number for the whole region, or numbers per territory."""

    text: str
    options: dict[str, int | dict[str, int]] = Field(min_length=1)


class Survey(_Part):
    """Local days, half-open. Held in ПОС (`channel: pos`) it comes by the service, else by file."""

    id: str
    title: str
    since: dt.date = Field(alias="from")
    until: dt.date = Field(alias="to")
    channel: str | None = None
    territory: str | None = None  # of all its options that name none
    participants: int | None = Field(default=None, ge=0)
    questions: tuple[Question, ...] = Field(min_length=1)


class Activity(_Part):
    """`count` activities, spread evenly over local days, half-open."""

    kind: Literal["broadcast", "training", "material", "decision"]
    count: int = Field(default=1, ge=0)
    since: dt.date = Field(alias="from")
    until: dt.date = Field(alias="to")
    title: str = ""
    territory: str | None = None
    topic_group: str | None = None

    def days(self) -> list[dt.date]:
        """The day of each activity."""
        span = (self.until - self.since).days
        return [self.since + dt.timedelta(days=n * span // self.count) for n in range(self.count)]


class Open311Rules(_Part):
    requests_per_second: int = Field(default=20, ge=1)
    page_size: int = Field(default=1000, ge=1, le=1000)


class Scenario(_Part):
    scenario: str
    seed: int
    region: Region
    period: Period
    as_of: dt.datetime
    review_periods: tuple[Period, ...] = ()
    heat_rule: dict[str, Any]
    shape: Shape
    vk: VkRules = VkRules()
    ok: TalkRules = TalkRules()
    telegram: TelegramRules = TelegramRules()
    max: TalkRules = TalkRules()
    viber: TalkRules = TalkRules()
    pos: PosRules = PosRules()
    incident: IncidentRules = IncidentRules(layouts={1: 1})
    open311: Open311Rules = Open311Rules()
    surveys: tuple[Survey, ...] = ()
    activities: tuple[Activity, ...] = ()
    territories: tuple[Territory, ...] = Field(min_length=1)
    authorities: tuple[Authority, ...] = ()
    pages: tuple[Page, ...] = ()
    quotas: tuple[Quota, ...] = Field(min_length=1)

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.region.time_zone)

    @cached_property
    def as_of_seconds(self) -> int:
        """`as_of` in seconds since 1970 UTC; a value without a zone is UTC."""
        return utc_seconds(self.as_of)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return load_vocabulary()

    def day_starts(self) -> list[int]:
        """UTC seconds of each local midnight of the period, and of its end (n + 1 values)."""
        days = (self.period.until - self.period.since).days
        midnight = dt.time(0)
        return [
            int(
                dt.datetime.combine(self.period.since + dt.timedelta(days=n), midnight, self.zone).timestamp()
            )
            for n in range(days + 1)
        ]

    @model_validator(mode="after")
    def _consistent(self) -> Scenario:
        groups = set(self.vocabulary.groups)
        if self.as_of_seconds < self.day_starts()[-1]:
            raise ValueError("`as_of` must not lie before the local end of `period`")
        places = {territory.id for territory in self.territories}
        authorities = {authority.id for authority in self.authorities}
        _unique("territories", [territory.id for territory in self.territories])
        _unique("authorities", [authority.id for authority in self.authorities])
        _unique("pages", [page.id for page in self.pages])
        for authority in self.authorities:
            _known(f"authority {authority.id}: territory", [authority.territory], places | {None})
        for page in self.pages:
            _known(f"page {page.id}: authority", [page.authority], authorities | {None})
        _unique("vk.polls", [poll.id for poll in self.vk.polls])
        for poll in self.vk.polls:
            _known(
                f"vk.polls {poll.id}: page",
                [poll.page],
                {page.id for page in self.pages if page.state == "open"},
            )
            if not self.period.since <= poll.date < self.period.until:
                raise ValueError(f"vk.polls {poll.id}: date must lie inside the scenario's period")
        _unique("surveys", [survey.id for survey in self.surveys])
        for survey in self.surveys:
            _known(f"survey {survey.id}: territory", [survey.territory], places | {None})
            if survey.until <= survey.since:
                raise ValueError(f"survey {survey.id}: `to` must be later than `from`")
            for question in survey.questions:
                for votes in question.options.values():
                    _known(f"survey {survey.id}: territory", votes if isinstance(votes, dict) else (), places)
        for activity in self.activities:
            _known("activities: territory", [activity.territory], places | {None})
            _known("activities: topic_group", [activity.topic_group], groups | {None})
            if activity.until <= activity.since:
                raise ValueError("activities: `to` must be later than `from`")
        for number, quota in enumerate(self.quotas, 1):
            where = f"quotas, line {number}"
            _known(f"{where}: topic_group", quota.topic_group, groups)
            _known(f"{where}: outcome", quota.outcome, _ALLOWED_OUTCOMES[quota.source])
            _known(f"{where}: kind", quota.kind, set(KINDS))
            _known(f"{where}: age_group", quota.age_group, set(self.vocabulary.age_groups))
            _known(f"{where}: territory", quota.territory or [], places)
            if quota.source in NETWORKS and quota.territory is not None:
                raise ValueError(
                    f"{where}: in networks the territory follows from the page; weigh `pages` instead"
                )
            _known(f"{where}: form", [quota.form], set(_FORMS_OF.get(quota.source, ("comment",))))
            begins, ends = quota.since or self.period.since, quota.until or self.period.until
            if not self.period.since <= begins < ends <= self.period.until:
                raise ValueError(f"{where}: from/to must lie inside the scenario's period")
            needs_pages = quota.form in {"comment", "wall_post", "board"} or (
                quota.form == "mention" and "answered" in quota.outcome
            )
            in_network = quota.source in NETWORKS and quota.count
            if in_network and needs_pages and not self.open_pages(quota.source):
                raise ValueError(
                    f"{where}: {quota.source} needs at least one open page with a weight in `pages`"
                )
            if quota.form == "mention" and not self.vk.search_queries:
                raise ValueError(f"{where}: mentions need `vk.search_queries`")
        return self

    def open_pages(self, network: str = "vk") -> list[int]:
        """Positions of a network's pages that can be read and where citizens write."""
        return [
            n for n in self.page_places(network) if self.pages[n].state == "open" and self.pages[n].weight
        ]

    def page_places(self, network: str) -> list[int]:
        """Positions of a network's pages, whatever their state."""
        return [n for n, page in enumerate(self.pages) if page.network == network]

    def talk_rules(self, network: str) -> TalkRules:
        """The rules of a network's conversations: ok, telegram, max or viber."""
        rules: TalkRules = getattr(self, network)
        return rules

    def plays(self, source: str) -> bool:
        """Whether the scenario has anything of a source: quotas or pages."""
        return any(quota.source == source for quota in self.quotas) or bool(self.page_places(source))


def utc_seconds(moment: dt.datetime) -> int:
    return int((moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp())


def parse_moment(text: str) -> int:
    """ISO 8601 (no zone = UTC) → seconds since 1970 UTC."""
    try:
        return utc_seconds(dt.datetime.fromisoformat(text))
    except ValueError:
        raise ScenarioError(f"«{text}» is not an ISO moment; write it like 2026-11-20T19:00:00Z.") from None


def iso(seconds: int) -> str:
    return dt.datetime.fromtimestamp(int(seconds), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def load_scenario(name_or_path: str | Path) -> Scenario:
    """A scenario of one region, by the name of a file in sandbox/scenarios or the path of any YAML file."""
    document, where = read_document(name_or_path)
    if "regions" in document:
        raise ScenarioError(f"{where} plays several regions; load_country reads it.")
    return scenario_from(document, where)


def read_document(name_or_path: str | Path) -> tuple[dict[str, Any], str]:
    """The mapping that a scenario's file holds, and the file for messages."""
    path = Path(name_or_path)
    if path.suffix not in {".yaml", ".yml"}:
        path = SCENARIOS / f"{name_or_path}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in SCENARIOS.glob("*.yaml")))
        raise ScenarioError(f"No scenario «{name_or_path}». Known: {known}; or give the path of a YAML file.")
    try:
        document = read_yaml(path)
    except yaml.YAMLError as error:
        raise ScenarioError(f"{path} is not YAML: {error}. Correct the line it names.") from None
    if not isinstance(document, dict):
        raise ScenarioError(f"{path} holds no mapping. Start from the example in docs/scenarios.md.")
    return document, str(path)


def scenario_from(document: dict[str, Any], where: str = "scenario") -> Scenario:
    """Validate a document; `defaults` per source are laid under each quota of that source."""
    try:
        document = expanded(document)
        defaults = document.pop("defaults", None) or {}
        _known("defaults", defaults, set(SOURCES))
        only_bots = {"viber": {"form": "bot"}}
        quotas = [
            {
                **only_bots.get(quota.get("source"), {}),
                **(defaults.get(quota.get("source")) or {}),
                **quota,
            }
            for quota in document.get("quotas", [])
        ]
        return Scenario.model_validate({**document, "quotas": quotas})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "scenario"
        raise ScenarioError(f"{where}: {place}: {first['msg']}. See docs/scenarios.md.") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ScenarioError(f"{where}: {error}. See docs/scenarios.md.") from None


def _known(what: str, values: Any, known: set[Any]) -> None:
    for value in values:
        if value not in known:
            listed = ", ".join(sorted(str(item) for item in known if item is not None))
            raise ValueError(f"{what} «{value}» is unknown; known are: {listed}")


def _unique(what: str, values: list[Any]) -> None:
    if len(values) != len(set(values)):
        raise ValueError(f"{what}: every id must be unique")
