"""The whole street: real HTTP in, audited release out. Tests of one deployment that has run once."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from ingestion.config import load_settings
from ingestion.lock import warehouse_lock
from ingestion.sources import SOURCES
from orchestration.dbt_manifest import DBT_MANIFEST
from orchestration.operations import list_releases, read_status, run_query
from publishing.catalogue import published_tables
from publishing.release import Provenance, build_candidate, point_current, put_in_place, record_audit, retire
from publishing.serving import build_serving
from tests.street.conftest import Deployment

DOCS = Path(__file__).parents[2] / "docs"
PERSONAL = ("900 000-", "900000", "@example.org", "[id")


def test_every_figure_of_the_truth_comes_out(deployment: Deployment) -> None:
    outcome = deployment.first

    assert outcome is not None
    assert outcome.failures == []
    assert outcome.is_new
    found = {
        (str(since), str(until), measure, slice_): (value, text)
        for since, until, measure, slice_, value, text in deployment.query(
            "select period_from, period_to, measure, slice, value, value_text from marts.year_review"
        )
    }
    figures = deployment.sandbox.truth["figures"]
    assert len(figures) > 40
    for figure in figures:
        key = (figure["period_from"], figure["period_to"], figure["measure"], figure["slice"])
        value, text = found.get(key, (0, None))  # a slice nobody wrote in has no row
        if "value_text" in figure:
            assert text == figure["value_text"], figure
        else:
            assert value == pytest.approx(figure["value"], rel=1e-9), figure


def test_the_facts_hold_what_the_truth_counts(deployment: Deployment) -> None:
    counts = deployment.sandbox.truth["counts"]
    by_day = deployment.query(
        "select local_date, count(*) from facts.fct_appeals where is_countable group by local_date"
    )
    by_territory = deployment.query(
        "select coalesce(territory_id, 'unknown'), count(*) from facts.fct_appeals "
        "where is_countable group by all"
    )
    responses = deployment.query("select source, count(*) from facts.fct_responses group by source")

    assert {str(day): count for day, count in by_day} == counts["appeals_by_local_day"]
    assert dict(by_territory) == {k: v for k, v in counts["appeals_by_territory"].items() if v}
    assert dict(responses) == counts["responses_by_source"]
    interim = "select count(*) from facts.fct_responses where source = 'incident' and is_interim"
    assert deployment.query(interim) == [(counts["incident_interim_responses"],)]
    assert counts["incident_interim_responses"] > 0
    kinds = deployment.query(
        "select distinct authority_kind from facts.fct_responses where source = 'incident'"
    )
    assert {("commercial",), ("municipality",)} <= set(kinds)


def test_rows_without_a_date_are_in_quarantine_and_counted(deployment: Deployment) -> None:
    rows = deployment.warehouse("select reason, count(*) from raw.quarantine group by reason")
    assert dict(rows) == {"no registration date": 4}


def test_nothing_personal_is_published(deployment: Deployment) -> None:
    for path in deployment.shelf.current.resolve().rglob("*"):
        if path.is_file():
            content = path.read_bytes().decode("latin-1")
            assert not any(mark in content for mark in PERSONAL), path
    columns = deployment.query("select distinct column_name from information_schema.columns")
    assert not {"author_key", "age_group", "text"} & {name for (name,) in columns}


def test_the_manifest_says_where_the_release_comes_from(deployment: Deployment) -> None:
    manifest = deployment.shelf.current_manifest()

    assert manifest is not None
    assert manifest["as_of"] == "2026-03-29T14:00:00Z"
    assert {mark["source"] for mark in manifest["watermarks"]} == set(SOURCES)
    assert {"gate", "audit", "dbt_facts", "dbt_marts"} <= manifest["checks"].keys()
    assert all(check["passed"] for check in manifest["checks"]["audit"])
    rows = {path: table["rows"] for path, table in manifest["tables"].items()}
    assert rows["facts/fct_appeals"] == deployment.query("select count(*) from facts.fct_appeals")[0][0]


def test_the_log_of_events_tells_the_whole_run(deployment: Deployment) -> None:
    outcome = deployment.first
    assert outcome is not None
    log = deployment.data / "logs" / "events.jsonl"
    told = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    run = [line for line in told if line.get("run") == outcome.run_id]
    steps = [line["step"] for line in run if line["event"] == "step" and line["step"] != "read"]
    assert steps == ["facts", "gate", "marts", "candidate", "audit", "report", "release"]
    assert {line["source"] for line in run if line["event"] == "load ended"} == set(SOURCES)
    assert {line["release"] for line in run if line["event"] == "released"} == {outcome.release_id}
    assert {line["api"] for line in run if line["event"] == "request"} >= {"ПОС", "VK"}


def test_every_documented_query_answers(deployment: Deployment) -> None:
    queries = re.findall(r"```sql\n(.*?)```", (DOCS / "analyst.md").read_text("utf-8"), re.DOTALL)
    assert len(queries) >= 20
    for query in queries:
        assert deployment.query(query), query


def test_every_column_explains_itself_and_marts_in_russian(deployment: Deployment) -> None:
    commented = "select schema_name || '.' || table_name || '.' || column_name, comment from duckdb_columns()"
    found = dict(deployment.query(f"{commented} where not internal"))

    assert len(found) > 400
    assert [name for name, comment in found.items() if not comment] == []
    bare = [name for name, comment in found.items() if name.startswith("marts.") and not _russian(comment)]
    assert bare == []
    tables = deployment.query(
        "select table_name from duckdb_tables() where comment is null and not internal "
        "union all select view_name from duckdb_views() where comment is null and not internal"
    )
    assert tables == []


def _russian(comment: str) -> bool:
    """Whether the label, which ends with the first full stop, is Russian."""
    return bool(re.search("[А-Яа-яЁё]", comment.partition(". ")[0]))


@pytest.mark.scenario
def test_a_week_read_again_changes_nothing_and_moves_no_cursor(deployment: Deployment) -> None:
    before = deployment.files()
    state = "select version_hash from raw._dlt_pipeline_state where pipeline_name = 'otklik_pos_street'"
    cursors = deployment.warehouse(state + " order by version desc limit 1")

    outcome = deployment.run(days=(date(2026, 3, 9), date(2026, 3, 16)))

    assert outcome.failures == []
    assert deployment.changes(before) == []
    assert deployment.warehouse(state + " order by version desc limit 1") == cursors
    windows = deployment.warehouse(
        "select distinct window_since, window_until from raw.loads where mode = 'window'"
    )
    assert windows == [(datetime(2026, 3, 9), datetime(2026, 3, 16))]


@pytest.mark.scenario
def test_an_identity_broken_by_hand_is_refused_and_a_rebuild_gives_the_same_bytes(
    deployment: Deployment,
) -> None:
    before, files = deployment.shelf.current_manifest(), deployment.files()
    deployment.warehouse(
        "delete from marts.channels_daily where channel = 'pos' and local_date = '2026-03-11'"
    )

    refused = deployment.run(sources=("registry",))

    assert any("channels_add_up_to_the_total" in sentence for sentence in refused.failures)
    assert deployment.shelf.current_manifest() == before
    rebuilt = deployment.run(sources=("registry",), full_refresh=True)
    assert rebuilt.failures == []
    assert deployment.changes(files) == []
    assert not rebuilt.is_new


@pytest.mark.scenario
def test_a_gate_that_refuses_stops_the_release(deployment: Deployment) -> None:
    before = deployment.shelf.current_manifest()

    outcome = deployment.run(as_of="2026-03-10T00:00:00", sources=("incident",))

    assert any("no_appeal_from_the_future" in sentence for sentence in outcome.failures), outcome
    assert deployment.shelf.current_manifest() == before


@pytest.mark.parametrize("kind", ["type_flip", "missing_key"])
def test_a_poisoned_page_publishes_nothing_and_says_why(deployment: Deployment, kind: str) -> None:
    before = deployment.shelf.current_manifest()
    landed = deployment.warehouse("select count(*), max(updated_at) from raw.pos_appeals")
    deployment.sandbox.faults(
        [{"kind": kind, "path_contains": "/pos/", "field": "registered_at", "times": 9}]
    )

    outcome = deployment.run(sources=("pos",))

    deployment.sandbox.faults([])
    assert len(outcome.failures) == 1
    assert "registered_at" in outcome.failures[0]
    assert deployment.shelf.current_manifest() == before
    assert deployment.warehouse("select count(*), max(updated_at) from raw.pos_appeals") == landed


def test_a_wrong_token_is_one_sentence(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    before = deployment.shelf.current_manifest()
    monkeypatch.setenv("OTKLIK_STREET_POS_TOKEN", "not-the-token")

    outcome = deployment.run(sources=("pos",))

    assert len(outcome.failures) == 1
    assert "token" in outcome.failures[0]
    assert "not-the-token" not in outcome.failures[0]
    assert deployment.shelf.current_manifest() == before


def test_an_unreadable_workbook_is_one_sentence(deployment: Deployment) -> None:
    before = deployment.shelf.current_manifest()
    broken = deployment.sandbox.folder / "incident" / "street" / "broken.xlsx"
    broken.write_bytes(b"this is no workbook")

    outcome = deployment.run(sources=("incident",))

    broken.unlink()
    assert len(outcome.failures) == 1
    assert "broken.xlsx" in outcome.failures[0]
    assert deployment.shelf.current_manifest() == before


def test_a_second_start_says_who_holds_the_warehouse(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.defs.resources.LOCK_WAIT_SECONDS", 0)
    with warehouse_lock(load_settings(), "a test"):
        outcome = deployment.run()

    assert len(outcome.failures) == 1
    assert "a test (pid" in outcome.failures[0]


def test_the_next_good_run_heals_and_the_same_input_gives_the_same_bytes(deployment: Deployment) -> None:
    before = deployment.files()

    outcome = deployment.run()

    assert outcome.failures == []
    assert deployment.changes(before) == []
    assert not outcome.is_new
    # What nothing came for was not built again, and its checks are told all the same.
    notes = [
        json.loads((deployment.data / "quality" / run_id / "dbt_facts.json").read_text("utf-8"))
        for run_id in (deployment.first.run_id, outcome.run_id)
    ]
    first, again = ({check["name"]: check["status"] for check in one} for one in notes)
    assert again == first
    ((known,),) = deployment.warehouse("select finished from facts.standing_build")
    taken = {node["name"]: node["seconds"] for node in json.loads(known)}
    assert taken.keys() > {"fct_appeals", "stg_pos__appeals", "topics"}


READER = """
import sys, duckdb
held = duckdb.connect(sys.argv[1], read_only=True)
question = "select count(*), sum(appeals) from marts.territories_daily"
expected = held.execute(question).fetchone()
print("ready", flush=True)
reads = 0
while not sys.stdin.closed:
    assert held.execute(question).fetchone() == expected
    assert held.execute("select count(*) from facts.fct_appeals").fetchone()[0] > 0
    reads += 1
    if reads % 20 == 0:
        print(reads, flush=True)
