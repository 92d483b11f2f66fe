"""Telegram: land first and confirm after, gaps, edits and removals, both sides of chats, bad days."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ingestion import pipeline
from ingestion.clock import Window, parse_utc
from ingestion.errors import (
    AccessRefused,
    AccountingBroken,
    ConfigError,
    ContractBroken,
    RequestRefused,
    SourceDown,
    UsageError,
)
from ingestion.telegram.threads import Memory
from sandbox.kit import Sandbox
from tests.ingestion.network_support import END, TROUBLES, Desk, landed, played, truth_of

PAGE = 240_000_200


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with played(tmp_path_factory.mktemp("telegram"), "telegram") as sandbox:
        yield sandbox


@pytest.fixture
def desk(running: Sandbox, tmp_path: Path) -> Desk:
    running.faults([])
    running.set_now(END)
    running.rewind("telegram")
    running.reset_requests()
    return Desk(running, tmp_path)


@pytest.fixture(scope="module")
def clean(running: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A region that was read on a good day, before anything was written by hand."""
    running.rewind("telegram")
    desk = Desk(running, tmp_path_factory.mktemp("clean"))
    desk.load("telegram")
    return desk


def test_the_whole_queue_holds_the_truth_and_a_second_run_lands_nothing(clean: Desk, desk: Desk) -> None:
    first = desk.load("telegram")
    assert desk.judged("telegram") == truth_of(desk.sandbox, "telegram")
    assert landed(first)["pages"] == 5
    assert landed(desk.load("telegram")) == {}
    assert desk.newest("telegram") == clean.newest("telegram")
    rows = desk.query(
        "select kind, link_name, members_count, deactivated from raw.telegram_pages order by link_name"
    )
    assert rows == [
        ("bot", "mine_cur_bot", None, None),
        ("page", "telegram_arhiv", None, "not found"),
        ("page", "telegram_kray_official", 900, None),
        ("page", "telegram_moygorod", 4000, None),
        ("page", "telegram_sever", None, "the bot is no member"),
    ]
    loads = desk.query("select landed from raw.loads where resource = 'messages' order by load_seq")
    assert len(loads) > 3  # one batch each


def test_who_speaks(clean: Desk) -> None:
    kinds = clean.query(
        "select place, author_kind, count(*) > 0, bool_and(author_key is null),"
        " bool_and(author_page_id is null) from raw.telegram_messages where not is_deleted"
        " group by all order by all"
    )
    assert kinds == [
        ("chat", "citizen", True, False, True),
        ("chat", "operator", True, True, True),
        ("chat", "service", True, True, True),
        ("post", "citizen", True, False, True),
        ("post", "page", True, True, False),
    ]
    pages = {row[0] for row in clean.query("select page_id from raw.telegram_pages where kind = 'page'")}
    authors = {row[0] for row in clean.query("select distinct author_page_id from raw.telegram_messages")}
    assert authors - {None} <= pages  # the discussion group's name stands for its channel
    everything = str(clean.query("select * exclude (_dlt_load_id, fetched_at) from raw.telegram_messages"))
    assert "51000" not in everything.replace("‹телефон›", "")  # no person's number
    deleted = clean.query("select distinct text, author_key from raw.telegram_messages where is_deleted")
    assert deleted == [(None, None)]
    assert clean.query("select count(*) > 0 from raw.telegram_messages where edited_at > created_at") == [
        (True,)
    ]


def test_polls_on_the_way_agree_with_one_at_the_end(clean: Desk, desk: Desk) -> None:
    for moment in ("2026-03-07T12:00:00Z", "2026-03-11T00:00:00Z", END):
        desk.sandbox.set_now(moment)
        desk.as_of = moment
        desk.load("telegram")
        assert desk.judged("telegram") == truth_of(desk.sandbox, "telegram")
    assert desk.newest("telegram") == clean.newest("telegram")


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
        desk.load("telegram")
    (before,) = desk.query("select count(*) from raw.telegram_messages")[0]
    assert 0 < before < len(clean.newest("telegram")["messages"])
    desk.load("telegram")
    assert desk.newest("telegram") == clean.newest("telegram")
    counts = "select count(*) from raw.telegram_messages"
    assert desk.query(counts) == clean.query(counts)


def test_nothing_is_confirmed_before_it_has_landed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(run: Any, row_counts: dict[str, int]) -> None:
        raise AccountingBroken("the machine lost its power", "switch it on")

    monkeypatch.setattr(pipeline, "_check_package", dies)
    for _ in range(2):
        with pytest.raises(AccountingBroken):
            desk.load("telegram")
    monkeypatch.undo()
    desk.load("telegram")
    assert desk.judged("telegram") == truth_of(desk.sandbox, "telegram")


def test_updates_that_come_again_are_recognised(clean: Desk, desk: Desk) -> None:
    fault = {"kind": "page_repeated", "method": "getUpdates", "skip": 1, "times": 2}
    desk.sandbox.faults([fault])
    desk.load("telegram")
    counts = "select count(*) from raw.telegram_messages"
    assert desk.query(counts) == clean.query(counts)
    assert desk.newest("telegram") == clean.newest("telegram")


