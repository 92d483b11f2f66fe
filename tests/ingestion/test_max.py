"""MAX: updates and histories together, both sides of dialogs, edits and removals, windows, bad days."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingestion import pipeline
from ingestion.clock import Window, parse_utc
from ingestion.errors import AccessRefused, AccountingBroken, ContractBroken, RequestRefused, SourceDown
from sandbox.kit import Sandbox
from tests.ingestion.network_support import END, TROUBLES, Desk, landed, played, truth_of

PAGE = 240_000_300


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with played(tmp_path_factory.mktemp("max"), "max") as sandbox:
        yield sandbox


@pytest.fixture
def desk(running: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    running.faults([])
    running.set_now(END)
    running.rewind("max")
    running.reset_requests()
    monkeypatch.setattr("ingestion.max.client.PAGE", 20)  # so that there is something to page through
    monkeypatch.setattr("ingestion.max.source.BATCH", 150)
    return Desk(running, tmp_path)


@pytest.fixture(scope="module")
def clean(running: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A region that was read on a good day, before anything was written by hand."""
    running.rewind("max")
    desk = Desk(running, tmp_path_factory.mktemp("clean"))
    desk.load("max")
    return desk


def test_one_run_holds_the_truth_and_a_second_one_lands_nothing(clean: Desk, desk: Desk) -> None:
    first = desk.load("max")
    assert desk.judged("max") == truth_of(desk.sandbox, "max")
    assert landed(first)["pages"] == 5
    assert desk.newest("max") == clean.newest("max")
    desk.sandbox.reset_requests()
    assert landed(desk.load("max")) == {}
    requests = desk.sandbox.requests()
    assert requests["max /updates"] == 1
    assert "max /messages" not in requests
    rows = desk.query(
        "select kind, link_name, members_count, deactivated from raw.max_pages order by link_name"
    )
    assert rows == [
        ("page", "max_arhiv", None, "not found"),
        ("page", "max_kray_official", 900, None),
        ("page", "max_moygorod", 4000, None),
        ("page", "max_sever", None, "the bot has no access"),
        ("bot", "mine_cur_bot", None, None),
    ]


def test_who_speaks(clean: Desk) -> None:
    kinds = clean.query(
        "select place, author_kind, bool_and(author_key is null), bool_and(author_page_id is null)"
        " from raw.max_messages where not is_deleted group by all order by all"
    )
    assert kinds == [
        ("chat", "citizen", False, True),
        ("chat", "operator", True, True),
        ("chat", "service", True, True),
        ("post", "citizen", False, True),
        ("post", "page", True, False),
    ]
    everything = str(clean.query("select * exclude (_dlt_load_id, fetched_at) from raw.max_messages"))
    dialogs = [80_000_000_000 + number for number in range(3)]
    assert not any(
        f"{number:016x}"[:9] in everything for number in dialogs
    )  # a mid holds the dialog's number
    deleted = clean.query("select distinct text, author_key from raw.max_messages where is_deleted")
    assert deleted == [(None, None)]


def test_polls_on_the_way_agree_with_one_at_the_end(clean: Desk, desk: Desk) -> None:
    for moment in ("2026-03-07T12:00:00Z", "2026-03-11T00:00:00Z", "2026-03-15T11:00:00Z", END):
        desk.sandbox.set_now(moment)
        desk.as_of = moment
        desk.load("max")
        assert desk.judged("max") == truth_of(desk.sandbox, "max")
    assert desk.newest("max")["posts"] == clean.newest("max")["posts"]
    assert desk.newest("max")["messages"] == clean.newest("max")["messages"]


