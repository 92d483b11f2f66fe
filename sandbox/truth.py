"""The figures that the pipeline must find, from the scenario and its population alone.

Measures and slices are spelled as in figures.csv. Periods are half-open local days. What had not happened
by `now` (seconds since 1970 UTC) is not counted. This file shares no code with the pipeline.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

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
    TELEGRAM,
    VIBER,
    Population,
)
from sandbox.scenario import KINDS, OUTCOMES, SOURCES, Period, Scenario, iso

Mask = npt.NDArray[np.bool_]
_THANKS = "thanks"
_LEVELS = ("red", "yellow", "green")
_ALWAYS = ("pos", "vk", "incident")  # told even of scenarios that have none of them
_TELL_KIND = (INCIDENT, FILES)
_TELL_OUTCOME_WHEN_CLOSED = (INCIDENT, OPEN311, FILES)
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
    first = (period.since - scenario.period.since).days
    last = (period.until - scenario.period.since).days
    here = (people.registered <= now) & (people.day >= first) & (people.day < last)
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
    levels = set(heat_levels(scenario, people.territory[here]).values())
    yield "heat_levels", "territory", "|".join(level for level in _LEVELS if level in levels)


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
