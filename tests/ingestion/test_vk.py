"""VK: polling, look-back, branches, windows, errors by class, privacy."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.requests import Request

from ingestion.clock import Window, parse_utc
from ingestion.errors import AccessRefused, ContractBroken, RequestRefused, SourceDown
from ingestion.pipeline import LoadReport, ingest
from ingestion.vk.probe import probe
from tests.ingestion.support import Deployment, Server

PERSON = 987654321


def unix(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def post(number: int, at: str, comments: int = 0, author: int | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "owner_id": -101,
        "from_id": author or -101,
        "date": unix(at),
        "text": f"Пост {number}",
        "comments": {"count": comments, "can_post": 1},
        "likes": {"count": 3},
        "reposts": {"count": 1},
        "views": {"count": 100},
        **more,
    }


def comment(number: int, at: str, author: int = PERSON, replies: int = 0, **more: Any) -> dict[str, Any]:
    one = {
        "id": number,
        "from_id": author,
        "date": unix(at),
        "text": f"Комментарий {number}, тел. 8 912 345-67-89",
        "likes": {"count": 1},
        "thread": {"count": replies, "items": []},
        **more,
    }
    one["branch"] = [
        {
            "id": number * 100 + n,
            "from_id": -101,
            "date": unix(at) + n,
            "text": f"Ответ {n}",
            "reply_to_comment": number,
        }
        for n in range(replies)
    ]
    return one


@dataclass
class Vk:
    """A tiny VK: one wall, comments with branches; `errors` maps a method to codes still to come."""

    posts: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    found: list[dict[str, Any]] = field(default_factory=list)
    errors: dict[str, list[int]] = field(default_factory=dict)
    called: list[str] = field(default_factory=list)
    commented: list[tuple[int, int]] = field(default_factory=list)
    topics: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    def answer(self, request: Request, form: dict[str, Any]) -> dict[str, Any]:
        method = request.url.path.rsplit("/", 1)[1]
        assert request.method == "POST"
        assert form["v"] == "5.199"
        if method != "execute" or self.errors.get(method):
            return self.one(method, form)
        results: list[Any] = []
        errors = []
        calls = re.findall(r"API\.(\w+\.\w+)\((\{.*?\})\)[,\]]", form["code"])
        assert 1 <= len(calls) <= 25
        for name, arguments in calls:
            answer = self.one(name, json.loads(arguments))
            results.append(answer.get("response", False))
            if "error" in answer:
                errors.append({"method": name, **answer["error"]})
        return {"response": results, "execute_errors": errors}

    def one(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self.called.append(method)
        if self.errors.get(method) and (code := self.errors[method].pop(0)):  # 0: this one is answered
            return {"error": {"error_code": code, "error_msg": "no"}}
        return {"response": getattr(self, method.replace(".", "_"))(params)}

    def groups_getById(self, params: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {
            "groups": [
                {
                    "id": int(number),
                    "name": "Управа",
                    "screen_name": "uprava",
                    "members_count": 5000,
                    "verified": 1,
                    "is_government_organization": True,
                    "description": "Форма: https://pos.gosuslugi.ru/form/?opaId=24&utm_source=vk",
                    "cover": {"enabled": 1},
                    "menu": {"items": [{"url": "x"}]},
                    "has_photo": 1,
                    "secret_field": "x",
                }
                for number in params["group_ids"].split(",")
            ]
        }

    def wall_get(self, params: dict[str, Any]) -> dict[str, Any]:
        mine = [{**one, "owner_id": params["owner_id"]} for one in self.posts]
        ordered = sorted(mine, key=lambda one: (not one.get("is_pinned"), -one["date"]))
        return {"count": len(ordered), "items": ordered[params.get("offset", 0) :][: params["count"]]}

    def board_getTopics(self, params: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert params["group_id"] > 0
        items = [
            {"id": number, "comments": len(said), "updated": said[-1]["date"]}
            for number, said in self.topics.items()
        ]
        return {"count": len(items), "items": items[params["offset"] :][: params["count"]]}

    def board_getComments(self, params: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        said = self.topics[params["topic_id"]]
        return {"count": len(said), "items": said[params["offset"] :][: params["count"]]}

    def wall_getComments(self, params: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert params["preview_length"] == 0
        self.commented.append((params["owner_id"], params["post_id"]))
        level = self.comments.get(params["post_id"], [])
        if root := params.get("comment_id"):
            level = next(one for one in level if one["id"] == root)["branch"]
        items = []
        for one in level[params["offset"] :][: params["count"]]:
            shown = {key: value for key, value in one.items() if key != "branch"}
            if "thread" in shown:
                shown["thread"] = {**shown["thread"], "items": one["branch"][: params["thread_items_count"]]}
            items.append(shown)
        return {"count": 999, "current_level_count": len(level), "items": items}

    def newsfeed_search(self, params: dict[str, Any]) -> dict[str, Any]:
        inside = [
            one for one in self.found if int(params["start_time"]) <= one["date"] <= int(params["end_time"])
        ]
        return {"count": len(inside), "total_count": len(inside), "items": inside}

    def stats_get(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        days = range(params["timestamp_from"], params["timestamp_to"], 86_400)
        return [
            {"period_from": day, "period_to": day + 86_399, "reach": {"reach": 7}, "activity": {"copies": 2}}
            for day in days
        ]


@pytest.fixture
def vk(server: Server, deployment: Deployment) -> Vk:
    deployment.sources["vk"] = {
        "base_url": server.url,
        "token_env": "OTKLIK_TEST_TOKEN",
        "requests_per_second": 1000,
        "communities": [101],
    }
    deployment.extra["opened_on"] = "2026-09-01"
    fake = Vk(
        posts=[
            post(1, "2026-09-05 10:00", comments=2),
            post(2, "2026-11-15 10:00", comments=14),
            post(3, "2026-11-16 10:00", author=PERSON),
            post(4, "2026-08-01 10:00", comments=1),
        ],
        comments={
            1: [
                comment(10, "2026-09-05 11:00"),
                comment(11, "2026-09-06 11:00", deleted=True, from_id=0, text=""),
            ],
            2: [comment(12, "2026-11-15 11:00", replies=13)],
        },
    )
    server.answer = fake.answer
    return fake


def load(deployment: Deployment, window: Window | None = None) -> LoadReport:
    return ingest("vk", deployment.region, deployment.settings, window)


def landed(report: LoadReport) -> dict[str, int]:
    return {name: tally.landed for name, tally in report.resources.items() if tally.landed}


def test_first_run_reads_back_to_the_opening_with_all_branches(vk: Vk, deployment: Deployment) -> None:
    report = load(deployment)
    assert landed(report) == {
        "communities": 1,
        "posts": 3,
        "comments": 16,
        "comment_readings": 2,
        "stats": 81,
    }
    assert deployment.query(
        "select comment_id, thread_id, reply_to_comment, author_kind, author_page_id, author_key is null,"
        " is_deleted from raw.vk_comments where comment_id in (11, 12, 1212) order by 1"
    ) == [
        (11, None, None, "citizen", None, True, True),
        (12, None, None, "citizen", None, False, False),
        (1212, 12, 12, "community", -101, True, False),
    ]
    columns = "verified, is_government, has_cover, widgets_count, pos_link"
    assert deployment.query(f"select {columns} from raw.vk_communities") == [
        (True, True, True, 1, "https://pos.gosuslugi.ru/form/?opaId=24&utm_source=vk")
    ]
    assert report.resources["communities"].unknown_fields == {"secret_field"}
    assert deployment.query("select min(local_date)::text, max(local_date)::text from raw.vk_stats") == [
        ("2026-09-01", "2026-11-20")
    ]
    assert vk.called.count("wall.getComments") == 3


def test_nothing_changed_asks_for_walls_only(vk: Vk, deployment: Deployment) -> None:
    load(deployment)
    vk.called.clear()
    report = load(deployment)
    assert landed(report) == {}
    assert vk.called == ["wall.get"]
    assert report.resources["posts"].skipped_unchanged == 2  # those younger than the look-back


def test_a_late_comment_lands_and_only_its_post_is_read(vk: Vk, deployment: Deployment) -> None:
    load(deployment)
    vk.called.clear()
    vk.comments[3] = [comment(13, "2026-11-20 10:00")]
    vk.posts[2]["comments"]["count"] = 1
    vk.posts[1]["views"]["count"] = 5000  # views alone land once a day only
    assert landed(load(deployment)) == {"posts": 1, "comments": 1, "comment_readings": 1}
    assert vk.called == ["wall.get", "wall.getComments"]
    deployment.as_of = "2026-11-22T00:00:00Z"
    assert landed(load(deployment))["posts"] == 2


def test_a_window_lands_what_was_created_in_it_and_moves_nothing(vk: Vk, deployment: Deployment) -> None:
    window = Window(parse_utc("2026-11-15T11:00:00Z"), parse_utc("2026-11-17T00:00:00Z"))
    assert landed(load(deployment, window)) == {"posts": 1, "comments": 14, "stats": 2}
    load(deployment)
    assert landed(load(deployment, window)) == {"posts": 1, "comments": 14, "stats": 2}
    vk.called.clear()
    assert landed(load(deployment)) == {}
    assert vk.called == ["wall.get"]


def test_mentions_outside_own_pages_land_once(vk: Vk, deployment: Deployment) -> None:
    deployment.sources["vk"]["search_queries"] = ["Озёрск"]
    vk.found = [
        {**post(7, "2026-11-20 20:00"), "owner_id": PERSON, "from_id": PERSON},
        {**post(8, "2026-10-01 10:00"), "owner_id": -555, "from_id": PERSON},
        post(2, "2026-11-15 10:00"),
    ]
    assert load(deployment).resources["mentions"].landed == 2
    second = load(deployment)
    assert (second.resources["mentions"].landed, second.resources["mentions"].skipped_unchanged) == (0, 1)
    rows = deployment.query("select owner_id, author_key, query from raw.vk_mentions order by 1")
    assert rows[0][0] == -555
    assert rows[1][0] not in (PERSON, -PERSON)
    assert rows[0][1] == rows[1][1]


def remembered(deployment: Deployment) -> str:
    """The state that the last load left, as JSON."""
    newest = "select state from raw._dlt_pipeline_state order by version desc limit 1"
    return zlib.decompress(base64.b64decode(deployment.one(newest))).decode()


def mention(number: int, at: str, owner: int, comments: int) -> dict[str, Any]:
    return {**post(number, at, comments), "owner_id": owner, "from_id": PERSON}


def test_answers_under_mentions_land_beside_them(vk: Vk, deployment: Deployment) -> None:
    deployment.sources["vk"]["search_queries"] = ["Озёрск", "Озёрский"]
    vk.found = [
        mention(7, "2026-11-20 20:00", PERSON, comments=1),
        mention(8, "2026-10-01 10:00", -555, comments=2),
        mention(9, "2026-11-20 21:00", -555, comments=0),
    ]
    vk.comments |= {
        7: [comment(70, "2026-11-20 20:30", author=-101)],
        8: [comment(80, "2026-10-01 11:00", author=-101), comment(81, "2026-10-01 12:00")],
    }
    assert load(deployment).resources["comments"].landed == 16 + 3
    assert vk.commented[-2:] == [(PERSON, 7), (-555, 8)]  # once each, though two queries found them
    joined = """
        select mentions.post_id, comments.author_page_id, mentions.owner_id > 0
        from (select distinct owner_id, post_id from raw.vk_mentions) as mentions
        inner join raw.vk_comments as comments using (owner_id, post_id) order by comments.comment_id
    """
    assert deployment.query(joined) == [(7, -101, True), (8, -101, False), (8, None, False)]

    vk.called.clear()
    assert landed(load(deployment)) == {}
    assert vk.called == ["wall.get", "newsfeed.search", "newsfeed.search"]


def test_a_late_answer_under_a_mention_lands_within_the_hour(vk: Vk, deployment: Deployment) -> None:
    deployment.sources["vk"]["search_queries"] = ["Озёрск"]
    deployment.as_of = "2026-11-20T10:10:00Z"
    vk.found = [mention(7, "2026-11-10 20:00", PERSON, comments=0)]
    load(deployment)
    vk.found[0]["comments"]["count"] = 1
    vk.comments[7] = [comment(70, "2026-11-20 10:20", author=-101)]
    deployment.as_of = "2026-11-20T10:59:00Z"
    assert landed(load(deployment)) == {}  # this poll searches the newest day only
    deployment.as_of = "2026-11-20T11:00:00Z"
    assert landed(load(deployment)) == {"comments": 1, "comment_readings": 1}
    deployment.as_of = "2026-11-20T12:00:00Z"
    assert landed(load(deployment)) == {}


def test_a_window_reads_answers_under_older_mentions(vk: Vk, deployment: Deployment) -> None:
    deployment.sources["vk"]["search_queries"] = ["Озёрск"]
    vk.found = [
        mention(7, "2026-11-10 20:00", PERSON, comments=2),
        mention(8, "2026-11-16 20:00", -555, comments=0),
    ]
    vk.comments[7] = [
        comment(70, "2026-11-16 10:00", author=-101),
        comment(71, "2026-11-18 10:00", author=-101),
    ]
    window = Window(parse_utc("2026-11-16T00:00:00Z"), parse_utc("2026-11-17T00:00:00Z"))
    assert landed(load(deployment, window)) == {"posts": 1, "mentions": 1, "comments": 1, "stats": 1}
    assert deployment.query("select comment_id from raw.vk_comments") == [(70,)]


def test_closed_comments_under_a_mention_are_said_without_the_person(vk: Vk, deployment: Deployment) -> None:
    deployment.sources["vk"]["search_queries"] = ["Озёрск"]
    vk.posts = []
    vk.found = [mention(7, "2026-11-20 20:00", PERSON, comments=1)]
    vk.errors = {"wall.getComments": [212]}
    (note,) = load(deployment).resources["comments"].notes
    assert note == "Comments of a person's wall, post 7 were skipped: comments closed."
    vk.called.clear()
    load(deployment)
    assert "wall.getComments" not in vk.called


def test_a_closed_wall_is_skipped_and_said(vk: Vk, deployment: Deployment) -> None:
    vk.errors = {"wall.get": [15], "stats.get": [7]}
    report = load(deployment)
    assert report.resources["posts"].notes == ["The wall of club101 was skipped: access denied."]
    assert "may not read its statistics" in report.resources["stats"].notes[0]
    assert landed(load(deployment))["posts"] == 3


def test_too_many_requests_are_repeated(vk: Vk, deployment: Deployment) -> None:
    vk.errors = {"wall.get": [6, 10], "groups.getById": [6]}
    report = load(deployment)
    assert report.resources["posts"].landed == 3
    assert report.resources["posts"].retries == 2
    assert report.resources["communities"].retries == 1


def test_the_daily_limit_keeps_what_was_read_and_resumes(vk: Vk, deployment: Deployment) -> None:
    vk.errors = {"wall.getComments": [29, 29]}
    report = load(deployment)
    assert landed(report) == {"communities": 1, "posts": 3, "stats": 81}
    assert "daily limit" in report.resources["comments"].notes[0]
    assert landed(load(deployment)) == {"comments": 16, "comment_readings": 2}, "old posts are owed, too"
    vk.called.clear()
    assert landed(load(deployment)) == {}
    assert vk.called == ["wall.get"]


def test_the_daily_limit_leaves_no_old_mention_without_answers(vk: Vk, deployment: Deployment) -> None:
    deployment.sources["vk"]["search_queries"] = ["Озёрск", "Озёрский"]
    vk.posts = []
    vk.found = [
        mention(7, "2026-10-01 20:00", PERSON, comments=1),
        mention(8, "2026-10-01 10:00", -555, comments=1),
        mention(9, "2026-10-01 11:00", -555, comments=1),
    ]
    vk.comments = {number: [comment(number * 10, "2026-10-02 10:00")] for number in (7, 8, 9)}
    vk.errors = {"wall.getComments": [29, 29, 0]}
    assert landed(load(deployment))["comments"] == 1
    assert '"mentions_owed"' in remembered(deployment)
    assert str(PERSON) not in remembered(deployment)
    assert landed(load(deployment)) == {"comments": 1, "comment_readings": 1}  # a community has an address
    deployment.as_of = "2026-11-21T01:00:00Z"
    vk.commented.clear()
    assert landed(load(deployment)) == {"comments": 1, "comment_readings": 1}
    assert vk.commented == [(PERSON, 7)]
    deployment.as_of = "2026-11-21T02:00:00Z"
    vk.called.clear()
    assert landed(load(deployment)) == {}
    assert "wall.getComments" not in vk.called
    assert "owed" not in remembered(deployment)


def test_a_mention_that_is_no_longer_found_is_given_up(vk: Vk, deployment: Deployment) -> None:
    deployment.sources["vk"]["search_queries"] = ["Озёрск"]
    vk.posts = []
    vk.found = [mention(7, "2026-10-01 20:00", PERSON, comments=1)]
    vk.errors = {"wall.getComments": [29]}
    load(deployment)
    vk.found = []
    for day, owed in (("2026-12-05", True), ("2026-12-19", True), ("2026-12-20", False)):
        deployment.as_of = (
            f"{day}T00:00:00Z"  # counted from the load before, as days without one lose nothing
        )
        load(deployment)
        assert ("mentions_owed" in remembered(deployment)) is owed


def test_comments_are_owed_until_the_daily_limit_lets_them_in(vk: Vk, deployment: Deployment) -> None:
    for day in ("2026-11-21", "2026-12-24", "2026-12-25"):  # in the end no post is within the look-back
        vk.errors = {"wall.getComments": [29, 29]}
        deployment.as_of = f"{day}T00:00:00Z"
        report = load(deployment)
        assert report.resources["comments"].landed == 0
        assert '"owed"' in remembered(deployment)
    assert report.resources["posts"].received == 0
    assert load(deployment).resources["comments"].landed == 16
    vk.called.clear()
    load(deployment)
    assert vk.called == ["wall.get"]


def test_the_daily_limit_within_a_request_keeps_its_other_answers(vk: Vk, deployment: Deployment) -> None:
    at = "2026-11-20 10:00"
    vk.posts = [post(number, at, comments=1) for number in (1, 2, 3)]
    vk.comments = {number: [comment(number, at)] for number in (1, 2, 3)}
    vk.errors = {"wall.getComments": [0, 29]}
    report = load(deployment)
    assert (report.resources["comments"].landed, report.resources["comment_readings"].landed) == (2, 2)
    assert len(report.resources["comments"].notes) == 1
    assert landed(load(deployment)) == {"comments": 1, "comment_readings": 1}
    assert deployment.query("select count(*), count(distinct comment_id) from raw.vk_comments") == [(3, 3)]


def test_the_daily_limit_among_walls_keeps_the_other_walls(vk: Vk, deployment: Deployment) -> None:
    deployment.sources["vk"]["communities"] = [101, 102, 103]
    vk.errors = {"wall.get": [0, 29]}
    report = load(deployment)
    assert deployment.query("select distinct owner_id from raw.vk_posts order by 1") == [(-103,), (-101,)]
    assert "daily limit of wall.get" in report.resources["posts"].notes[0]
    load(deployment)
    assert deployment.one("select count(distinct owner_id) from raw.vk_posts") == 3


@pytest.mark.parametrize(
    ("method", "codes", "error", "said"),
    [
        (
            "groups.getById",
            [5],
            AccessRefused,
            "for club101 with error 5: the token is not valid; put a valid token into OTKLIK_TEST_TOKEN",
        ),
        ("wall.get", [100], RequestRefused, "wall.get for club101 with error 100"),
        ("wall.get", [6] * 9, SourceDown, "lower requests_per_second"),
        ("groups.getById", [14], RequestRefused, "captcha"),
        ("wall.get", [4711], RequestRefused, "error 4711"),
    ],
)
def test_fatal_errors_are_sentences(
    vk: Vk, deployment: Deployment, method: str, codes: list[int], error: type[Exception], said: str
) -> None:
    vk.errors = {method: codes}
    with pytest.raises(error, match=said):
        load(deployment)
    assert deployment.one("select count(*) from raw.vk_posts") == 0


def test_a_bad_token_names_the_first_of_many_pages(vk: Vk, deployment: Deployment) -> None:
    deployment.sources["vk"]["communities"] = list(range(101, 3101))
    vk.errors = {"groups.getById": [5]}
    with pytest.raises(AccessRefused, match=r"groups\.getById for club3100 and 499 others with error 5"):
        load(deployment)


def test_the_daily_limit_of_execute_itself_fails_nothing(vk: Vk, deployment: Deployment) -> None:
    vk.errors = {"execute": [29]}
    report = load(deployment)
    assert "daily limit of execute" in report.resources["posts"].notes[0]
    assert landed(load(deployment)) == {"posts": 3, "comments": 16, "comment_readings": 2}


def test_the_daily_limit_of_communities_fails_nothing(vk: Vk, deployment: Deployment) -> None:
    vk.errors = {"groups.getById": [29]}
    report = load(deployment)
    assert landed(report) == {"posts": 3, "comments": 16, "comment_readings": 2, "stats": 81}
    assert report.resources["communities"].notes == [
        "VK's daily limit of groups.getById is reached, communities are read again tomorrow."
    ]
    deployment.as_of = "2026-11-22T00:00:00Z"
    assert load(deployment).resources["communities"].landed == 1


def test_the_daily_limit_among_statistics_leaves_no_gap(vk: Vk, deployment: Deployment) -> None:
    deployment.extra["opened_on"] = "2026-03-01"  # two spans
    vk.errors = {"stats.get": [29]}
    report = load(deployment)
    assert 0 < report.resources["stats"].landed < 200
    assert "stats.get" in report.resources["stats"].notes[0]
    deployment.as_of = "2026-11-22T00:00:00Z"
    load(deployment)
    days = "count(distinct local_date), max(local_date) - min(local_date) + 1"
    ((there, spanned),) = deployment.query(f"select {days} from raw.vk_stats")
    assert there == spanned > 260


def test_the_check_names_every_page_that_refuses(vk: Vk, deployment: Deployment) -> None:
    deployment.sources["vk"]["communities"] = [101, 102, 103]
    vk.errors = {"wall.get": [0, 15, 15], "stats.get": [0, 7]}  # the first asked is club103
    found = probe(deployment.region, deployment.settings)
    assert found.seen == "3 communities"
    assert found.missing == (
        "statistics of club102: its administrator has to give the token",
        "the wall of club101, club102: access denied",
    )


@pytest.mark.parametrize(
    ("method", "seen"), [("groups.getById", "the token works"), ("stats.get", "1 communities")]
)
def test_the_check_says_a_daily_limit(vk: Vk, deployment: Deployment, method: str, seen: str) -> None:
    vk.errors = {method: [29]}
    found = probe(deployment.region, deployment.settings)
    assert (found.seen, found.missing) == (f"{seen}; today's limit of {method} is reached", ())


def test_a_broken_contract_keeps_nothing_and_heals(vk: Vk, deployment: Deployment) -> None:
    vk.comments[2][0]["branch"][12]["text"] = 5  # beyond the ten replies that come with their root
    with pytest.raises(ContractBroken, match=r"vk\.comments: the field text came as whole number"):
        load(deployment)
    assert deployment.one("select count(*) from raw.vk_posts") == 0
    vk.comments[2][0]["branch"][12]["text"] = "Ответ"
    assert load(deployment).resources["comments"].landed == 16


def test_an_impossible_date_goes_to_quarantine(vk: Vk, deployment: Deployment) -> None:
    vk.posts[1]["date"] = 99_999_999_999
    vk.comments[1][0]["date"] = 5
    report = load(deployment)
    assert (report.resources["posts"].quarantined, report.resources["comments"].quarantined) == (1, 1)
    assert {row[0] for row in deployment.query("select source_ref from raw.quarantine")} == {
        "-101_2",
        "-101_10",
    }


def test_no_person_reaches_the_disk(vk: Vk, deployment: Deployment) -> None:
    deployment.sources["vk"]["search_queries"] = ["Озёрск"]
    vk.found = [mention(7, "2026-11-20 20:00", PERSON, comments=2)]
    vk.comments[7] = [comment(70, "2026-11-20 21:00"), comment(71, "2026-11-20 21:00")]
    for one in (vk.comments[1][0], vk.comments[7][1]):
        one["date"] = 5  # into quarantine
    load(deployment)
    everything = json.dumps(
        [
            deployment.query(f"from raw.{table}")
            for (table,) in deployment.query(
                "select table_name from information_schema.tables where table_schema = 'raw'"
            )
        ],
        default=str,
    )
    files = b"".join(path.read_bytes() for path in (deployment.root / "data").rglob("*") if path.is_file())
    for trace in (str(PERSON), "345-67-89"):
        assert trace not in everything
        assert trace.encode() not in files


def said(number: int, at: str, text: str, author: int = PERSON) -> dict[str, Any]:
    return {"id": number, "from_id": author, "date": unix(at), "text": text}


def test_boards_are_read_hourly_from_where_they_ended(vk: Vk, deployment: Deployment) -> None:
    vk.topics = {
        7: [
            said(1, "2026-11-01 06:00", "Спрашивайте", -101),
            said(2, "2026-11-20 06:00", "Где мой автобус? 8 912 345-67-89"),
            said(3, "2026-11-20 07:00", f"[id{PERSON}:bp-101_2|Анна], он сломался", -101),
        ]
    }
    assert load(deployment).resources["messages"].landed == 3
    vk.topics[7].append(said(4, "2026-11-20 08:00", "А когда починят?"))
    deployment.as_of = "2026-11-21T00:30:00Z"
    vk.called.clear()
    assert load(deployment).resources["messages"].landed == 0
    assert "board.getTopics" not in vk.called
    deployment.as_of = "2026-11-21T01:00:00Z"
    assert load(deployment).resources["messages"].landed == 1
    del vk.topics[7][1]
    vk.errors = {"board.getTopics": [29]}
    deployment.as_of = "2026-11-21T02:00:00Z"
    assert load(deployment).resources["messages"].landed == 0
    deployment.as_of = "2026-11-21T03:00:00Z"
    assert load(deployment).resources["messages"].landed == 3, "a comment was deleted: the topic is read anew"
    found = deployment.query(
        "select distinct message_id, reply_to, author_kind, text from raw.vk_messages order by 1"
    )
    assert found == [
        ("1", None, "page", "Спрашивайте"),
        ("2", None, "citizen", "Где мой автобус? ‹телефон›"),
        ("3", "2", "page", found[2][3]),
        ("4", None, "citizen", "А когда починят?"),
    ]
    assert str(PERSON) not in found[2][3]


def test_an_edit_lands_within_a_day_and_what_is_taken_away_leaves_a_reading(
    vk: Vk, deployment: Deployment
) -> None:
    vk.posts = [post(5, "2026-11-20 06:00", comments=2)]
    vk.comments = {5: [comment(51, "2026-11-20 07:00"), comment(52, "2026-11-20 08:00")]}
    assert landed(load(deployment)) | {"stats": 0} == {
        "communities": 1,
        "posts": 1,
        "comments": 2,
        "comment_readings": 1,
        "stats": 0,
    }
    deployment.as_of = "2026-11-22T01:00:00Z"
    report = load(deployment)
    assert report.resources["comments"].skipped_unchanged == 2
    assert landed(report).get("comments", 0) == 0
    vk.comments[5][0]["text"] = "Исправлено"
    deployment.as_of = "2026-11-22T02:00:00Z"
    assert landed(load(deployment)).get("comments", 0) == 0, "young posts are compared once a day"
    deployment.as_of = "2026-11-22T03:00:00Z"
    del vk.comments[5][1]
    vk.posts[0]["comments"]["count"] = 1
    assert landed(load(deployment)) == {"posts": 1, "comments": 1, "comment_readings": 1}
    assert deployment.one("select count(*) from raw.vk_comments where text = 'Исправлено'") == 1
    assert deployment.query("select comments from raw.vk_comment_readings order by _dlt_load_id") == [
        (2,),
        (1,),
    ]
