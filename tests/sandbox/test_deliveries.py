"""The whole way of the sources that come by file, Open311 and Viber: what lands is what the scenario says."""

from __future__ import annotations

import copy
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import pytest
import uvicorn
import yaml
from jsonschema import Draft7Validator

from ingestion.config import Settings, load_regions, load_settings
from ingestion.events import event_log
from ingestion.inbox.app import Receiver
from ingestion.inbox.journal import Journal, entries_after, journal_path
from ingestion.inbox.serve import handlers_of
from ingestion.pipeline import ingest
from sandbox.kit import Sandbox, launch
from sandbox.scenario import ScenarioError, scenario_from
from tests.sandbox.conftest import Client, ask

SCHEMAS = Path(__file__).resolve().parents[3] / "shared" / "schemas" / "open311"
END = "2026-03-15T14:00:00Z"
MORE: dict[str, Any] = {
    "quotas": [
        {"source": "open311", "count": 40, "topic_group": {"roads": 1, "waste": 1},
         "outcome": {"solved": 3, "open": 1}},
        {"source": "files", "count": 50, "topic_group": {"roads": 1, "housing": 1},
         "outcome": {"solved": 2, "not_solved": 1, "open": 1}, "kind": {"complaint": 3, "thanks": 1}},
        {"source": "viber", "count": 20, "topic_group": {"roads": 1}, "outcome": {"answered": 3, "open": 1}},
        {"source": "pos", "count": 60, "topic_group": {"roads": 1}, "outcome": {"solved": 2,
         "explained": 1, "open": 1}},
    ],
    "surveys": [
        {"id": "s1", "title": "Мусоропровод", "from": "2026-03-03", "to": "2026-03-06", "questions": [
            {"text": "Что делать?", "options": {"заварить": {"town": 74, "north": 5},
             "оставить": {"town": 26, "north": 15}}}]},
        {"id": "s2", "title": "Парк", "from": "2026-03-12", "to": "2026-03-14", "channel": "pos",
         "territory": "town",
         "questions": [{"text": "Где?", "options": {"у реки": 3, "в центре": 1}}]},
        {"id": "s3", "title": "Будущее", "from": "2026-04-12", "to": "2026-04-14",
         "questions": [{"text": "Когда?", "options": {"завтра": 1}}]},
    ],
    "activities": [
        {"kind": "broadcast", "count": 3, "from": "2026-03-02", "to": "2026-03-09", "topic_group": "roads"},
        {"kind": "material", "count": 25, "from": "2026-03-02", "to": "2026-03-16", "territory": "town"},
        {"kind": "decision", "from": "2026-03-10", "to": "2026-03-11", "title": "Ремонт"},
    ],
}  # fmt: skip


def enriched(example: dict[str, Any], **pos: Any) -> dict[str, Any]:
    document = copy.deepcopy(example)
    document |= copy.deepcopy(MORE)
    document["review_periods"] = [{"from": "2026-03-02", "to": "2026-03-16"}]
    document["pos"] = pos
    return document


