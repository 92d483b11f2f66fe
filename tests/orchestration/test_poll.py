"""A look whether anything has come: what it finds waits in raw; where it finds nothing it writes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.config import Settings, load_settings
from ingestion.errors import Busy
from ingestion.lock import warehouse_lock
from orchestration.poll import Polled, poll, unpublished
from publishing.confirmed import confirm
from publishing.release import Shelf, point_current, write_manifest
from sandbox.kit import Sandbox, launch

REGION = Path(__file__).parents[2] / "sandbox" / "scenarios" / "every-channel.yaml"
CITIZEN = 9_000_001


@dataclass
class Watched:
    """A pretend region that is looked at."""

    settings: Settings
    sandbox: Sandbox

    def look(self) -> Polled:
        return poll(self.settings)

    def count(self, table: str) -> int:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            (rows,) = connection.execute(f"select count(*) from raw.{table}").fetchone() or (0,)
        return int(rows)

    def marks(self) -> list[dict[str, Any]]:
        """How far each source was read."""
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            told = connection.execute(
                "select region_id, source, max(load_seq) from raw.loads group by all"
            ).fetchall()
        return [{"region_id": region, "source": source, "load_seq": seq} for region, source, seq in told]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    data = tmp_path_factory.mktemp("watched")
    with launch(REGION, data) as sandbox:
        yield Watched(load_settings({**sandbox.env, "OTKLIK_DATA": str(data)}), sandbox)


def test_what_has_come_is_landed_and_makes_a_run_due(watched: Watched) -> None:
    first = watched.look()
    assert first.landed > 0
    assert first.failures == []
    assert first.due == f"{first.landed} rows have come."

    # nothing has come since, but nothing has been published either
    loads, steps = watched.count("loads"), watched.count("_dlt_loads")
    second = watched.look()
    assert second == Polled(0, [], "Nothing has been published yet.")
    assert (watched.count("loads"), watched.count("_dlt_loads")) == (loads, steps)

    watched.sandbox.post_message("max", "Снова нет воды, просим помочь", chat=CITIZEN)
    third = watched.look()
    assert third.landed == 1


def test_rows_that_a_run_did_not_publish_are_not_forgotten(watched: Watched) -> None:
    watched.look()
    marks = watched.marks()
    assert unpublished(watched.settings, {"watermarks": marks}) == 0
    vk_missing = [mark for mark in marks if mark["source"] != "vk"]
    assert unpublished(watched.settings, {"watermarks": vk_missing}) == watched_rows(watched, "vk")


def test_a_run_that_published_nothing_new_is_not_followed_by_another(watched: Watched) -> None:
    """Rows that change no figure, and figures that still hold, would start one run after the other."""
    watched.look()
    shelf = Shelf(watched.settings.data / "published")
    now = watched.settings.now()
    folder = shelf.releases / "r1"
    folder.mkdir(parents=True)
    old = {"id": "r1", "as_of": f"{(now - timedelta(days=2)).isoformat()}Z", "erasures": 0, "watermarks": []}
    write_manifest(folder, old)
    point_current(shelf, "r1")
    assert "minutes old" in watched.look().due
    confirm(shelf, "r1", {"as_of": f"{now.isoformat()}Z", "watermarks": []})
    assert watched.look().due.endswith("rows wait in raw.")
    confirm(shelf, "r1", {"as_of": f"{now.isoformat()}Z", "watermarks": watched.marks()})
    assert watched.look().due == ""
    # What another release was confirmed by says nothing of this one.
    confirm(shelf, "r0", {"as_of": f"{now.isoformat()}Z", "watermarks": watched.marks()})
    assert "minutes old" in watched.look().due


def watched_rows(watched: Watched, source: str) -> int:
    with duckdb.connect(str(watched.settings.warehouse), read_only=True) as connection:
        query = "select sum(landed + quarantined) from raw.loads where source = ?"
        (rows,) = connection.execute(query, [source]).fetchone() or (0,)
    return int(rows)


def test_a_source_that_fails_makes_a_run_due_and_keeps_none_of_the_others_waiting(watched: Watched) -> None:
    watched.look()
    watched.sandbox.post_message("max", "И света на лестнице нет", chat=CITIZEN)
    environment = {**watched.sandbox.env, "OTKLIK_STREET_POS_TOKEN": "wrong"}
    found = poll(load_settings({**environment, "OTKLIK_DATA": str(watched.settings.data)}))
    assert found.landed == 1
    (failure,) = found.failures
    assert found.due == failure


def test_nobody_is_disturbed_who_writes(watched: Watched) -> None:
    with warehouse_lock(watched.settings, "a run"), pytest.raises(Busy, match="a run"):
        watched.look()
