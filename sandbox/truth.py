"""The figures that the pipeline must find, from the scenario and its population alone.

Measures and slices are spelled as in figures.csv. Periods are half-open local days. What had not happened
by `now` (seconds since 1970 UTC) is not counted. This file shares no code with the pipeline.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from sandbox.country import Country
from sandbox.noise import Ints, mix
from sandbox.population import (
    BOT,
    FILES,
    INCIDENT,
    MAX,
    NETWORK_CODES,
    NEVER,
    OPEN311,
    POS,
    REJECTED,
    TELEGRAM,
    VIBER,
    Population,
)
from sandbox.scenario import KINDS, OUTCOMES, SOURCES, Period, Scenario, iso

Mask = npt.NDArray[np.bool_]
_THANKS = "thanks"
_LEVELS = ("red", "yellow", "green")
_ALWAYS = ("pos", "vk", "incident")  # told even of scenarios that have none of them
_ADDED_UP = {"surveys", "activities", "management_decisions", "gospublics", "gospublics_audience"}
_TELL_KIND = (INCIDENT, FILES)
_TELL_OUTCOME_WHEN_CLOSED = (INCIDENT, OPEN311, FILES)
_CLOSED_BY_SOURCE = (POS, INCIDENT, OPEN311)
_BOTS = {TELEGRAM: "bot_telegram", VIBER: "bot_viber", MAX: "bot_max"}


def truth(scenario: Scenario, population: Population, now: int) -> dict[str, Any]:
    """{"scenario", "region_id", "as_of", "figures": [...], "counts": {...}}; JSON types only."""
    return {
        "scenario": scenario.scenario,
        "region_id": scenario.region.region_id,
        "as_of": iso(now),
        "figures": [
            {
                "region_id": scenario.region.region_id,
                "period_from": period.since.isoformat(),
                "period_to": period.until.isoformat(),
                "measure": measure,
                "slice": part,
                ("value_text" if isinstance(value, str) else "value"): value,
            }
            for period in _periods(scenario)
            for measure, part, value in (
                *_figures(scenario, population, now, period),
                *_heat_figures(scenario, population, now, period),
                *_survey_figures(scenario, now, period),
                *_activity_figures(scenario, now, period),
            )
        ]
        + [
            {
                "region_id": scenario.region.region_id,
                "period_from": period.until.isoformat(),
                "period_to": period.until.isoformat(),
                "measure": measure,
                "slice": "all",
                "value": value,
            }
            for period in _ends(scenario, now)
            for measure, value in _page_figures(scenario)
        ],
        "counts": counts(scenario, population, now),
    }


def country_truth(country: Country, populations: Sequence[Population], now: int) -> dict[str, Any]:
    """The truth of one region; of several {"scenario", "as_of", "figures", "regions": {region_id: counts}},
    where after each region's figures come those of region `all` for the windows that every region reviews."""
    played = list(zip(country.regions, populations, strict=True))
    if len(played) == 1:
        return truth(*played[0], now)
    told = [truth(scenario, people, now) for scenario, people in played]
    figures = [figure for one in told for figure in one["figures"]]
    shared = set.intersection(*({*_periods(scenario)} for scenario, _ in played))
    one, everybody = _all_together(played)
    for period in sorted(shared, key=lambda period: (period.since, period.until)):
        window = {"period_from": period.since.isoformat(), "period_to": period.until.isoformat()}
        figures += [
            {
                "region_id": "all",
                **window,
                "measure": measure,
                "slice": part,
                ("value_text" if isinstance(value, str) else "value"): value,
            }
            for measure, part, value in _figures(one, everybody, now, period)
        ]
    return {
        "scenario": country.name,
        "as_of": iso(now),
        "figures": figures + _summed(figures, shared, len(played)),
        "regions": {one["region_id"]: one["counts"] for one in told},
    }


def _all_together(played: Sequence[tuple[Scenario, Population]]) -> tuple[Scenario, Population]:
    """Everybody who writes in any region, and a scenario that has every region's quotas.

    Regions share the period, so that days of different zones count alike; places are nobody's here.
    """
    columns = {
        one.name: np.concatenate([getattr(people, one.name) for _, people in played])
        for one in fields(Population)
    }
    nowhere = np.full(len(columns["day"]), -1, dtype=np.int64)
    quotas = tuple(quota for scenario, _ in played for quota in scenario.quotas)
    everybody = Population(**{**columns, "territory": nowhere, "page": nowhere})
    return played[0][0].model_copy(update={"quotas": quotas}), everybody


