"""The inbox and its drain: proof of the sender, bounds, replays, kill -9, nothing personal on the disk."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from ingestion.clock import parse_utc
from ingestion.events import event_log
from ingestion.inbox.app import MAX_BODY_BYTES, Receiver
from ingestion.inbox.handlers import Request, VkHandler
from ingestion.inbox.journal import KEPT_FOR, Journal, entries_after, journal_path, prune
from ingestion.inbox.serve import handlers_of
from ingestion.pipeline import LoadReport, ingest
from ingestion.privacy import Pseudonyms
from ingestion.region import VkCallback
from ingestion.run import Run
from ingestion.sources import find_source
from ingestion.vk.callbacks import Pushed
from ingestion.vk.rows import comment_row
from tests.ingestion.support import KEY, TOKEN, Deployment

NOW = parse_utc("2026-11-21T00:00:00Z")
STAMP = 1_795_219_200_000  # 2026-11-21T00:00:00Z
PERSON = "01234567890A="


def viber(kind: str = "message", **changes: Any) -> dict[str, Any]:
    event: dict[str, Any] = {"event": kind, "timestamp": STAMP - 3_600_000, "message_token": 2**63 + 11}
    if kind == "message":
        event |= {
            "sender": {"id": PERSON, "name": "Иван"},
            "message": {"type": "text", "text": "Яма, +7 912 345-67-89"},
        }
    elif kind in {"delivered", "seen", "failed"}:
        event |= {"user_id": PERSON}
    else:
        event |= {"user": {"id": PERSON, "name": "Иван"}}
    return event | changes


class Door:
    """Posts to the receiver's application, as the networks would."""

    def __init__(self, app: Starlette) -> None:
        self.app = app
        self.answered: dict[bytes, bytes] = {}  # headers of the last answer

    def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, str]:
        sent: list[Any] = []
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": path,
            "raw_path": path.encode(), "query_string": b"", "client": ("127.0.0.1", 1),
            "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        }  # fmt: skip

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.app(scope, receive, send))
        self.answered = dict(sent[0]["headers"])
        return sent[0]["status"], b"".join(part.get("body", b"") for part in sent[1:]).decode()

    def viber(self, event: Any, token: str = TOKEN) -> int:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        return self.post("/viber/test", body, {"X-Viber-Content-Signature": sign(body, token)})[0]

    def vk(self, **event: Any) -> tuple[int, str]:
        return self.post("/vk/test", json.dumps({"group_id": 5, "secret": TOKEN, **event}).encode())


def sign(body: bytes, token: str = TOKEN) -> str:
    return hmac.new(token.encode(), body, hashlib.sha256).hexdigest()


@pytest.fixture
def door(deployment: Deployment) -> Iterator[Door]:
    deployment.sources["viber"] = {"token_env": "OTKLIK_TEST_TOKEN", "page_id": "bot-1", "name": "Решаем"}
    deployment.sources["vk"] = {
        "token_env": "OTKLIK_TEST_TOKEN",
        "communities": [5],
        "callback": {"secret_env": "OTKLIK_TEST_TOKEN", "confirmation": "c0nf1rm"},
    }
    region, settings = deployment.region, deployment.settings
    journal = Journal(journal_path(settings.data))
    handlers = handlers_of(settings, {"test": region})
    log = event_log(settings.data)
    yield Door(Receiver(handlers, journal, settings.now, lambda: NOW, KEPT_FOR, log).app())
    journal.close()


def load(deployment: Deployment) -> LoadReport:
    return ingest("viber", deployment.region, deployment.settings)


