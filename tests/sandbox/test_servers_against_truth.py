"""The truth equals what a stranger counts who walks every page of every server."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from python_calamine import CalamineWorkbook

from sandbox.registry import write_registry
from sandbox.scenario import Scenario, load_scenario
from sandbox.truth import truth

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client


_KINDS = {"Вопрос": "question", "Предложение": "proposal", "Благодарность": "thanks"}


class Count:
    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self.sources: Counter[str] = Counter()
        self.days: Counter[str] = Counter()
        self.places: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.responses: Counter[str] = Counter()
        self.outcomes: dict[str, Counter[str]] = {"pos": Counter(), "incident": Counter()}
        self.kinds: Counter[str] = Counter()
        self.minutes: dict[str, list[float]] = {"pos": [], "vk": [], "incident": []}

    def add(self, source: str, registered: dt.datetime, place: str, answers: list[dt.datetime]) -> None:
        self.sources[source] += 1
        self.days[registered.astimezone(self.zone).date().isoformat()] += 1
        self.places[place] += 1
        if answers:
            self.answered[source] += 1
            self.responses[source] += len(answers)
            self.minutes[source].append((min(answers) - registered).total_seconds() / 60)


def _utc(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _walk_pos(client: Client, count: Count, places: dict[str, str]) -> None:
    for item in client.pos_walk(limit=1000):
        answers = [dt.datetime.fromisoformat(answer["at"]) for answer in item["answers"]]
        place = places[item["municipality"]] if item["municipality"] else "unknown"
        count.add("pos", dt.datetime.fromisoformat(item["registered_at"]), place, answers)
        if item["outcome"]:
            count.outcomes["pos"][item["outcome"]] += 1


def _walk_incident(folder: Path, count: Count, places: dict[str, str]) -> None:
    spelled = {
        "Решено": "solved",
        "Не решено": "not_solved",
        "Отложено": "postponed",
        "Разъяснено": "explained",
    }

    def moment(value: Any) -> dt.datetime:
        if isinstance(value, str):
            value = dt.datetime.strptime(value, "%d.%m.%Y %H:%M")  # noqa: DTZ007 - the zone follows
        elif not isinstance(value, dt.datetime):
            value = dt.datetime.combine(value, dt.time(0))  # calamine gives a date for midnight
        return value.replace(tzinfo=count.zone)

    for path in sorted(folder.glob("*.xlsx")):
        rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python(skip_empty_area=False)
        top = next(n for n, row in enumerate(rows) if "Текст инцидента" in row)
        column = {header: n for n, header in enumerate(rows[top]) if header}
        if "Дата создания" not in column:
            continue
        for row in rows[top + 1 :]:
            first = row[column["Дата первого ответа"]]
            place = places[str(row[column["Муниципалитет"]])]
            count.add(
                "incident", moment(row[column["Дата создания"]]), place, [moment(first)] if first else []
            )
            told = (
                "Благодарность"
                if row[column["Группа тем"]] == "Благодарности"
                else row[column["Тип инцидента"]]
            )
            count.kinds[_KINDS.get(str(told), "complaint")] += 1
            if row[column["Итог"]]:
                count.outcomes["incident"][spelled[str(row[column["Итог"]])]] += 1


def _walk_boards(client: Client, count: Count, place_of_page: dict[int, str]) -> None:
    for page, place in place_of_page.items():
        topics = client.vk("board.getTopics", group_id=page, count=100).get("response", {"items": []})
        for topic in topics["items"]:
            answer = client.vk("board.getComments", group_id=page, topic_id=topic["id"], count=100)[
                "response"
            ]
            assert answer["count"] == len(answer["items"]) == topic["comments"]
            answers: dict[int, list[dt.datetime]] = {}
            for item in answer["items"]:
                if named := re.match(rf"\[id\d+:bp-{page}_(\d+)\|", item["text"]):
                    answers.setdefault(int(named[1]), []).append(_utc(item["date"]))
            for item in answer["items"]:
                if item["from_id"] > 0:
                    count.add("vk", _utc(item["date"]), place, answers.get(item["id"], []))


def _walk_vk(client: Client, count: Count, place_of_page: dict[int, str]) -> None:
    posts: dict[tuple[int, int], tuple[dict[str, Any], bool]] = {}
    for page in place_of_page:
        offset = 0
        while True:
            answer = client.vk("wall.get", owner_id=-page, count=100, offset=offset)
            if "error" in answer:
                assert answer["error"]["error_code"] in {15, 18}
                break
            for item in answer["response"]["items"]:
                posts[item["owner_id"], item["id"]] = (item, False)
            offset += 100
            if offset >= answer["response"]["count"]:
                break
    for query in client.world.scenario.vk.search_queries:
        begin: str | None = ""
        while begin is not None:
            more = {"start_from": begin} if begin else {}
            found = client.vk("newsfeed.search", q=query, count=200, start_time=0, **more)["response"]
            for item in found["items"]:
                posts.setdefault((item["owner_id"], item["id"]), (item, True))
            begin = found.get("next_from")
    waiting = [key for key, (item, _) in posts.items() if item["comments"]["count"]]
    comments: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for start in range(0, len(waiting), 25):
        batch = waiting[start : start + 25]
        arguments = [
            {"owner_id": owner, "post_id": post, "count": 100, "preview_length": 0, "thread_items_count": 10}
            for owner, post in batch
        ]
        answers = client.execute([("wall.getComments", argument) for argument in arguments])["response"]
        for key, argument, answer in zip(batch, arguments, answers, strict=True):
            comments[key] = _whole(client, argument, answer)
            seen = len(comments[key]) + sum(len(root["thread"]["items"]) for root in comments[key])
            assert seen == posts[key][0]["comments"]["count"]
    for key, (post, mention) in posts.items():
        roots = comments.get(key, [])
        place = "unknown" if mention else place_of_page[-key[0]]
        official = [_utc(root["date"]) for root in roots if root["from_id"] < 0]
        if post["from_id"] > 0:
            count.add("vk", _utc(post["date"]), place, official)
        for root in roots:
            if root["from_id"] > 0 and not root.get("deleted"):
                answers_to = [
                    _utc(reply["date"]) for reply in root["thread"]["items"] if reply["from_id"] < 0
                ]
                count.add("vk", _utc(root["date"]), place, answers_to)


def _whole(client: Client, argument: dict[str, Any], answer: dict[str, Any]) -> list[dict[str, Any]]:
    roots = list(answer["items"])
    while len(roots) < answer["current_level_count"]:
        roots += client.vk("wall.getComments", **argument, offset=len(roots))["response"]["items"]
    for root in roots:
        while len(root["thread"]["items"]) < root["thread"]["count"]:
            more = {**argument, "comment_id": root["id"], "offset": len(root["thread"]["items"])}
            root["thread"]["items"] += client.vk("wall.getComments", **more)["response"]["items"]
    return roots


def _places(folder: Path) -> tuple[dict[str, str], dict[int, str]]:
    """Territory by spelling, and by page: page → ОГРН → authority → territory, from the registry alone."""
    spellings, of_ogrn, of_page = {}, {}, {}
    with (folder / "territories.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for spelling in [row["name"], *filter(None, row["aliases"].split("|"))]:
                spellings[spelling] = row["territory_id"]
    with (folder / "authorities.csv").open(encoding="utf-8") as file:
        of_ogrn = {row["ogrn"]: row["territory_id"] or "unknown" for row in csv.DictReader(file)}
    rows = CalamineWorkbook.from_path(folder / "gospublics.xlsx").get_sheet_by_index(0).to_python()
    column = {header: n for n, header in enumerate(rows[0])}
    for row in rows[1:]:
        if page := row[column["ID госпаблика"]]:
            of_page[int(float(str(page)))] = of_ogrn.get(str(row[column["ОГРН"]]), "unknown")
    return spellings, of_page


@pytest.mark.parametrize(("name", "days_before"), [("tiny", 0), ("tiny", 6), ("demo", 0)])
def test_walking_every_page_gives_the_truth(
    name: str, days_before: int, tiny: Scenario, play: Callable[..., Client], tmp_path: Path
) -> None:
    scenario = tiny if name == "tiny" else load_scenario("demo")
    now = scenario.as_of_seconds - days_before * 86_400 - (12_345 if days_before else 0)
    client = play(scenario, now, tmp_path / "incident")
    write_registry(client.world, tmp_path / "registry")
    moved = client.control("POST", "now", {"now": dt.datetime.fromtimestamp(now, dt.UTC).isoformat()})
    assert moved.status == 200
    spellings, of_page = _places(tmp_path / "registry")
    count = Count(scenario.zone)
    _walk_pos(client, count, spellings)
    _walk_incident(tmp_path / "incident", count, spellings)
    _walk_vk(client, count, of_page)
    _walk_boards(client, count, of_page)

    said = truth(scenario, client.world.population, now)
    counts = said["counts"]
    assert count.sources == Counter(counts["appeals_by_source"])
    assert count.days == Counter({day: n for day, n in counts["appeals_by_local_day"].items() if n})
    assert count.places == Counter({place: n for place, n in counts["appeals_by_territory"].items() if n})
    assert count.answered == Counter(counts["answered_by_source"])
    assert count.responses == Counter(counts["responses_by_source"])
    assert {source: dict(found) for source, found in count.outcomes.items()} == counts["outcomes_by_source"]
    if not scenario.review_periods or scenario.review_periods[0] == scenario.period:
        for row in said["figures"]:
            if row["measure"] == "mean_first_answer_minutes":
                minutes = count.minutes[row["slice"].removeprefix("source=")]
                assert row["value"] == pytest.approx(sum(minutes) / len(minutes))
            elif ";kind=" in row["slice"]:
                assert row["value"] == count.kinds[row["slice"].partition(";kind=")[2]]
