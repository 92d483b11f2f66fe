"""VK's Callback API as the sandbox plays it: the same comments as by polling, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingestion.inbox.journal import entries_after, journal_path
from ingestion.inbox.serve import receiving
from ingestion.vk.walls import WallReader
from sandbox.kit import Sandbox, SandboxError
from tests.ingestion.network_support import END, Desk, landed, played

SECRET, CONFIRMATION, VARIABLE = "a-secret_of-callbacks", "c0nf1rm", "OTKLIK_MINE_CALLBACK"
_SAID = (
    "owner_id, post_id, comment_id, thread_id, reply_to_comment, author_kind, author_page_id, author_key,"
    " created_at, text"
)


class CallbackDesk(Desk):
    """A deployment whose region file names the secret and the string of VK's Callback API."""

    def prepared(self) -> CallbackDesk:
        folder = self.root / "regions"
        folder.mkdir(parents=True)
        told = (Path(self.sandbox.env["OTKLIK_REGIONS"]) / "mine.yaml").read_text("utf-8")
        callback = f"callback: {{secret_env: {VARIABLE}, confirmation: {CONFIRMATION}}}"
        told = told.replace("  vk:\n", f"  vk:\n    {callback}\n")
        told = told.replace("folder: ../", f"folder: {Path(self.sandbox.env['OTKLIK_REGIONS']).parent}/")
        (folder / "mine.yaml").write_text(told, "utf-8")
        self.more = {"OTKLIK_REGIONS": str(folder), VARIABLE: SECRET}
        return self

    def deliver(self, *, again: bool = False, **wrong: str) -> dict[str, int]:
        proof = {"secret": SECRET, "confirmation": CONFIRMATION, **wrong}
        with receiving(self.settings) as url:
            return self.sandbox.deliver_vk(f"{url}/vk/mine", again=again, **proof)

    @property
    def kept(self) -> list[Any]:
        return [content for _, _, content in entries_after(journal_path(self.root), "vk", "mine", 0)]


def comments(desk: Desk) -> tuple[list[Any], set[Any]]:
    """Comments of own walls as facts see them: those that stand, and which were deleted."""
    newest = (
        "with loaded as (select _dlt_load_id, load_seq from raw.loads where resource = 'communities'), "
        "said as (select c.*, load_seq from raw.vk_comments as c join loaded using (_dlt_load_id)"
        " where owner_id in (select owner_id from raw.vk_posts)"
        " qualify row_number() over (partition by owner_id, comment_id order by load_seq desc) = 1), "
        "removed as (select owner_id, comment_id, max(load_seq) as load_seq from raw.vk_comment_removals"
        " join loaded using (_dlt_load_id) group by all), "
        "told as (select said.* exclude (is_deleted), said.is_deleted or"
        " coalesce(removed.load_seq >= said.load_seq, false) as is_deleted"
        " from said left join removed using (owner_id, comment_id)) "
    )
    stand = desk.query(f"{newest} select {_SAID} from told where not is_deleted order by all")
    return stand, set(desk.query(f"{newest} select owner_id, comment_id from told where is_deleted"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with played(tmp_path_factory.mktemp("callbacks"), "vk") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def polled(running: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Any:
    desk = Desk(running, tmp_path_factory.mktemp("polled"))
    desk.load("vk")
    return comments(desk)


@pytest.fixture
def desk(running: Sandbox, polled: Any, tmp_path: Path) -> CallbackDesk:
    running.faults([])
    running.set_now(END)
    return CallbackDesk(running, tmp_path / "hook").prepared()


def test_rows_equal_those_of_polling(
    polled: Any, desk: CallbackDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WallReader, "comments", lambda self: iter(()))
    for moment in ("2026-03-08T12:00:00Z", END):
        desk.pass_time(moment)
        assert desk.deliver(again=True)["failed"] == 0
        desk.load("vk")
    stand, deleted = comments(desk)
    assert min(len(stand), len(deleted)) > 0
    assert (stand, deleted) == polled
    kinds = {resource for content in desk.kept for resource, _ in content["rows"]}
    assert kinds == {"comments", "comment_removals"}
    # A replay of everything changes nothing.
    kept = len(desk.kept)
    assert desk.deliver(again=True)["failed"] == 0
    assert len(desk.kept) == kept
    assert not {"comments", "comment_removals"} & landed(desk.load("vk")).keys()


def test_both_ways_together_equal_polling(polled: Any, desk: CallbackDesk) -> None:
    for moment in ("2026-03-08T12:00:00Z", END):
        desk.pass_time(moment)
        desk.deliver()
        desk.load("vk")
    assert comments(desk) == polled


def test_broken_connections_are_tried_again(desk: CallbackDesk) -> None:
    kinds = ("disconnect", "timeout", "truncated")
    desk.sandbox.faults([{"kind": kind, "times": 3, "path_contains": "/vk/deliver"} for kind in kinds])
    told = desk.deliver(again=True)
    assert told["failed"] == 0
    assert len(desk.kept) == told["delivered"]


@pytest.mark.parametrize("wrong", [{"secret": "guess"}, {"secret": ""}, {"confirmation": "other"}])
def test_an_address_that_does_not_confirm_itself_gets_nothing(
    wrong: dict[str, str], desk: CallbackDesk
) -> None:
    with pytest.raises(SandboxError, match="string of confirmation"):
        desk.deliver(again=True, **wrong)
    assert desk.kept == []