def _summed(figures: list[dict[str, Any]], shared: set[Period], regions: int) -> list[dict[str, Any]]:
    """What adds up over regions without being counted from appeals; pages only where all tell theirs."""
    windows = {(period.since.isoformat(), period.until.isoformat()) for period in shared}
    windows |= {(until, until) for _, until in windows}
    sums: dict[tuple[str, str, str, str], list[int]] = {}
    for figure in figures:
        window = (figure["period_from"], figure["period_to"])
        if figure["region_id"] != "all" and figure["measure"] in _ADDED_UP and window in windows:
            sums.setdefault((*window, figure["measure"], figure["slice"]), []).append(figure["value"])
    return [
        {
            "region_id": "all",
            "period_from": since,
            "period_to": until,
            "measure": measure,
            "slice": part,
            "value": sum(values),
        }
        for (since, until, measure, part), values in sums.items()
        if since != until or len(values) == regions
    ]


def _periods(scenario: Scenario) -> tuple[Period, ...]:
    return scenario.review_periods or (scenario.period,)


def _ends(scenario: Scenario, now: int) -> list[Period]:
    """One period for each day that periods end on, from the day on at which the pages are read."""
    today = _today(scenario, now)
    return list({period.until: period for period in _periods(scenario) if period.until >= today}.values())


def _page_figures(scenario: Scenario) -> Iterator[tuple[str, int]]:
    """Pages of the registry that live, and their subscribers; pages do not change while a scenario lasts."""
    alive = [page for page in scenario.pages if page.state != "deleted"]
    yield "gospublics", len(alive)
    yield "gospublics_audience", sum(page.members for page in alive)


def _figures(
    scenario: Scenario, people: Population, now: int, period: Period
) -> Iterator[tuple[str, str, int | float | str]]:
    here = _within(scenario, people, now, period)
    channels = {f"channel={name}": here & mask for name, mask in _channels(scenario, people).items()}
    channels["channel=social"] = here & (people.source != POS)
    total = int(here.sum())
    groups = np.where(np.isin(people.source, NETWORK_CODES), -1, people.group)

    yield "appeals", "all", total
    yield "appeals_per_day_max", "all", int(np.bincount(people.day[here], minlength=1).max())
    for part, mask in channels.items():
        yield "appeals", part, int(mask.sum())
        if total:
            yield "appeals_share", part, int(mask.sum()) / total
        yield "appeals_solved", part, int((mask & _settled(people, now, "solved")).sum())
        for group, count in _by_group(scenario, groups[mask]).items():
            yield "appeals", f"{part};topic_group={group}", count
    social = channels["channel=social"]
    for kind, mask in _kinds(scenario, people).items():
        yield "appeals", f"channel=social;kind={kind}", int((social & mask).sum())
    for part, mask in (("all", here), ("channel=social", social)):
        yield "top_topic_groups", part, "|".join(list(_by_group(scenario, groups[mask], known=True))[:3])
    for n, name in _played(scenario):
        mask = here & (people.source == n)
        yield "appeals", f"source={name}", int(mask.sum())
        given = _first_answer(people)
        answered = mask & (given <= now)
        if answered.any():
            minutes = (given - people.registered)[answered] / 60
            yield "mean_first_answer_minutes", f"source={name}", float(minutes.mean())
    ages = np.bincount(people.age[here & (people.age >= 0)], minlength=1)
    if ages.any():
        yield "most_active_age_group", "channel=pos", scenario.vocabulary.age_groups[int(ages.argmax())]
    speedup = _speedup(scenario, people, now, period)
    if speedup is not None:
        yield "handling_time_first_month_over_last_month", "all", speedup


def _within(scenario: Scenario, people: Population, now: int, period: Period) -> Mask:
    """Whose day of registration, if it has come, lies in the period."""
    first = (period.since - scenario.period.since).days
    last = (period.until - scenario.period.since).days
    return (people.registered <= now) & (people.day >= first) & (people.day < last)


def _heat_figures(
    scenario: Scenario, people: Population, now: int, period: Period
) -> Iterator[tuple[str, str, str]]:
    here = _within(scenario, people, now, period)
    levels = set(heat_levels(scenario, people.territory[here]).values())
    yield "heat_levels", "territory", "|".join(level for level in _LEVELS if level in levels)


def _speedup(scenario: Scenario, people: Population, now: int, period: Period) -> float | None:
    """Mean time from registration to the end of handling, first month of the period over the last one."""
    here, handled = _within(scenario, people, now, period), _handled(people, now)
    settled = here & (handled <= now)
    days = [scenario.period.since + dt.timedelta(days=int(day)) for day in range(int(people.day.max()) + 1)]
    months = np.array([day.year * 12 + day.month for day in days], dtype=np.int64)[people.day]
    last_day = period.until - dt.timedelta(days=1)
    means = []
    for day in (period.since, last_day):
        mask = settled & (months == day.year * 12 + day.month)
        if not mask.any():
            return None
        means.append(float((handled - people.registered)[mask].mean()))
    is_one_month = (period.since.year, period.since.month) == (last_day.year, last_day.month)
    return None if is_one_month or not means[1] else means[0] / means[1]