def test_a_gap_is_told(tmp_path: Path) -> None:
    with played(tmp_path, "telegram", telegram={"updates_live_hours": 24}) as sandbox:
        desk = Desk(sandbox, tmp_path / "data2", as_of="2026-03-10T00:00:00Z")
        sandbox.set_now(desk.as_of)
        assert desk.load("telegram").resources["messages"].notes == []
        desk.as_of = "2026-03-13T00:00:00Z"
        sandbox.set_now(desk.as_of)
        report = desk.load("telegram")
        (note,) = [one for one in report.resources["messages"].notes if "no longer holds" in one]
        assert "nobody fetched them within a day" in note
        assert desk.query(
            "select count(*) from raw.loads where note like '%no longer holds the updates%'"
        ) == [(1,)]


def test_comments_under_posts_from_before_the_bot_came(desk: Desk, tmp_path: Path) -> None:
    with played(tmp_path, "telegram", telegram={"updates_live_hours": 24, "reply_share": 3}) as sandbox:
        young = Desk(sandbox, tmp_path / "data2")
        report = young.load("telegram")
        assert report.resources["messages"].landed > 0
        # A direct answer brings its post along; an answer to an answer does not.
        reasons = young.query("select distinct reason from raw.quarantine")
        assert reasons in ([], [("unknown post",)])
        tops = "select count(*) from raw.telegram_messages where reply_to is null and place = 'post'"
        assert young.query(tops)[0][0] > 0


def test_it_has_no_windows(desk: Desk) -> None:
    with pytest.raises(UsageError, match="no history to read by window"):
        desk.load("telegram", Window(parse_utc("2026-03-01"), parse_utc("2026-03-02")))


def test_errors_by_class(clean: Desk, desk: Desk) -> None:
    token = desk.sandbox.env["OTKLIK_MINE_TELEGRAM_TOKEN"]
    desk.more = {"OTKLIK_MINE_TELEGRAM_TOKEN": token[:-1] + "x"}
    with pytest.raises(AccessRefused, match="put a valid token into OTKLIK_MINE_TELEGRAM_TOKEN"):
        desk.load("telegram")
    desk.more = {"OTKLIK_MINE_TELEGRAM_TOKEN": "nonsense"}
    with pytest.raises(ConfigError, match="does not hold a bot's token"):
        desk.load("telegram")
    desk.more = {}
    desk.sandbox.faults([{"kind": "api_error", "method": "getUpdates", "code": 409}])
    with pytest.raises(RequestRefused, match="a webhook is set for the bot"):
        desk.load("telegram")
    desk.sandbox.faults([{"kind": "http_429", "retry_after": 1, "times": 3}])
    with pytest.raises(SourceDown, match="HTTP 429 after all retries"):
        desk.load("telegram")
    desk.sandbox.faults([])
    desk.load("telegram")
    assert desk.newest("telegram") == clean.newest("telegram")


def test_the_hint_within_the_body_is_waited_for(desk: Desk) -> None:
    from ingestion import http

    waited: list[str | None] = []
    hint = http._add_hint

    def watch(response: Any, body: bytes) -> None:
        hint(response, body)
        waited.append(response.headers.get("Retry-After"))

    patch = pytest.MonkeyPatch()
    patch.setattr(http, "_add_hint", watch)
    desk.sandbox.faults([{"kind": "http_429", "retry_after": 7}, {"kind": "http_429", "retry_after": None}])
    desk.load("telegram")
    patch.undo()
    assert waited == ["7", None]