def test_events_land_masked_and_once(door: Door, deployment: Deployment) -> None:
    events = [
        viber("conversation_started", message_token=1),
        viber(),
        viber("delivered", message_token=3, timestamp=STAMP - 60_000),
        viber("seen", message_token=3),
        viber(message_token="a-string", message={"type": "picture", "media": "http://x"}),
    ]
    assert [door.viber(event) for event in (*events, *events)] == [200] * 10
    report = load(deployment)
    assert {name: tally.landed for name, tally in report.resources.items()} == {"pages": 1, "messages": 4}
    author = Pseudonyms(SecretStr(KEY)).author_key("viber", PERSON)
    rows = deployment.query(
        "select message_id, author_kind, chat_id, author_key, text, created_at, place from raw.viber_messages"
        " order by author_kind, message_id"
    )
    hour_ago = datetime(2026, 11, 20, 23)
    assert rows == [
        (str(2**63 + 11), "citizen", author, author, "Яма, ‹телефон›", hour_ago, "chat"),
        ("a-string", "citizen", author, author, None, hour_ago, "chat"),
        ("3", "operator", author, None, None, datetime(2026, 11, 20, 23, 59), "chat"),
        ("conversation_started:1", "service", author, author, None, hour_ago, "chat"),
    ]
    assert load(deployment).landed == 0
    assert door.viber(viber(message_token=9)) == 200
    assert load(deployment).landed == 1


def test_nothing_personal_is_written(door: Door, deployment: Deployment) -> None:
    for event in (viber(), viber(timestamp="soon", message_token=6), viber("smile", message_token=5)):
        assert door.viber(event) == 200
    load(deployment)
    files = b"".join(path.read_bytes() for path in (deployment.root / "data").rglob("*") if path.is_file())
    for trace in ("345-67-89", PERSON, "Иван", TOKEN):
        assert trace.encode() not in files
    assert deployment.query("select reason, count(*) from raw.quarantine group by 1 order by 1") == [
        ("impossible date", 1),
        ("unknown event", 1),
    ]


@pytest.mark.parametrize(
    ("path", "body", "signature", "status"),
    [
        ("/viber/test", json.dumps(viber()).encode(), "0" * 64, 403),
        ("/viber/test", json.dumps(viber()).encode(), "", 403),
        ("/viber/test", json.dumps(viber()).encode(), "я", 403),
        ("/viber/other", b"{}", sign(b"{}"), 404),
        ("/viber/test", b"[1]", sign(b"[1]"), 400),
        ("/viber/test", b"{", sign(b"{"), 400),
        ("/viber/test", b"x" * (MAX_BODY_BYTES + 1), "", 413),
    ],
)
def test_what_is_refused_is_not_stored(
    path: str, body: bytes, signature: str, status: int, door: Door, deployment: Deployment
) -> None:
    headers = {"X-Viber-Content-Signature": signature.encode().decode("latin-1")}
    assert door.post(path, body, headers)[0] == status
    assert list(entries_after(journal_path(deployment.root / "data"), "viber", "test", 0)) == []


def test_a_stale_event_is_refused(door: Door) -> None:
    old = STAMP - int(KEPT_FOR.total_seconds() * 1000) - 1000
    assert door.viber(viber(timestamp=old)) == 403


def test_a_flood_of_garbage_is_slowed_down(door: Door) -> None:
    answers = [door.post("/viber/test", b"{}")[0] for _ in range(70)]
    assert answers == [403] * 60 + [429] * 10


def test_an_announced_body_that_is_too_large_is_not_read(door: Door) -> None:
    assert door.post("/viber/test", b"", {"Content-Length": str(10**12)})[0] == 413


def vk_kept(deployment: Deployment) -> list[Any]:
    found = entries_after(journal_path(deployment.root / "data"), "vk", "test", 0)
    return [content for _, _, content in found]


def pushed(deployment: Deployment) -> tuple[Run, dict[str, list[dict[str, Any]]]]:
    """What VK's events land where polling reads nothing."""
    run = Run(find_source("vk"), deployment.region, deployment.settings, None, fetched_at=NOW, state={})
    waiting = Pushed(run)
    waiting.take()
    return run, {table.name: page.to_pylist() for table, page in waiting.land()}


def wall_comment(text: str = "Яма", days_ago: int = 0) -> dict[str, Any]:
    written = STAMP // 1000 - 60 - days_ago * 86_400
    return {"id": 7, "from_id": 99, "date": written, "text": text, "post_id": 3, "owner_id": -5}


