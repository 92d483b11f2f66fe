"""Who writes what, when, and with which outcome: the scenario's quotas, dealt out to single appeals.

Rows are numpy columns, one row per appeal, ordered by (source, registration). Times are seconds since
1970 UTC; `NEVER` stands for what does not happen. Nothing here knows about servers or the pipeline.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from sandbox.noise import (
    Bits,
    Ints,
    apportion,
    apportion_within,
    below,
    dealt,
    drawn,
    integer_weights,
    stream,
)
from sandbox.scenario import (
    FORMS,
    KINDS,
    NETWORKS,
    OUTCOMES,
    SOURCES,
    Quota,
    Scenario,
    ScenarioError,
)

NEVER = 1 << 61
OPEN, REJECTED = OUTCOMES.index("open"), OUTCOMES.index("rejected")
POS, VK, INCIDENT, OK, TELEGRAM, MAX, VIBER, OPEN311, FILES = range(len(SOURCES))
COMMENT, WALL_POST, MENTION, BOT, BOARD = range(len(FORMS))
NETWORK_CODES = tuple(SOURCES.index(name) for name in NETWORKS)
_DAY = 86_400
_QUANTILES = np.array([round(-math.log(1 - (n + 0.5) / 1024) * 1000) for n in range(1024)], dtype=np.int64)


@dataclass(frozen=True)
class Population:
    """Codes point into the tuples of sandbox.scenario and the scenario's own lists; -1 = none."""

    source: Ints
    form: Ints
    group: Ints
    topic: Ints
    outcome: Ints
    kind: Ints
    age: Ints
    territory: Ints
    page: Ints
    layout: Ints
    day: Ints  # local day of registration, counted from period.from
    author: Ints
    rating: Ints  # 0 = not rated
    fast: Ints
    created: Ints
    registered: Ints
    assigned: Ints
    started: Ints
    first_answer: Ints
    final_answer: Ints  # equal to first_answer when there was no interim answer
    closed: Ints
    rated: Ints

    def __len__(self) -> int:
        return len(self.source)

    def rows(self, source: int) -> Ints:
        """Row numbers of one source, in order of registration."""
        return np.flatnonzero(self.source == source)