"""


@pytest.mark.scenario
def test_ten_releases_while_a_reader_queries(deployment: Deployment) -> None:
    tables = published_tables(DBT_MANIFEST)
    shelf = deployment.shelf
    first = shelf.current_manifest()
    assert first is not None
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(shelf.serving)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "ready\n"
    inodes = set()
    try:
        for hour in range(1, 11):
            as_of = datetime(2026, 3, 29, 14) + timedelta(hours=hour)
            deployment.warehouse("update marts.year_review set value = value + 1 where measure = 'appeals'")
            provenance = Provenance(as_of, first["git_commit"], first["fingerprint"])
            build_candidate(deployment.data / "warehouse.duckdb", shelf, tables, provenance)
            record_audit(shelf, [])
            manifest, is_new = put_in_place(shelf)
            build_serving(shelf, manifest, tables)
            point_current(shelf, manifest["id"])
            assert is_new
            with duckdb.connect(str(shelf.serving), read_only=True) as fresh:
                assert fresh.execute("select release_id from release.info").fetchall() == [(manifest["id"],)]
            assert int(reader.stdout.readline()) > 0  # it went on reading, on the file it had opened
            inodes.add(_facts_inode(shelf.current))
        assert reader.poll() is None
    finally:
        reader.kill()
        reader.communicate()

    assert len(shelf.release_ids()) >= 11
    assert len(inodes) == 1  # an unchanged partition is linked, not written again
    assert len(retire(shelf, keep=3)) >= 7
    current = shelf.current_manifest()
    assert current is not None
    assert current["id"] in shelf.release_ids()


def test_a_release_can_be_asked_by_its_id(deployment: Deployment) -> None:
    listed = list_releases(load_settings())
    oldest = listed[-1]
    _, rows = run_query(load_settings(), "select sum(appeals) from marts.channels_daily", oldest["id"])
    status = read_status(load_settings())

    assert [item["current"] for item in listed] == [True, *[False] * (len(listed) - 1)]
    assert rows == deployment.query("select sum(appeals) from marts.channels_daily")
    assert {source.source for source in status.sources} == set(SOURCES)
    assert status.quarantine[0]["rows"] == 4
    assert json.dumps(status.as_dict(), default=str)


def _facts_inode(release: Path) -> int:
    return (release / "facts/fct_appeals/region_id=street/month=2026-03.parquet").stat().st_ino
