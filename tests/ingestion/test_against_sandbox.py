"""All sources against the pretend region: what lands is what the scenario says, in slices or at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.check import check_sources
from ingestion.config import Settings, load_regions, load_settings
from ingestion.errors import ContractBroken
from ingestion.pipeline import LoadReport, ingest
from ingestion.sources import SOURCES
from sandbox.kit import Sandbox, launch

END = "2026-03-15T14:00:00Z"
SLICES = ("2026-03-08T12:00:00Z", END)

# The registry is read whole each time, so that there is nothing to compare.
GROWING = ("pos", "vk", "incident")

# The documented scenario leaves its mentions open; here most are answered.
_OPEN_MENTIONS = "form: mention, count: 8, topic_group: ecology, outcome: open"
_ANSWERED_MENTIONS = "form: mention, count: 8, topic_group: ecology, outcome: {answered: 6, open: 2}"

# Where an object stands in an export is no property of the object.
_PLACE = {"file_name", "row_number"}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    page = Path(__file__).parents[2].joinpath("docs", "scenarios.md").read_text("utf-8")
    example = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert example
    told = example[1].replace(_OPEN_MENTIONS, _ANSWERED_MENTIONS)
    assert told != example[1]
    folder = tmp_path_factory.mktemp("sandbox")
    scenario = folder / "mine.yaml"
    scenario.write_text(told, "utf-8")
    with launch(scenario, folder / "data") as running:
        yield running


def settings_for(sandbox: Sandbox, data: Path, as_of: str) -> Settings:
    return load_settings({**sandbox.env, "OTKLIK_DATA": str(data), "OTKLIK_AS_OF": as_of})


def load_all(sandbox: Sandbox, data: Path, as_of: str) -> dict[str, LoadReport]:
    sandbox.set_now(as_of)
    settings = settings_for(sandbox, data, as_of)
    region = load_regions(settings)["mine"]
    return {source: ingest(source, region, settings) for source in GROWING}


def newest(data: Path, table: Any) -> list[tuple[Any, ...]]:
    """The newest version of every object of a table, as staging sees it."""
    key = ", ".join(["region_id", *(column.name for column in table.columns if column.key)])
    shown = ", ".join(column.name for column in table.columns if column.name not in _PLACE)
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(
            f"select {shown} from raw.{table.name}"
            f" qualify row_number() over (partition by {key} order by _dlt_load_id desc) = 1 order by all"
        ).fetchall()


def test_slices_and_one_load_agree_with_each_other_and_the_truth(sandbox: Sandbox, tmp_path: Path) -> None:
    for as_of in SLICES:
        load_all(sandbox, tmp_path / "slices", as_of)
    load_all(sandbox, tmp_path / "whole", END)
    for source in GROWING:
        for table in SOURCES[source].tables:
            assert newest(tmp_path / "slices", table) == newest(tmp_path / "whole", table), table.name

    truth = sandbox.truth["counts"]
    with duckdb.connect(str(tmp_path / "whole" / "warehouse.duckdb"), read_only=True) as connection:
        landed = connection.execute(
            """
            select
                (select count(*) from raw.pos_appeals),
                (select count(*) from raw.vk_comments
                 where author_kind = 'citizen' and thread_id is null and not is_deleted)
                + (select count(*) from raw.vk_posts where author_kind = 'citizen')
                + (select count(*) from raw.vk_mentions where author_key is not null)
                + (select count(*) from raw.vk_messages where author_kind = 'citizen'),
                (select count(*) from raw.incident_appeals),
                (select count(*) from raw.quarantine where source = 'incident')
            """
        ).fetchone()
    by_source = truth["appeals_by_source"]
    expected = (by_source["pos"], by_source["vk"], by_source["incident"], truth["incident_rows_without_date"])
    assert landed == expected

    with duckdb.connect(str(tmp_path / "whole" / "warehouse.duckdb"), read_only=True) as connection:
        answered_mentions = connection.execute(
            """
            select count(distinct (comments.owner_id, comments.post_id))
            from raw.vk_comments as comments
            inner join raw.vk_mentions as mentions using (region_id, owner_id, post_id)
            where comments.author_kind = 'community' and comments.created_at > mentions.created_at
            """
        ).fetchone()
    assert answered_mentions == (6,)

    with duckdb.connect(str(tmp_path / "whole" / "warehouse.duckdb"), read_only=True) as connection:
        unanswerable = connection.execute(
            """
            select count(*) from raw.vk_messages as answers
            left join raw.vk_messages as asked
                on answers.page_id = asked.page_id and answers.chat_id = asked.chat_id
                and answers.reply_to = asked.message_id and asked.author_kind = 'citizen'
            where answers.author_kind = 'page' and answers.reply_to is not null and asked.message_id is null
            """
        ).fetchone()
        polls = connection.execute(
            """
            select question, polls.votes, text, options.votes
            from raw.vk_polls as polls inner join raw.vk_poll_options as options using (owner_id, poll_id)
            order by text
            """
        ).fetchall()
    assert unanswerable == (0,)
    question = "Где поставить площадку?"
    assert polls == [(question, 200, "В парке", 80), (question, 200, "Во дворе", 120)]


def test_a_comment_written_now_lands_at_the_next_poll(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.set_now(END)
    settings = settings_for(sandbox, tmp_path, END)
    region = load_regions(settings)["mine"]
    ingest("vk", region, settings)
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        newest_post = connection.execute(
            "select owner_id, post_id from raw.vk_posts where not is_pinned order by created_at desc"
        ).fetchone()
    assert newest_post
    sandbox.reset_requests()
    assert ingest("vk", region, settings).landed == 0
    asked = sandbox.requests()
    assert not {
        "vk execute/wall.getComments",
        "vk execute/board.getTopics",
        "vk execute/polls.getById",
    } & set(asked)
    sandbox.post_comment(*newest_post, "Когда починят фонарь? Тел. 8 912 345-67-89")
    report = ingest("vk", region, settings)
    assert report.resources["posts"].landed == 1
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        texts = connection.execute(
            "select text from raw.vk_comments where text like 'Когда починят фонарь%'"
        ).fetchall()
    assert ("Когда починят фонарь? Тел. ‹телефон›",) in texts


def test_poisoned_pages_of_the_real_servers_keep_nothing_and_heal(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = settings_for(sandbox, tmp_path, END)
    region = load_regions(settings)["mine"]
    for source, fault in (
        ("pos", {"path_contains": "/pos/", "kind": "type_flip", "field": "status_history"}),
        ("vk", {"method": "wall.getComments", "kind": "missing_key", "field": "date"}),
    ):
        sandbox.faults([fault])
        with pytest.raises(ContractBroken, match=str(fault["field"])):
            ingest(source, region, settings)
        with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
            (rows,) = connection.execute(
                f"select count(*) from raw.loads where source = '{source}'"
            ).fetchone() or (1,)
        assert rows == 0
        sandbox.faults([])
        assert ingest(source, region, settings).landed > 100


def test_sources_are_checked_without_being_read(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.set_now(END)
    settings = settings_for(sandbox, tmp_path, END)
    regions = load_regions(settings)
    found = {check.source: check for check in check_sources(settings, regions)}
    assert list(found) == list(regions["mine"].connected)
    assert all(check.usable and check.last_load is None for check in found.values()), found
    assert not (tmp_path / "warehouse.duckdb").exists()
    assert "communities" in found["vk"].sentence

    ingest("pos", regions["mine"], settings)
    later = settings_for(sandbox, tmp_path, "2026-03-15T17:30:00Z")
    named = {name: value for name, value in sandbox.env.items() if name.endswith("VK_TOKEN")}
    wrong = load_settings(
        {**sandbox.env, **dict.fromkeys(named, "wrong"), "OTKLIK_DATA": str(tmp_path), "OTKLIK_AS_OF": END}
    )
    assert {c.source: c.behind_minutes for c in check_sources(later, regions)}["pos"] == 210
    refused = {check.source: check for check in check_sources(wrong, regions)}["vk"]
    assert not refused.usable
    assert f"put a valid token into {next(iter(named))}" in refused.sentence