def test_vk_confirms_and_lands_comments(door: Door, deployment: Deployment) -> None:
    post = door.vk

    assert post(type="confirmation") == (200, "c0nf1rm")
    assert post(type="confirmation", secret="guess")[0] == 403
    comment = {
        "id": 7, "from_id": 99, "date": STAMP // 1000 - 60, "text": "Яма, a@b.ru", "post_id": 3,
        "post_owner_id": -5,         "parents_stack": [2],
    }  # fmt: skip
    for _ in range(2):
        assert post(type="wall_reply_new", event_id="e1", object=comment) == (200, "ok")
    assert post(type="wall_reply_edit", event_id="e2", object={"id": 7}) == (200, "ok")
    assert post(type="group_join", event_id="e3", object={"user_id": 99}) == (200, "ok")
    kept = vk_kept(deployment)
    assert len(kept) == 3
    assert kept[0]["rows"][0][1]["text"] == "Яма, ‹почта›"
    assert kept[0]["rows"][0][1]["author_key"] == Pseudonyms(SecretStr(KEY)).author_key("vk", 99)
    assert kept[1]["problem"]["reason"] == "unreadable comment"
    run, found = pushed(deployment)
    assert [(row["text"], row["created_at"]) for row in found.pop("vk_comments")] == [
        ("Яма, ‹почта›", datetime(2026, 11, 20, 23, 59))
    ]
    assert found == {}
    assert (run.tallies["comments"].received, run.tallies["comments"].quarantined) == (2, 1)
    last = max(seq for seq, *_ in entries_after(journal_path(deployment.root / "data"), "vk", "test", 0))
    assert run.state == {"inbox_position": last}


def test_vk_confirms_each_community_with_its_own_string(deployment: Deployment) -> None:
    callback = VkCallback.model_validate({"secret_env": "OTKLIK_S", "confirmation": {5: "five", 6: "six"}})
    handler = VkHandler(SecretStr(TOKEN), callback.confirmation, Pseudonyms(SecretStr(KEY)))
    asked = [{"type": "confirmation", "group_id": group} for group in (5, 6, 7, "5")]
    assert [handler.reply(Request({}, b"", one)) for one in asked] == ["five", "six", "", ""]


@pytest.mark.parametrize("kind", ["wall_reply_edit", "wall_reply_restore"])
def test_vk_may_change_an_old_comment(kind: str, door: Door, deployment: Deployment) -> None:
    """VK dates such an event by the comment, not by the change."""
    for _ in range(70):  # and a replay is known by its number, and is no garbage
        assert door.vk(type=kind, event_id="e1", object=wall_comment("Яма засыпана", 20)) == (200, "ok")
    assert len(vk_kept(deployment)) == 1
    assert door.vk(type="wall_reply_new", event_id="e2", object=wall_comment(days_ago=15))[0] == 403
    _, found = pushed(deployment)
    (row,) = found["vk_comments"]
    assert (row["text"], row["created_at"]) == ("Яма засыпана", datetime(2026, 10, 31, 23, 59))


_GONE = {"owner_id": -5, "id": 7, "deleter_id": 99, "post_id": 3}
_REMOVED = {"owner_id": -5, "post_id": 3, "comment_id": 7}


@pytest.mark.parametrize(
    ("kinds", "comments", "removals"),
    [
        (["delete"], [], 1),
        (["new", "delete"], ["new"], 1),
        (["new", "edit"], ["edit"], 0),
        (["new", "delete", "restore"], ["restore"], 0),
        (["delete", "restore", "delete"], ["restore"], 1),
    ],
)
def test_vk_lands_the_last_that_was_said_of_a_comment(
    kinds: list[str], comments: list[str], removals: int, door: Door, deployment: Deployment
) -> None:
    for number, kind in enumerate(kinds):
        told = _GONE if kind == "delete" else wall_comment(kind)
        assert door.vk(type=f"wall_reply_{kind}", event_id=f"e{number}", object=told) == (200, "ok")
    run, found = pushed(deployment)
    assert [row["text"] for row in found.get("vk_comments", [])] == comments
    gone = [{name: row[name] for name in _REMOVED} for row in found.get("vk_comment_removals", [])]
    assert gone == [_REMOVED] * removals
    for resource, tally in run.tallies.items():
        tally.check("vk", resource)
    if kinds[-1] == "delete":  # who did it is not kept
        assert vk_kept(deployment)[-1]["rows"] == [["comment_removals", _REMOVED]]