def test_the_token_is_never_said(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    token = desk.sandbox.env["OTKLIK_MINE_TELEGRAM_TOKEN"]
    for kind in ("http_500", "disconnect", "truncated"):
        fault = {"kind": kind, "times": 9}
        desk.sandbox.faults([fault])
        with pytest.raises(SourceDown) as error:
            desk.load("telegram")
        assert token not in "".join(traceback.format_exception(error.value))
    desk.sandbox.faults([])
    dead = Desk(desk.sandbox, desk.root)
    region = dead.region
    source = region.sources.telegram
    assert source is not None
    sources = region.sources.model_copy(
        update={"telegram": source.model_copy(update={"base_url": "http://127.0.0.1:9"})}
    )
    with pytest.raises(SourceDown, match="cannot be reached") as error:
        pipeline.ingest("telegram", region.model_copy(update={"sources": sources}), dead.settings)
    assert token not in "".join(traceback.format_exception(error.value))
    desk.load("telegram")
    assert token not in caplog.text
    assert token.partition(":")[2] not in caplog.text


_DATA: dict[str, list[dict[str, Any]]] = {
    "a batch is lost": [{"kind": "page_lost", "method": "getUpdates", "skip": 1}],
    "updates move": [{"kind": "items_moved", "method": "getUpdates", "skip": 1, "times": 3}],
    "unknown field": [{"kind": "unknown_field", "field": "message_id", "times": 9}],
    "null date": [{"kind": "null_value", "method": "getUpdates", "field": "date"}],
    "null text": [{"kind": "null_value", "method": "getUpdates", "field": "text"}],
    "flipped chat": [{"kind": "type_flip", "method": "getUpdates", "field": "chat"}],
    "missing id": [{"kind": "missing_key", "method": "getUpdates", "field": "message_id"}],
}
_BREACHES = {
    "null date": "the field date came as null",
    "null text": "text came as null, which Telegram never sends",
    "flipped chat": "the field chat came as text instead of object",
    "missing id": "the field message_id came as nothing",
}


@pytest.mark.chaos
@pytest.mark.parametrize("trouble", [*TROUBLES, *_DATA])
def test_bad_days_leave_no_trace(clean: Desk, desk: Desk, trouble: str) -> None:
    desk.sandbox.faults((TROUBLES | _DATA)[trouble])
    if trouble in _BREACHES:
        with pytest.raises(ContractBroken, match=_BREACHES[trouble]):
            desk.load("telegram")
        assert desk.query("select count(*) from raw.telegram_messages") == [(0,)]
    else:
        report = desk.load("telegram")
        assert trouble != "unknown field" or "sandbox_news" in report.resources["messages"].unknown_fields
    desk.sandbox.faults([])
    desk.load("telegram")
    assert desk.newest("telegram") == clean.newest("telegram")
    assert desk.query("select count(*) from raw.quarantine") == [(0,)]


@pytest.mark.chaos
@pytest.mark.parametrize("kind", ["emoji_text", "nul_text", "long_text"])
def test_odd_texts_land(clean: Desk, desk: Desk, kind: str) -> None:
    desk.sandbox.faults([{"kind": kind, "method": "getUpdates", "times": 99}])
    desk.load("telegram")
    key, words = "page_id || chat_id || message_id", "where author_kind = 'citizen' and not is_deleted"
    texts = dict(desk.query(f"select {key}, text from raw.telegram_messages {words}"))
    plain = dict(clean.query(f"select {key}, text from raw.telegram_messages {words}"))
    assert texts.keys() == plain.keys()
    if kind == "emoji_text":
        assert all(text.endswith("👩‍👩‍👧‍👦🏳️‍🌈🇷🇺") for text in texts.values())
    elif kind == "nul_text":
        assert all("\x00" not in text for text in texts.values())
    else:
        assert all(len(text.encode()) > 190_000 for text in texts.values())


def test_an_edit_and_large_numbers(clean: Desk, desk: Desk) -> None:
    desk.load("telegram")
    citizen = 1 << 60
    for person in (citizen, citizen + 1):
        desk.sandbox.post_message("telegram", "Нет воды", chat=person)
    desk.sandbox.post_message("telegram", "Ждите", chat=citizen, speaker="operator")
    first = desk.sandbox.post_message("telegram", "Где снег?", page=PAGE)
    desk.load("telegram")
    chats = "select chat_id, author_kind from raw.telegram_messages where text in ('Нет воды', 'Ждите')"
    rows = desk.query(chats)
    assert len({chat for chat, _ in rows}) == 2  # 64-bit numbers are not rounded into one
    assert sorted(kind for _, kind in rows) == ["citizen", "citizen", "operator"]
    desk.sandbox.post_message("telegram", "Где же снег? 8 912 345-67-89", page=PAGE, edit=first["id"])
    desk.load("telegram")
    versions = desk.query(
        "select text, edited_at is null from raw.telegram_messages"
        " where text like 'Где%снег?%' order by 2 desc"
    )
    assert versions == [("Где снег?", True), ("Где же снег? ‹телефон›", False)]


def test_threads_are_remembered_by_what_was_read_last_not_by_the_clock() -> None:
    january = 1_641_000_000
    run = SimpleNamespace(fetched_at=datetime(2022, 12, 30), state={})
    memory = Memory(run, lookback_days=60)  # type: ignore[arg-type]
    memory.learn_thread(-7, {"message_id": 55, "date": january, **_forwarded(3)})
    memory.saw(january)
    memory.remember(run.state)
    later = Memory(run, lookback_days=60)  # type: ignore[arg-type]
    assert later.post_of(-7, {"message_thread_id": 55}) == "3", "the year is read in one go, batch by batch"
    later.saw(january + 61 * 86_400)
    later.remember(run.state)
    assert Memory(run, lookback_days=60).post_of(-7, {"message_thread_id": 55}) is None  # type: ignore[arg-type]


def _forwarded(post: int) -> dict[str, Any]:
    chat = {"id": -1001, "type": "channel", "title": "Канал"}
    return {
        "is_automatic_forward": True,
        "forward_origin": {"type": "channel", "chat": chat, "message_id": post, "date": 1},
    }
