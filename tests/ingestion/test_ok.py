"""OK: the truth to the unit, late comments, windows, errors by class, bad days."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingestion.clock import Window, parse_utc
from ingestion.errors import AccessRefused, ConfigError, ContractBroken, RequestRefused, SourceDown
from ingestion.ok import probe
from sandbox.kit import Sandbox
from tests.ingestion.network_support import END, TROUBLES, Desk, landed, played, truth_of

PAGE = 240_000_100


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with played(tmp_path_factory.mktemp("ok"), "ok") as sandbox:
        yield sandbox


@pytest.fixture
def desk(running: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    running.faults([])
    running.set_now(END)
    running.reset_requests()
    monkeypatch.setattr("ingestion.ok.source.PAGE", 5)  # so that there is something to page through
    return Desk(running, tmp_path)


@pytest.fixture(scope="module")
def clean(running: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A region that was read on a good day, before anything was written by hand."""
    desk = Desk(running, tmp_path_factory.mktemp("clean"))
    desk.load("ok")
    return desk


def test_one_load_holds_the_truth_and_a_second_one_lands_nothing(clean: Desk, desk: Desk) -> None:
    first = desk.load("ok")
    assert desk.judged("ok") == truth_of(desk.sandbox, "ok")
    assert landed(first)["pages"] == 4
    rows = desk.query("select link_name, members_count, has_avatar, deactivated from raw.ok_pages order by 1")
    assert rows[1:3] == [("ok_kray_official", 900, True, None), ("ok_moygorod", 4000, True, None)]
    assert [row[3] for row in (rows[0], rows[3])] == ["disabled", "closed"]
    desk.sandbox.reset_requests()
    assert landed(desk.load("ok")) == {}
    assert desk.sandbox.requests() == {"ok discussions.getList": 6}  # two groups of two pages, two refused


def test_dates_are_moscow_time(clean: Desk, desk: Desk) -> None:
    desk.load("ok")
    # A page publishes its first post minutes after midnight in Vladivostok, which is 14:00 UTC.
    (first,) = desk.query("select min(created_at)::varchar from raw.ok_posts")[0]
    assert first.startswith("2026-03-01 14:0")
    under = "raw.ok_messages as m join raw.ok_posts as p on m.chat_id = p.post_id"
    (early,) = desk.query(f"select count(*) from {under} where m.created_at < p.created_at")[0]
    assert early == 0


def test_slices_and_one_load_agree(clean: Desk, desk: Desk) -> None:
    for moment in ("2026-03-08T12:00:00Z", "2026-03-11T00:00:00Z", END):
        desk.sandbox.set_now(moment)
        desk.as_of = moment
        desk.load("ok")
        assert desk.judged("ok") == truth_of(desk.sandbox, "ok")
    assert desk.newest("ok") == clean.newest("ok")


def test_a_window_lands_what_was_written_in_it(clean: Desk, desk: Desk) -> None:
    span = Window(parse_utc("2026-03-05T00:00:00Z"), parse_utc("2026-03-08T00:00:00Z"))
    report = desk.load("ok", span)
    inside = "created_at >= '2026-03-05' and created_at < '2026-03-08'"
    for table in ("posts", "messages"):
        expected = clean.query(f"select count(*) from raw.ok_{table} where {inside}")[0][0]
        assert report.resources[table].landed == expected > 0
    assert report.cursors == {}
    assert landed(desk.load("ok"))["messages"] == len(clean.newest("ok")["messages"])


def test_errors_by_class(clean: Desk, desk: Desk) -> None:
    for code, kind, words in (
        (102, AccessRefused, "session has expired; put a new eternal token into OTKLIK_MINE_OK_TOKEN"),
        (
            104,
            AccessRefused,
            "signature is wrong; put the application's secret key into OTKLIK_MINE_OK_SECRET",
        ),
        (200, AccessRefused, "lacks a right; ask for the rights named in docs/sources/ok.md"),
        (100, RequestRefused, "a parameter is wrong"),
        (999, RequestRefused, "no reason we know"),
    ):
        desk.sandbox.faults([{"kind": "api_error", "method": "discussions.getList", "code": code}])
        with pytest.raises(kind, match=words):
            desk.load("ok")
    desk.sandbox.faults([{"kind": "api_error", "code": 2, "times": 3}])
    with pytest.raises(SourceDown, match=r"keeps refusing url\.getInfo"):
        desk.load("ok")
    desk.sandbox.faults([{"kind": "api_error", "code": 2, "times": 2}])
    assert desk.load("ok").resources["pages"].retries == 2
    assert desk.newest("ok") == clean.newest("ok")