def _handled(people: Population, now: int) -> Ints:
    """When handling ended, as told by now: closed, rejected, or answered last where nobody closes."""
    in_network = np.isin(people.source, NETWORK_CODES)
    first = np.where(in_network, people.first_answer, NEVER)  # elsewhere it may be interim
    answered = np.where(people.final_answer <= now, people.final_answer, first)
    answered = np.where(np.isin(people.source, _CLOSED_BY_SOURCE), NEVER, answered)
    ended = np.where(people.outcome == REJECTED, people.final_answer, people.closed)
    return np.where(ended <= now, ended, answered)


def _today(scenario: Scenario, now: int) -> dt.date:
    return dt.datetime.fromtimestamp(now, scenario.zone).date()


def _survey_figures(
    scenario: Scenario, now: int, period: Period
) -> Iterator[tuple[str, str, int | float | str]]:
    """Surveys that began in the period, and the share of each answer in each territory that is named."""
    polls = [poll for poll in scenario.vk.polls if period.since <= poll.date < period.until]
    if not scenario.surveys and not scenario.vk.polls:
        return
    names = {place.id: place.name for place in scenario.territories}
    last = min(period.until, _today(scenario, now) + dt.timedelta(days=1))
    begun = [survey for survey in scenario.surveys if period.since <= survey.since < last]
    yield "surveys", "all", len(begun) + sum(poll.date < last for poll in polls)
    told: set[str] = set()
    for survey in begun:
        for question in survey.questions:
            votes = list(survey_votes(survey.territory, question.options))
            for option, territory, number in votes:
                part = f"territory={names.get(territory or '', '')};answer={option}"
                whole = sum(other for _, place, other in votes if place == territory)
                if territory is not None and whole and part not in told:
                    told.add(part)
                    yield "survey_answer_share", part, number / whole


def survey_votes(
    territory: str | None, options: Mapping[str, int | dict[str, int]]
) -> Iterator[tuple[str, str | None, int]]:
    """(option, territory, votes), one per territory where votes are told by territory."""
    for option, votes in options.items():
        if isinstance(votes, int):
            yield option, territory, votes
        else:
            for place, number in votes.items():
                yield option, place, number


def _activity_figures(
    scenario: Scenario, now: int, period: Period
) -> Iterator[tuple[str, str, int | float | str]]:
    if not scenario.activities:
        return
    last = min(period.until, _today(scenario, now) + dt.timedelta(days=1))
    for kind in ("broadcast", "material", "training", "decision"):
        held = sum(
            period.since <= day < last
            for activity in scenario.activities
            if activity.kind == kind
            for day in activity.days()
        )
        yield "activities", f"kind={kind}", held
        if kind == "decision":
            yield "management_decisions", "all", held


def _played(scenario: Scenario) -> list[tuple[int, str]]:
    """Code and name of the sources that the truth speaks of."""
    return [
        (n, name)
        for n, name in enumerate(SOURCES)
        if name in _ALWAYS or any(quota.source == name for quota in scenario.quotas)
    ]


def _channels(scenario: Scenario, people: Population) -> dict[str, Mask]:
    """Rows of each channel: a source is one, but its bot another; deliveries by file are `other`."""
    masks: dict[str, Mask] = {}
    bots = np.zeros(len(people), dtype=np.bool_)
    for n, name in _played(scenario):
        mine = people.source == n
        chats = mine & (people.form == BOT)
        if n != VIBER:
            masks["other" if n == FILES else name] = mine & ~chats
        if chats.any():
            masks[_BOTS[n]] = chats
        if n in {TELEGRAM, VIBER}:
            bots |= chats
    if (people.form == BOT).any():
        masks["bot(telegram+viber)"] = bots
    return masks


def _by_group(scenario: Scenario, groups: Ints, known: bool = False) -> dict[str, int]:
    """Count by topic group, most frequent first, then by id; -1 is `unknown`, left out when `known`."""
    ids = (*scenario.vocabulary.group_ids, "unknown")
    numbers = np.bincount(np.where(groups < 0, len(ids) - 1, groups), minlength=len(ids))
    found = [
        (ids[n], int(count)) for n, count in enumerate(numbers) if count and not (known and n == len(ids) - 1)
    ]
    return dict(sorted(found, key=lambda item: (-item[1], item[0])))