def populate(scenario: Scenario) -> Population:
    """Deal the quotas out. Deterministic in (scenario.seed, order of the quotas)."""
    parts = [_quota_rows(scenario, number, days) for number, days in _days_of_quotas(scenario)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    _add_times(scenario, columns)
    order = np.lexsort((columns["registered"], columns["source"]))
    return Population(**{field.name: columns[field.name][order] for field in fields(Population)})


def _days_of_quotas(scenario: Scenario) -> list[tuple[int, Ints]]:
    """Appeals per local day for each quota, with no day above the cap; narrow quotas choose first."""
    span = (scenario.period.until - scenario.period.since).days
    room = np.full(span, scenario.shape.daily_cap, dtype=np.int64)
    windows = []
    for number, quota in enumerate(scenario.quotas):
        since = ((quota.since or scenario.period.since) - scenario.period.since).days
        until = ((quota.until or scenario.period.until) - scenario.period.since).days
        windows.append((until - since, number, since, until))
    chosen: dict[int, Ints] = {}
    for _, number, since, until in sorted(windows):
        quota = scenario.quotas[number]
        wobble = below(stream(scenario.seed, f"wobble {number}", span), 400_001) + 800_000
        weights = _season(scenario, quota) * wobble // 1_000_000
        try:
            days = apportion_within(quota.count, weights[since:until], room[since:until])
        except ValueError as error:
            raise ScenarioError(
                f"quotas, line {number + 1}: {error} under shape.daily_cap "
                f"{scenario.shape.daily_cap}. Raise the cap, widen from/to or lower the count."
            ) from None
        room[since:until] -= days
        chosen[number] = np.concatenate(
            [np.zeros(since, dtype=np.int64), days, np.zeros(span - until, dtype=np.int64)]
        )
    return [(number, chosen[number]) for number in range(len(scenario.quotas))]


def _season(scenario: Scenario, quota: Quota) -> Ints:
    """Weight of each local day: straight lines between the season's points × the weekday's factor."""
    span = (scenario.period.until - scenario.period.since).days
    season = quota.season or scenario.shape.season
    weekday = quota.weekday or scenario.shape.weekday
    factors = _between(scenario, season)
    first = scenario.period.since.weekday()
    return integer_weights([float(factors[day]) * weekday[(first + day) % 7] for day in range(span)])


def _between(scenario: Scenario, points: dict[dt.date, float]) -> npt.NDArray[np.float64]:
    """A factor for each local day of the period: straight lines between the points, 1 without any."""
    days = np.arange((scenario.period.until - scenario.period.since).days)
    known = sorted(((date - scenario.period.since).days, factor) for date, factor in points.items())
    if not known:
        return np.ones(len(days))
    return np.interp(days, [day for day, _ in known], [factor for _, factor in known])


def _share(
    seed: int, salt: str, count: int, weights: dict[str, float], codes: list[str] | tuple[str, ...]
) -> Ints:
    """Exactly apportioned codes in shuffled order; codes are positions in `codes`, not in the mapping."""
    named = [weights.get(code, 0.0) for code in codes]
    return dealt(seed, salt, apportion(count, integer_weights(named)))


def _quota_rows(scenario: Scenario, number: int, per_day: Ints) -> dict[str, Ints]:
    quota, seed, count = scenario.quotas[number], scenario.seed, scenario.quotas[number].count
    source, form = SOURCES.index(quota.source), FORMS.index(quota.form)
    none = np.full(count, -1, dtype=np.int64)
    day = np.repeat(np.arange(len(per_day), dtype=np.int64), per_day)
    group = _share(seed, f"group {number}", count, quota.topic_group, scenario.vocabulary.group_ids)
    topic, fast = _topics(scenario, number, group)
    territory, page, layout = none, none, none
    if source in NETWORK_CODES:
        if form in {COMMENT, WALL_POST, BOARD}:
            page = _pages(scenario, number, count)
            territory = _page_territories(scenario)[page]
    else:
        weights = quota.territory or {t.id: t.population * t.activity / 1000 for t in scenario.territories}
        territory = _share(seed, f"territory {number}", count, weights, [t.id for t in scenario.territories])
        if source == POS:
            lost = (
                below(stream(seed, f"lost {number}", count), 10_000)
                < scenario.pos.no_municipality_share * 10_000
            )
            territory = np.where(lost, -1, territory)
        elif source == INCIDENT:
            shares = {str(key): value for key, value in scenario.incident.layouts.items()}
            layout = _share(seed, f"layout {number}", count, shares, ["0", "1", "2", "3", "4"])
    age = none
    if source == POS:
        age = _share(seed, f"age {number}", count, quota.age_group, scenario.vocabulary.age_groups)
    mean = round(count * quota.mean_first_answer_minutes)
    quantiles = _QUANTILES[below(stream(seed, f"delay {number}", count), 1024)]
    if quota.pace:
        quantiles = quantiles * integer_weights(_between(scenario, quota.pace).tolist())[day] // 1000
    if source == INCIDENT:
        # An answer takes a minute at least, and the mean stays the one asked for.
        delay = (apportion(mean - count, quantiles) + 1) * 60 if mean > count else np.full(count, 60)
    else:
        delay = apportion(mean * 60, quantiles)
    interim = below(stream(seed, f"interim {number}", count), 10_000) < quota.interim_share * 10_000
    return {
        "source": np.full(count, source, dtype=np.int64),
        "form": np.full(count, form, dtype=np.int64),
        "group": group,
        "topic": topic,
        "fast": fast,
        "outcome": _outcomes(scenario, number, day),
        "kind": _share(seed, f"kind {number}", count, quota.kind, KINDS),
        "age": age,
        "territory": territory,
        "page": page,
        "layout": layout,
        "day": day,
        "delay": delay,
        "interim": interim.astype(np.int64),
    }


def _topics(scenario: Scenario, number: int, group: Ints) -> tuple[Ints, Ints]:
    """A topic of each row's group, the first topics of a group more often, and whether it is fast-track."""
    bits = stream(scenario.seed, f"topic {number}", len(group))
    topic, fast = np.zeros_like(group), np.zeros_like(group)
    for code, name in enumerate(scenario.vocabulary.group_ids):
        here = group == code
        if here.any():
            entry = scenario.vocabulary.groups[name]
            topic[here] = drawn(bits[here], integer_weights([1 / (n + 2) for n in range(len(entry.topics))]))
            fast[here] = np.array(entry.fast, dtype=np.int64)[topic[here]]
    return topic, fast


def _pages(scenario: Scenario, number: int, count: int) -> Ints:
    places = scenario.open_pages(scenario.quotas[number].source)
    weights = np.zeros(len(scenario.pages), dtype=np.int64)
    weights[places] = integer_weights([scenario.pages[place].weight for place in places])
    return dealt(scenario.seed, f"page {number}", apportion(count, weights))


def _page_territories(scenario: Scenario) -> Ints:
    """Territory of each page's authority, -1 for regional authorities and pages of nobody."""
    places = {territory.id: n for n, territory in enumerate(scenario.territories)}
    of = {authority.id: authority.territory for authority in scenario.authorities}
    return np.array(
        [places.get(of.get(page.authority or "") or "", -1) for page in scenario.pages], dtype=np.int64
    )


def _outcomes(scenario: Scenario, number: int, day: Ints) -> Ints:
    """Exact outcomes; where tickets are kept the newest appeals tend to be the open ones."""
    quota, seed, count = scenario.quotas[number], scenario.seed, len(day)
    counts = apportion(count, integer_weights([quota.outcome.get(name, 0.0) for name in OUTCOMES]))
    if quota.source in NETWORKS or not counts[OPEN]:
        return dealt(seed, f"outcome {number}", counts)
    span = int(day[-1] - day[0]) + 1
    freshness = day * 10 + below(stream(seed, f"fresh {number}", count), 4 * span + 1)
    newest = np.argsort(-freshness, kind="stable")[: counts[OPEN]]
    outcome = np.full(count, OPEN, dtype=np.int64)
    closed = np.ones(count, dtype=bool)
    closed[newest] = False
    counts[OPEN] = 0
    outcome[closed] = dealt(seed, f"outcome {number}", counts)
    return outcome


def _add_times(scenario: Scenario, c: dict[str, Ints]) -> None:
    """Turn days into moments, and delays into the appeal's life; everything settled lies before as_of."""
    seed, count = scenario.seed, len(c["day"])
    starts = np.array(scenario.day_starts(), dtype=np.int64)

    def noise(salt: str) -> Bits:
        return stream(seed, f"time {salt}", count)

    hour = drawn(noise("hour"), integer_weights(scenario.shape.hour))
    moment = np.minimum(hour * 3600 + below(noise("second"), 3600), np.diff(starts)[c["day"]] - 1)
    network, incident = np.isin(c["source"], NETWORK_CODES), c["source"] == INCIDENT
    # Pages publish their first post just after the first midnight: comments come after it.
    moment = np.where(network & (c["day"] == 0), np.maximum(moment, 7200), moment)
    registered = np.minimum(starts[c["day"]] + moment, scenario.as_of_seconds - 300)
    registered = np.where(incident, registered // 60 * 60, registered)
    _separate_minutes(c, registered, starts)
    c["registered"] = registered
    lead = np.where(c["source"] == POS, below(noise("lead"), 3 * 3600), 0)
    c["created"] = registered - lead

    answered = c["outcome"] != OPEN
    first = np.maximum(c["delay"], np.where(incident, 60, 20))
    first = np.where(network, np.minimum(first, 3 * _DAY), first)
    gap = np.where(network, 600 + below(noise("gap"), _DAY), 3600 + below(noise("gap"), 5 * _DAY))
    final = first + np.where((c["interim"] == 1) & ~incident, gap, 0)
    closed = final + np.where(network, 0, 600 + below(noise("close"), 3 * _DAY))
    # What is settled by quota must be visible at as_of: a life that would pass it is compressed.
    limit = scenario.as_of_seconds - registered - 60
    squeeze = answered & (closed > limit)
    first, final, closed = (
        np.where(squeeze, np.maximum(value * np.maximum(limit, 1) // np.maximum(closed, 1), 1), value)
        for value in (first, final, closed)
    )
    first, closed = (np.where(incident, np.maximum(value // 60 * 60, 60), value) for value in (first, closed))
    final = np.where(incident, first, final)
    has_first = answered | ((c["interim"] == 1) & ~network)
    c["first_answer"] = np.where(has_first, registered + first, NEVER)
    c["final_answer"] = np.where(answered, registered + final, NEVER)
    is_closed = answered & (c["outcome"] != REJECTED) & ~network
    c["closed"] = np.where(is_closed, registered + closed, NEVER)
    c["assigned"] = np.where(network, NEVER, registered + first // 10)
    c["started"] = np.where(network, NEVER, registered + first // 4)
    rated = is_closed & (c["source"] == POS) & (below(noise("rates"), 10) < 3)
    c["rated"] = np.where(rated, c["closed"] + 1800 + below(noise("rated"), 4 * _DAY), NEVER)
    c["rating"] = np.where(rated, 1 + drawn(noise("mark"), np.array([14, 8, 12, 22, 44], dtype=np.int64)), 0)
    pool = max(1, count * 6 // 10)
    c["author"] = np.minimum(below(noise("author"), pool), below(noise("author again"), pool))


def _separate_minutes(c: dict[str, Ints], registered: Ints, starts: Ints) -> None:
    """Layout 4 has no ID, its rows are known by moment and text: no two share a minute (in place)."""
    rows = np.flatnonzero(c["layout"] == 4)
    taken: set[int] = set()
    for row in rows[np.argsort(registered[rows], kind="stable")]:
        begin, end = int(starts[c["day"][row]]), int(starts[c["day"][row] + 1])
        minute, tries = int(registered[row]), 0
        while minute in taken and tries < 1440:
            minute, tries = minute + 60, tries + 1
            if minute >= end:
                minute = begin
        taken.add(minute)
        registered[row] = minute
