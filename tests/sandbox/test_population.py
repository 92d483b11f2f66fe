"""The quotas come out exactly, the same everywhere, inside the days and lives they may have."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sandbox.population import BOT, INCIDENT, NEVER, POS, VK, Population, populate
from sandbox.scenario import OUTCOMES, SOURCES, ScenarioError, load_scenario, scenario_from
from sandbox.truth import truth
from sandbox.world import World

_DIGEST = """
import hashlib
from dataclasses import astuple
from sandbox.scenario import load_scenario
from sandbox.world import World
world = World.of(load_scenario("demo"))
digest = hashlib.sha256(b"".join(column.tobytes() for column in astuple(world.population)))
for posts in world.walls.posts.values():
    for post in posts:
        digest.update(f"{post.id} {post.date} {world.post_text(post)}".encode())
        for comment in post.roots:
            digest.update(f"{comment.id} {comment.date} {world.comment_text(comment)}".encode())
print(digest.hexdigest())
"""


def _same(one: Population, other: Population) -> bool:
    return all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(Population)
    )


def test_two_processes_with_different_hash_seeds_generate_the_same() -> None:
    root = Path(__file__).resolve().parents[2]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _DIGEST],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "77")
    ]
    digests = {process.communicate(timeout=60)[0].strip() for process in running}
    assert len(digests) == 1
    assert digests.pop()


def test_the_order_of_mappings_does_not_matter(example: dict[str, Any]) -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(item) for item in value] if isinstance(value, list) else value

    assert _same(populate(scenario_from(example)), populate(scenario_from(turned(example))))


def test_another_seed_deals_the_same_quotas_differently(example: dict[str, Any]) -> None:
    one = populate(scenario_from(example))
    other = populate(scenario_from({**example, "seed": 8}))
    assert not _same(one, other)
    for name in ("source", "form", "group", "outcome", "kind", "age"):
        assert np.array_equal(np.sort(getattr(one, name)), np.sort(getattr(other, name)))


@pytest.mark.parametrize("name", ["demo", "tyumen-2021"])
def test_every_quota_is_exact_and_no_day_passes_the_cap(name: str) -> None:
    scenario = load_scenario(name)
    people = populate(scenario)
    assert len(people) == sum(quota.count for quota in scenario.quotas)
    assert np.bincount(people.day).max() <= scenario.shape.daily_cap
    starts = np.array(scenario.day_starts())
    assert ((people.registered >= starts[people.day]) & (people.registered < starts[people.day + 1])).all()


def test_the_incident_quotas_of_tyumen_are_dealt_by_topic_group() -> None:
    scenario = load_scenario("tyumen-2021")
    people = populate(scenario)
    ids = scenario.vocabulary.group_ids
    numbers = np.bincount(people.group[people.source == INCIDENT], minlength=len(ids))
    assert numbers[ids.index("improvement")] == 4000
    assert numbers[ids.index("welfare")] == 2812


def test_lives_run_forwards_and_what_is_settled_is_settled_by_as_of(demo: World) -> None:
    people, as_of = demo.population, demo.scenario.as_of_seconds
    settled = people.outcome != OUTCOMES.index("open")
    assert (people.created <= people.registered).all()
    assert (people.final_answer[settled] <= as_of).all()
    assert (people.final_answer[~settled] == NEVER).all()
    assert (people.registered <= people.first_answer).all()
    assert (people.first_answer <= people.final_answer).all()
    closed = people.closed < NEVER
    assert (people.final_answer[closed] <= people.closed[closed]).all()
    assert ((people.source == VK) <= (people.closed == NEVER)).all()
    assert (people.registered[people.source == INCIDENT] % 60 == 0).all()
    # Only ПОС knows ages.
    assert ((people.age >= 0) == (people.source == POS)).all()


def test_the_mean_first_answer_follows_the_scenario() -> None:
    scenario = load_scenario("tyumen-2021")
    people = populate(scenario)
    rows = people.rows(INCIDENT)
    rows = rows[people.first_answer[rows] < NEVER]
    assert ((people.first_answer[rows] - people.registered[rows]) / 60).mean() == pytest.approx(240, rel=0.02)


def test_rows_without_an_id_never_share_their_minute(demo: World) -> None:
    moments = demo.population.registered[demo.population.layout == 4]
    assert len(moments) > 500
    assert len(np.unique(moments)) == len(moments)


def test_a_cap_that_is_too_low_is_refused_in_a_sentence(example: dict[str, Any]) -> None:
    example["shape"]["daily_cap"] = 5
    with pytest.raises(ScenarioError, match=r"do not fit under shape\.daily_cap 5"):
        populate(scenario_from(example))


def test_every_network_deals_its_comments_over_its_own_pages(example: dict[str, Any]) -> None:
    for number, network in enumerate(("ok", "telegram", "max"), 1):
        page = {
            "id": number,
            "network": network,
            "screen_name": f"kray-{network}",
            "name": "Край",
            "members": 9,
        }
        example["pages"].append({**page, "authority": "adm-town"})
        example["quotas"].append(
            {"source": network, "count": 20, "topic_group": "roads", "outcome": "answered"}
        )
    for network in ("telegram", "max", "viber"):
        bot = {"source": network, "form": "bot", "count": 5, "topic_group": "gas", "outcome": "open"}
        example["quotas"].append(bot)
    for source in ("open311", "files"):
        ticket = {"source": source, "count": 7, "topic_group": "gas", "outcome": {"solved": 3, "open": 4}}
        example["quotas"].append(ticket)
    scenario = scenario_from(example)
    people = populate(scenario)
    for code, name in enumerate(SOURCES):
        pages = people.page[(people.source == code) & (people.page >= 0)]
        assert {scenario.pages[int(page)].network for page in pages} <= {name}
    bots = people.form == BOT
    assert (people.territory[bots] == -1).all()
    assert (people.page[bots] == -1).all()
    said = {
        row["slice"]: row.get("value")
        for row in truth(scenario, people, scenario.as_of_seconds)["figures"]
        if row["measure"] == "appeals" and row["period_from"] == "2026-03-02"
    }
    parts = ("pos", "vk", "incident", "ok", "telegram", "max", "open311", "other")
    bot_parts = ("bot_telegram", "bot_viber", "bot_max")
    assert sum(said[f"channel={part}"] for part in (*parts, *bot_parts)) == said["all"]
    assert said["channel=bot(telegram+viber)"] == said["channel=bot_telegram"] + said["channel=bot_viber"]
    assert said["channel=social"] == said["all"] - said["channel=pos"]
    assert not any(part.startswith("channel=ok;topic_group=roads") for part in said)


@pytest.mark.parametrize(
    ("quota", "sentence"),
    [
        ({"source": "ok"}, "ok needs at least one open page"),
        ({"source": "viber", "form": "comment"}, "form «comment» is unknown"),
        ({"source": "telegram", "form": "wall_post"}, "form «wall_post» is unknown"),
        ({"source": "max", "form": "bot", "territory": "town"}, "territory follows from the page"),
    ],
)
def test_what_a_network_cannot_have_is_refused(
    example: dict[str, Any], quota: dict[str, Any], sentence: str
) -> None:
    example["quotas"].append({"count": 1, "topic_group": "gas", "outcome": "open", **quota})
    with pytest.raises(ScenarioError, match=sentence):
        scenario_from(example)