def _kinds(scenario: Scenario, people: Population) -> dict[str, Mask]:
    """What «Инцидент» and files say of the kind; networks say nothing."""
    thankful = people.group == scenario.vocabulary.group_ids.index(_THANKS)
    telling = np.isin(people.source, _TELL_KIND)
    return {
        kind: telling & ((people.kind == n) & ~thankful | thankful & (kind == _THANKS))
        for n, kind in enumerate(KINDS)
    }


def _settled(people: Population, now: int, outcome: str) -> Mask:
    """Whose outcome is told by now."""
    return (people.outcome == OUTCOMES.index(outcome)) & (_told(people) <= now)


def _told(people: Population) -> Ints:
    """When the outcome is told: in ПОС with the final answer, where tickets are closed with that."""
    closing = np.isin(people.source, _TELL_OUTCOME_WHEN_CLOSED)
    return np.where(closing, people.closed, people.final_answer)


def heat_levels(scenario: Scenario, territory: Ints) -> dict[str, str]:
    """Level of every territory by the region's rule; below the minimum count it is green."""
    rule = scenario.heat_rule
    number = np.bincount(territory[territory >= 0], minlength=len(scenario.territories))
    values = {
        place.id: float(number[n]) * (10_000 / place.population if rule["measure"] == "rate" else 1)
        for n, place in enumerate(scenario.territories)
    }
    if rule["method"] == "fixed":
        levels = {
            place: "red"
            if value >= rule["red_from"]
            else "yellow"
            if value >= rule["yellow_from"]
            else "green"
            for place, value in values.items()
        }
    else:
        ranked = sorted(values, key=lambda place: (-values[place], place))
        red, yellow = rule["red_share"], rule["red_share"] + rule["yellow_share"]
        levels = {}
        for rank, place in enumerate(ranked, 1):
            share = round(rank / len(ranked), 9)
            levels[place] = "red" if share <= red else "yellow" if share <= round(yellow, 9) else "green"
    return {
        place.id: levels[place.id] if number[n] >= rule.get("minimum", 0) else "green"
        for n, place in enumerate(scenario.territories)
    }


def _first_answer(people: Population) -> Ints:
    """GeoReport tells no answers: a request is answered when it is closed."""
    return np.where(people.source == OPEN311, people.closed, people.first_answer)


def answers_in_two_steps(row: int) -> bool:
    """Whether the answer of an incident that is not closed yet is an interim one."""
    return mix(row * 23 + 7) % 4 == 0


def counts(scenario: Scenario, people: Population, now: int) -> dict[str, Any]:
    """Plain counts over everything registered up to `now`."""
    here = people.registered <= now
    first_answer = _first_answer(people)
    first: Mask = first_answer <= now
    final: Mask = people.final_answer <= now
    interim_and_final = (
        first & final & (people.first_answer != people.final_answer) & (people.source != OPEN311)
    )
    responses = first.astype(np.int64) + interim_and_final
    days = np.bincount(people.day[here], minlength=1)
    dates = [scenario.period.since + dt.timedelta(days=n) for n in range(len(days))]
    places = (*(territory.id for territory in scenario.territories), "unknown")
    territory = np.where(people.territory < 0, len(places) - 1, people.territory)
    by_place = np.bincount(territory[here], minlength=len(places))
    told = _told(people) <= now
    played = _played(scenario)
    settled = {
        name: np.bincount(people.outcome[here & told & (people.source == n)], minlength=len(OUTCOMES))
        for n, name in played
        if n not in NETWORK_CODES
    }
    return {
        "appeals": int(here.sum()),
        "appeals_by_source": {name: int((here & (people.source == n)).sum()) for n, name in played},
        "appeals_by_local_day": {
            date.isoformat(): int(count) for date, count in zip(dates, days, strict=True)
        },
        "appeals_by_territory": {place: int(count) for place, count in zip(places, by_place, strict=True)},
        "answered_by_source": {name: int((here & first & (people.source == n)).sum()) for n, name in played},
        "responses_by_source": {
            name: int(responses[here & (people.source == n)].sum()) for n, name in played
        },
        "outcomes_by_source": {
            name: {
                outcome: int(number[n])
                for n, outcome in enumerate(OUTCOMES)
                if number[n] and outcome != "rejected"
            }
            for name, number in settled.items()
        },
        "incident_interim_responses": sum(
            answers_in_two_steps(int(row))
            for row in np.flatnonzero(here & first & (people.source == INCIDENT) & (people.closed > now))
        ),
        "heat_level_by_territory": heat_levels(scenario, people.territory[here]),
        "incident_rows_without_date": scenario.incident.undated,
        "pages": len(scenario.pages),
        "pages_readable": sum(page.state == "open" for page in scenario.pages),
        "authorities": len(scenario.authorities),
        "territories": len(scenario.territories),
        "appeals_still_open": int((here & ~(final & (people.final_answer < NEVER))).sum()),
    }