def test_a_crash_before_the_commit_loses_and_doubles_nothing(
    clean: Desk, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pipeline._check_package
    packages = []

    def dies_at_the_second(run: Any, row_counts: dict[str, int]) -> None:
        packages.append(run)
        if len(packages) == 2:
            raise AccountingBroken("the machine lost its power", "switch it on")
        whole(run, row_counts)

    monkeypatch.setattr(pipeline, "_check_package", dies_at_the_second)
    with pytest.raises(AccountingBroken):
        desk.load("max")
    desk.load("max")
    assert desk.newest("max") == clean.newest("max")


def test_a_window_lands_what_was_written_in_it(clean: Desk, desk: Desk) -> None:
    span = Window(parse_utc("2026-03-05T00:00:00Z"), parse_utc("2026-03-08T00:00:00Z"))
    report = desk.load("max", span)
    inside = "created_at >= '2026-03-05' and created_at < '2026-03-08' and not is_deleted"
    there = "author_kind <> 'service'"  # that the bot was started stands in no history
    for table, what in (("posts", inside), ("messages", f"{inside} and {there}")):
        keys = "distinct page_id" if table == "posts" else "distinct message_id"
        expected = clean.query(f"select count({keys}) from raw.max_{table} where {what}")[0][0]
        if table == "posts":
            expected = clean.query(f"select count(*) from raw.max_posts where {what}")[0][0]
        tally = report.resources[table]
        assert tally.landed + tally.quarantined >= expected > 0
        assert tally.landed <= expected
    assert desk.sandbox.requests().get("max /updates") is None
    desk.load("max")
    assert desk.newest("max") == clean.newest("max")


def test_errors_by_class(clean: Desk, desk: Desk) -> None:
    desk.more = {"OTKLIK_MINE_MAX_TOKEN": "wrong"}
    with pytest.raises(AccessRefused, match="put a valid token into OTKLIK_MINE_MAX_TOKEN"):
        desk.load("max")
    desk.more = {}
    desk.sandbox.faults([{"kind": "api_error", "method": "/updates", "code": 405}])
    with pytest.raises(RequestRefused, match="a webhook is subscribed"):
        desk.load("max")
    desk.sandbox.faults([{"kind": "api_error", "method": "/updates", "code": 503, "times": 3}])
    with pytest.raises(SourceDown, match="HTTP 503 after all retries"):
        desk.load("max")
    desk.sandbox.faults([{"kind": "api_error", "method": "/messages", "code": 403}])
    report = desk.load("max")
    assert "cannot be read: the bot has no access" in " ".join(report.resources["messages"].notes)


def test_the_token_is_never_said(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    token = desk.sandbox.env["OTKLIK_MINE_MAX_TOKEN"]
    desk.sandbox.faults([{"kind": "http_500", "times": 9}])
    with pytest.raises(SourceDown) as error:
        desk.load("max")
    assert token not in "".join(traceback.format_exception(error.value)) + caplog.text


_DATA: dict[str, list[dict[str, Any]]] = {
    "a page of history comes twice": [
        {"kind": "page_repeated", "method": "/messages", "skip": 1, "times": 2}
    ],
    "a page of history is lost": [{"kind": "page_lost", "method": "/messages", "skip": 1}],
    "the first page of history is lost": [{"kind": "page_lost", "method": "/messages"}],
    "updates are lost": [{"kind": "page_lost", "method": "/updates", "skip": 1}],
    "history moves": [{"kind": "items_moved", "method": "/messages", "times": 9}],
    "updates move": [{"kind": "items_moved", "method": "/updates", "times": 2}],
    "updates come twice": [{"kind": "page_repeated", "method": "/updates", "skip": 1}],
    "unknown field": [{"kind": "unknown_field", "field": "mid", "times": 9}],
    "null moment": [{"kind": "null_value", "method": "/updates", "field": "timestamp"}],
    "flipped body": [{"kind": "type_flip", "method": "/updates", "field": "body"}],
    "missing mid": [{"kind": "missing_key", "method": "/updates", "field": "mid"}],
}
_BREACHES = {
    "null moment": "the field timestamp came as null",
    "flipped body": "the field body came as text instead of object",
    "missing mid": "the field mid came as nothing",
}
# Lost updates take along what no history tells: when something was edited, started or removed.
_UPDATES_ONLY = {"updates are lost", "updates move"}


@pytest.mark.chaos
@pytest.mark.parametrize("trouble", [*TROUBLES, *_DATA])
def test_bad_days_leave_no_trace(clean: Desk, desk: Desk, trouble: str) -> None:
    desk.sandbox.faults((TROUBLES | _DATA)[trouble])
    if trouble in _BREACHES:
        with pytest.raises(ContractBroken, match=_BREACHES[trouble]):
            desk.load("max")
        assert desk.query("select count(*) from raw.max_messages") == [(0,)]
    else:
        report = desk.load("max")
        assert trouble != "unknown field" or "sandbox_news" in report.resources["messages"].unknown_fields
    desk.sandbox.faults([])
    desk.load("max")
    assert desk.judged("max") == truth_of(desk.sandbox, "max")
    if trouble not in _UPDATES_ONLY:
        assert desk.newest("max") == clean.newest("max")
        assert desk.query("select count(*) from raw.quarantine") == [(0,)]


@pytest.mark.chaos
@pytest.mark.parametrize("kind", ["emoji_text", "nul_text", "long_text", "null_value"])
def test_odd_texts_land_and_absent_ones_are_named(clean: Desk, desk: Desk, kind: str) -> None:
    faults = [
        {"kind": kind, "method": method, "field": "text", "times": 99} for method in ("/messages", "/updates")
    ]
    desk.sandbox.faults(faults)
    report = desk.load("max")
    words = "where author_kind = 'citizen' and not is_deleted"
    texts = dict(desk.query(f"select message_id, text from raw.max_messages {words}"))
    plain = dict(clean.query(f"select message_id, text from raw.max_messages {words}"))
    if kind == "null_value":
        assert texts == {}
        assert desk.query("select distinct reason from raw.quarantine") == [("no content",)]
        assert report.resources["messages"].quarantined >= len(plain)
        return
    assert texts.keys() == plain.keys()
    if kind == "emoji_text":
        assert all(text.endswith("👩‍👩‍👧‍👦🏳️‍🌈🇷🇺") for text in texts.values())
    elif kind == "nul_text":
        assert texts == plain
    else:
        assert all(len(text.encode()) > 190_000 for text in texts.values())


def test_removals_edits_and_operators_live(clean: Desk, desk: Desk) -> None:
    desk.load("max")
    desk.pass_time("2026-03-15T14:10:00Z")
    citizen = 1 << 40
    first = desk.sandbox.post_message("max", "Нет воды", chat=citizen)
    desk.sandbox.post_message("max", "Ждите", chat=citizen, speaker="operator")
    comment = desk.sandbox.post_message("max", "Где снег?", page=PAGE)
    reply = desk.sandbox.post_message("max", "И у нас", page=PAGE, reply_to=comment["id"])
    desk.sandbox.post_message("max", "Убрали", page=PAGE, speaker="page", reply_to=reply["id"])
    report = desk.load("max")
    assert report.resources["messages"].landed == 5
    rows = desk.query(
        "select text, place, author_kind, reply_to is null from raw.max_messages"
        " where text in ('Нет воды', 'Ждите', 'Где снег?', 'И у нас', 'Убрали') order by 1"
    )
    assert rows == [
        ("Где снег?", "post", "citizen", True),
        ("Ждите", "chat", "operator", True),
        ("И у нас", "post", "citizen", False),
        ("Нет воды", "chat", "citizen", True),
        ("Убрали", "post", "page", False),
    ]
    desk.pass_time("2026-03-15T14:20:00Z")
    desk.sandbox.post_message("max", "Где же снег?", page=PAGE, edit=comment["id"])
    desk.sandbox.post_message("max", "", page=PAGE, delete=reply["id"])
    desk.sandbox.post_message("max", "", chat=citizen, delete=first["id"])
    report = desk.load("max")
    assert report.resources["messages"].landed == 3
    assert desk.query("select edited_at is not null from raw.max_messages where text = 'Где же снег?'") == [
        (True,)
    ]
    gone = "select place, text, author_key, reply_to is null from raw.max_messages"
    last = "where is_deleted and _dlt_load_id = (select max(_dlt_load_id) from raw.max_messages) order by 1"
    assert desk.query(f"{gone} {last}") == [("chat", None, None, True), ("post", None, None, False)]
    assert landed(desk.load("max")) == {}