def test_a_group_that_is_gone_is_skipped_and_named(clean: Desk, desk: Desk) -> None:
    desk.sandbox.faults([{"kind": "api_error", "method": "discussions.getList", "code": 10, "skip": 1}])
    report = desk.load("ok")
    notes = report.resources["posts"].notes
    assert any("the token's owner may not see it" in note for note in notes)
    assert any("closed or blocked" in note for note in notes)
    assert any("not found" in note for note in notes)
    desk.load("ok")
    assert desk.judged("ok") == truth_of(desk.sandbox, "ok")


def test_a_limit_keeps_what_was_read_and_the_next_load_reads_the_rest(clean: Desk, desk: Desk) -> None:
    fault = {"kind": "api_error", "method": "discussions.getComments", "code": 11, "skip": 4}
    desk.sandbox.faults([fault])
    report = desk.load("ok")
    assert report.resources["messages"].notes == [
        "OK's limit of discussions.getComments is reached, what was not read waits for the next run."
    ]
    assert 0 < report.resources["messages"].landed < len(clean.newest("ok")["messages"])
    desk.load("ok")
    assert desk.newest("ok") == clean.newest("ok")


def test_what_was_not_shown_is_read_again_however_old_it_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of discussions goes back a look-back only: what a load missed stands in no list later."""
    later = "2026-05-01T12:00:00Z"
    desk.sandbox.set_now(later)
    desk.as_of = later
    monkeypatch.setattr("ingestion.ok.source.PAGE", 100)  # so that nothing promises a page after the lost one
    desk.sandbox.faults([{"kind": "page_lost", "method": "discussions.getComments"}])
    first = desk.load("ok")
    (note,) = first.resources["messages"].notes
    assert note.startswith("OK showed 0 of the ")
    healed = desk.load("ok").resources["messages"].landed
    assert f"0 of the {healed} comments" in note
    assert desk.judged("ok") == truth_of(desk.sandbox, "ok")
    assert landed(desk.load("ok")) == {}


def test_no_secret_is_ever_said(clean: Desk, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    desk.sandbox.faults([{"kind": "http_500", "times": 9}])
    with pytest.raises(SourceDown) as error:
        desk.load("ok")
    said = "".join(traceback.format_exception(error.value)) + caplog.text
    for name in ("OTKLIK_MINE_OK_TOKEN", "OTKLIK_MINE_OK_SECRET"):
        assert desk.sandbox.env[name] not in said


def test_a_missing_secret_is_named(desk: Desk) -> None:
    desk.more = {"OTKLIK_MINE_OK_SECRET": ""}
    with pytest.raises(
        ConfigError, match=r"OTKLIK_MINE_OK_SECRET, named in sources\.ok\.application_secret_env"
    ):
        desk.load("ok")


_DATA: dict[str, list[dict[str, Any]]] = {
    "a page of comments comes twice": [
        {"kind": "page_repeated", "method": "discussions.getComments", "skip": 1}
    ],
    "a page of comments is lost": [{"kind": "page_lost", "method": "discussions.getComments", "skip": 1}],
    "the first page of posts is lost": [{"kind": "page_lost", "method": "discussions.getList"}],
    "a page of posts is lost": [{"kind": "page_lost", "method": "discussions.getList", "skip": 1}],
    "posts are lost": [{"kind": "page_lost", "method": "mediatopic.getByIds"}],
    "groups are lost": [{"kind": "page_lost", "method": "group.getInfo"}],
    "posts move": [{"kind": "items_moved", "method": "discussions.getList", "times": 4}],
    "comments move": [{"kind": "items_moved", "method": "discussions.getComments", "times": 9}],
    "unknown field": [{"kind": "unknown_field", "field": "id", "times": 99}],
    "null date": [{"kind": "null_value", "method": "discussions.getComments", "field": "date"}],
    "null text": [{"kind": "null_value", "method": "discussions.getComments", "field": "text"}],
    "flipped count": [
        {"kind": "type_flip", "method": "discussions.getList", "field": "total_comments_count"}
    ],
    "missing id": [{"kind": "missing_key", "method": "discussions.getComments", "field": "id"}],
}

_BREACHES = {
    "null date": "the field date came as null instead of text",
    "null text": "the field text came as null instead of text",
    "flipped count": "the field total_comments_count came as text instead of whole number",
    "missing id": "the field id came as nothing instead of text",
}


@pytest.mark.chaos
@pytest.mark.parametrize("trouble", [*TROUBLES, *_DATA])
def test_bad_days_leave_no_trace(clean: Desk, desk: Desk, trouble: str) -> None:
    desk.sandbox.faults((TROUBLES | _DATA)[trouble])
    if trouble in _BREACHES:
        with pytest.raises(ContractBroken, match=_BREACHES[trouble]):
            desk.load("ok")
        assert desk.query("select count(*) from raw.ok_messages") == [(0,)]
    else:
        report = desk.load("ok")
        assert trouble != "unknown field" or "sandbox_news" in report.resources["messages"].unknown_fields
    desk.sandbox.faults([])
    desk.load("ok")
    assert desk.newest("ok") == clean.newest("ok")
    assert desk.judged("ok") == truth_of(desk.sandbox, "ok")
    assert desk.query("select count(*) from raw.quarantine") == [(0,)]


@pytest.mark.chaos
@pytest.mark.parametrize("kind", ["emoji_text", "nul_text", "long_text", "big_id"])
def test_odd_texts_and_large_numbers_land(clean: Desk, desk: Desk, kind: str) -> None:
    field = {"field": "author_id"} if kind == "big_id" else {}
    desk.sandbox.faults([{"kind": kind, "method": "discussions.getComments", "times": 99, **field}])
    desk.load("ok")
    texts = dict(desk.query("select message_id, text from raw.ok_messages where not is_deleted"))
    plain = dict(clean.query("select message_id, text from raw.ok_messages where not is_deleted"))
    assert texts.keys() == plain.keys()
    if kind == "emoji_text":
        assert all(text.endswith("👩‍👩‍👧‍👦🏳️‍🌈🇷🇺") for text in texts.values())
    elif kind == "nul_text":
        assert texts == plain
    elif kind == "long_text":
        assert all(len(text.encode()) > 190_000 for text in texts.values())
    else:
        keys = "select count(distinct author_key) from raw.ok_messages"
        assert desk.query(keys) == clean.query(keys)


def test_the_check_names_groups_that_cannot_be_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "wanted_pages", lambda *_: ["ok_moygorod", "nobody", "77"])
    told = probe.probe(desk.region, desk.settings)
    assert told.missing == (
        "the group nobody: OK knows no such group",
        "the group 77: OK knows no such group",
    )


def test_an_impossible_date_is_set_aside(clean: Desk, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from ingestion.ok import rows

    monkeypatch.setattr(rows, "OK_OPENED", parse_utc("2026-03-05T00:00:00Z"))
    report = desk.load("ok")
    reasons = desk.query("select distinct resource, reason from raw.quarantine order by 1")
    assert reasons == [("messages", "impossible date"), ("posts", "impossible date")]
    assert report.resources["messages"].quarantined > 0
    payloads = str(desk.query("select payload from raw.quarantine"))
    assert "author" not in payloads


def test_a_comment_written_now_lands_masked_and_only_its_post_is_read(clean: Desk, desk: Desk) -> None:
    desk.load("ok")
    said = desk.sandbox.post_message("ok", "Где снег? Тел. 8 912 345-67-89", page=PAGE)
    desk.sandbox.post_message("ok", "Убрали.", page=PAGE, speaker="page", reply_to=said["id"])
    desk.sandbox.reset_requests()
    report = desk.load("ok")
    assert report.resources["posts"].landed == 1
    assert desk.query("select text, author_kind from raw.ok_messages where text like 'Где снег%'") == [
        ("Где снег? Тел. ‹телефон›", "citizen")
    ]
    assert desk.query("select author_kind, author_page_id = page_id, reply_to is not null"
                      " from raw.ok_messages where text = 'Убрали.'") == [("page", True, True)]  # fmt: skip
    assert desk.sandbox.requests()["ok mediatopic.getByIds"] == 1