def test_what_polling_reads_is_newer_than_what_was_pushed_before(door: Door, deployment: Deployment) -> None:
    for number, kind in enumerate(("new", "delete")):
        told = _GONE if kind == "delete" else wall_comment("pushed")
        door.vk(type=f"wall_reply_{kind}", event_id=f"e{number}", object=told)
    run = Run(find_source("vk"), deployment.region, deployment.settings, None, fetched_at=NOW, state={})
    waiting = Pushed(run)
    waiting.take()
    polled = comment_row({**wall_comment("polled"), "likes": {"count": 1}}, -5, 3, None, NOW, run.pseudonyms)
    run.tallies["comments"].received += 1
    batches = list(waiting.outdated_by(run.land("comments", [polled])))
    assert [page["text"].to_pylist() for _, page in batches] == [["polled"]]
    assert list(waiting.land()) == []
    for resource, tally in run.tallies.items():
        tally.check("vk", resource)


def test_a_load_that_fails_takes_nothing_from_the_journal(
    door: Door, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.viber(viber())
    with monkeypatch.context() as patch:
        patch.setattr("ingestion.run.Run.books", lambda self, load_seq: 1 / 0)
        with pytest.raises(Exception, match="division"):
            load(deployment)
    assert load(deployment).resources["messages"].landed == 1


def test_the_journal_forgets_only_what_is_committed_and_old(door: Door, deployment: Deployment) -> None:
    path = journal_path(deployment.root / "data")
    door.viber(viber())
    assert prune(path, "viber", "test", 0, NOW + 2 * KEPT_FOR) == 0
    assert prune(path, "viber", "test", 1, NOW) == 0
    assert prune(path, "viber", "test", 1, NOW + 2 * KEPT_FOR) == 1
    door.viber(viber(message_token=8))
    assert [seq for seq, *_ in entries_after(path, "viber", "test", 0)] == [2]


_SERVE = """
import sys
from pathlib import Path
from ingestion.config import load_settings
from ingestion.inbox.serve import serve
serve(load_settings(), "127.0.0.1", 0, ready_file=Path(sys.argv[1]))
"""


def test_what_was_answered_survives_kill_9(door: Door, deployment: Deployment, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "OTKLIK_DATA": str(deployment.root / "data"),
        "OTKLIK_REGIONS": str(deployment.root / "regions"),
        "OTKLIK_HMAC_KEY": KEY,
        "OTKLIK_AS_OF": deployment.as_of,
        "OTKLIK_TEST_TOKEN": TOKEN,
    }
    answered = []
    for life in range(2):
        ready = tmp_path / f"ready-{life}"
        process = subprocess.Popen([sys.executable, "-c", _SERVE, str(ready)], env=environment)
        try:
            deadline = time.monotonic() + 30
            while not ready.exists() or not ready.read_text():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            for number in range(20):
                token = str(life * 100 + number)
                body = json.dumps(viber(message_token=token)).encode()
                asked = urllib.request.Request(  # noqa: S310 - our own loopback address
                    f"{ready.read_text()}/viber/test", body, {"X-Viber-Content-Signature": sign(body)}
                )
                with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
                    assert answer.status == 200
                answered.append(token)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    load(deployment)
    landed = {token for (token,) in deployment.query("select message_id from raw.viber_messages")}
    assert landed == set(answered)


def test_each_delivery_has_an_id_and_a_line(door: Door, deployment: Deployment) -> None:
    assert door.post("/viber/test", b"{}", {"X-Request-Id": "f00dfeed-1"})[0] == 403
    assert door.answered[b"x-request-id"] == b"f00dfeed-1"
    assert door.post("/nowhere/at-all", b"{}", {"X-Request-Id": "two words"})[0] == 404
    given = door.answered[b"x-request-id"].decode()
    log = deployment.settings.data / "logs" / "events.jsonl"
    told = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [(one["request"], one["channel"], one["status"]) for one in told] == [
        ("f00dfeed-1", "viber", 403),
        (given, "unknown", 404),
    ]
    assert len(given) == 16