@pytest.fixture(scope="module")
def sandbox(example_text: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("deliveries")
    scenario = folder / "mine.yaml"
    scenario.write_text(yaml.safe_dump(enriched(yaml.safe_load(example_text)), allow_unicode=True), "utf-8")
    with launch(scenario, folder / "data") as running:
        yield running


def settings_for(sandbox: Sandbox, data: Path) -> Settings:
    return load_settings({**sandbox.env, "OTKLIK_DATA": str(data), "OTKLIK_AS_OF": END})


def one(data: Path, sql: str) -> Any:
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def figures(sandbox: Sandbox) -> dict[tuple[str, str], Any]:
    return {
        (row["measure"], row["slice"]): row.get("value", row.get("value_text"))
        for row in sandbox.truth["figures"]
    }


def test_what_lands_is_what_the_scenario_says(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = settings_for(sandbox, tmp_path)
    region = load_regions(settings)["mine"]
    for source in ("files", "surveys", "activities", "open311", "pos"):
        report = ingest(source, region, settings)
        assert all(tally.quarantined == 0 for tally in report.resources.values()), source
        assert ingest(source, region, settings).landed == 0
    counts = sandbox.truth["counts"]
    assert one(tmp_path, "select count(*) from raw.files_appeals") == [(50,)]
    assert one(tmp_path, "select count(*) from raw.open311_requests") == [(40,)]
    answered = counts["answered_by_source"]
    assert one(tmp_path, "select count(distinct ticket_id) from raw.files_answers") == [(answered["files"],)]
    assert one(tmp_path, "select count(*) from raw.files_answers") == [
        (counts["responses_by_source"]["files"],)
    ]
    assert one(tmp_path, "select count(*) from raw.open311_requests where status = 'closed'") == [
        (answered["open311"],)
    ]
    assert (
        dict(
            one(
                tmp_path,
                "select outcome, count(*) from raw.files_appeals where outcome is not null group by 1",
            )
        )
        == counts["outcomes_by_source"]["files"]
    )
    said = figures(sandbox)
    surveys = one(
        tmp_path, "select count(*) from (from raw.surveys_surveys union all by name from raw.pos_surveys)"
    )
    assert surveys == [(2,)]
    assert said["surveys", "all"] == 3, "the third is a poll of VK"
    share = """
        select sum(votes) filter (option = 'заварить') / sum(votes)
        from raw.surveys_options where territory = 'Мойгород'
    """
    assert (
        one(tmp_path, share)[0][0]
        == said["survey_answer_share", "territory=Мойгород;answer=заварить"]
        == 0.74
    )
    assert said["survey_answer_share", "territory=Мойгород;answer=у реки"] == 0.75
    kinds = dict(one(tmp_path, "select kind, sum(count)::int from raw.activities_activities group by 1"))
    assert kinds == {"broadcast": 3, "material": 25, "decision": 1}
    assert {said["activities", f"kind={kind}"] for kind in kinds} == {3, 25, 1}
    assert said["management_decisions", "all"] == 1


def test_viber_s_events_pass_the_inbox(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = settings_for(sandbox, tmp_path)
    regions = load_regions(settings)
    journal = Journal(journal_path(tmp_path))
    log = event_log(tmp_path)
    receiver = Receiver(
        handlers_of(settings, regions), journal, settings.now, settings.latest_believable, None, log
    )
    server = uvicorn.Server(uvicorn.Config(receiver.app(), port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        sandbox.set_now("2026-03-08T00:00:00Z")
        early = sandbox.control("POST", "viber/deliver", {"url": f"http://127.0.0.1:{port}/viber/mine"})
        ingest("viber", regions["mine"], settings)
        sandbox.set_now(END)
        late = sandbox.control("POST", "viber/deliver", {})
        assert sandbox.control("POST", "viber/deliver", {}) == {"delivered": 0, "failed": 0}
    finally:
        server.should_exit = True
        thread.join()
        journal.close()
    assert (early["failed"], late["failed"]) == (0, 0)
    assert early["delivered"]
    assert late["delivered"]
    ingest("viber", regions["mine"], settings)
    kept = sum(1 for _ in entries_after(journal_path(tmp_path), "viber", "mine", 0))
    assert kept == early["delivered"] + late["delivered"]
    # An appeal is a citizen's message after a day of silence in the chat.
    appeals = """
        select count(*) from (
            select created_at - lag(created_at) over (partition by chat_id order by created_at) as silence
            from raw.viber_messages where author_kind != 'service'
            qualify author_kind = 'citizen'
        ) where silence is null or silence >= interval 24 hours
    """
    assert one(tmp_path, appeals) == [(20,)]


@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_pos_by_export_is_pos_by_service(ending: str, example_text: str, tmp_path: Path) -> None:
    example = yaml.safe_load(example_text)
    rows = {}
    for way in ("none", ending):
        scenario = tmp_path / f"{way}.yaml"
        scenario.write_text(yaml.safe_dump(enriched(example, export=way), allow_unicode=True), "utf-8")
        with launch(scenario, tmp_path / way) as running:
            settings = settings_for(running, tmp_path / way / "w")
            ingest("pos", load_regions(settings)["mine"], settings)
        for table, columns in (
            ("pos_appeals", "* exclude (fetched_at, _dlt_load_id, text)"),
            ("pos_answers", "pos_id, answered_at, kind, ogrn, text"),
        ):
            rows[way, table] = one(tmp_path / way / "w", f"select {columns} from raw.{table} order by all")
    for table in ("pos_appeals", "pos_answers"):
        for by_service, by_export in zip(rows["none", table], rows[ending, table], strict=True):
            assert by_service == by_export
        assert rows["none", table]


def open311(client: Client, name: str, **params: Any) -> Any:
    client.clock.now += 1
    return ask(
        client.app, "GET", f"/open311/{name}", "", urlencode({"jurisdiction_id": "city.sandbox", **params})
    )


@pytest.mark.skipif(not SCHEMAS.exists(), reason="the published schemas lie beside the repository")
def test_open311_answers_fit_the_published_schemas(example: dict[str, Any], play: Any) -> None:
    client = play(scenario_from(enriched(example)))
    for name in ("services", "requests"):
        schema = json.loads((SCHEMAS / f"{name.removesuffix('s')}.json").read_text("utf-8"))
        answer = open311(client, f"{name}.json").json()
        assert answer
        for item in answer:
            Draft7Validator(schema).validate(item)


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-04-02T00:00:00Z"}, 400),
        ({"start_date": "2026-03-01"}, 400),
        ({"page_size": "0"}, 400),
        ({"jurisdiction_id": "elsewhere"}, 404),
        ({"sort": "x"}, 400),
        ({"page": "2", "page_size": "30"}, 200),
        ({"status": "open"}, 200),
    ],
)
def test_open311_is_strict(params: dict[str, str], status: int, example: dict[str, Any], play: Any) -> None:
    client = play(scenario_from(enriched(example)))
    answer = open311(client, "requests.json", **params)
    assert answer.status == status
    if "page" in params:
        assert len(answer.json()) == 10


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"surveys": [{**MORE["surveys"][0], "to": "2026-03-03"}]}, "`to` must be later than `from`"),
        ({"surveys": [MORE["surveys"][0], MORE["surveys"][0]]}, "every id must be unique"),
        ({"surveys": [{**MORE["surveys"][0], "territory": "moon"}]}, "«moon» is unknown"),
        ({"activities": [{**MORE["activities"][0], "topic_group": "joy"}]}, "«joy» is unknown"),
        ({"activities": [{**MORE["activities"][0], "to": "2026-03-02"}]}, "`to` must be later than `from`"),
    ],
)
def test_scenarios_say_what_is_wrong(changes: dict[str, Any], sentence: str, example: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError, match=sentence):
        scenario_from(enriched(example) | changes)
