"""The log of events: whole lines that say which run, source and request they are about, and nothing more."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.responses import Response

from ingestion.errors import IngestionError
from ingestion.events import event_log
from ingestion.pipeline import ingest
from tests.ingestion.support import TOKEN, Deployment, Server
from tests.ingestion.test_pos import Pos, appeal


@pytest.fixture
def pos(server: Server, deployment: Deployment) -> Pos:
    deployment.sources["pos"] = {"base_url": server.url, "token_env": "OTKLIK_TEST_TOKEN", "page_size": 2}
    return Pos(server, [appeal(n) for n in range(1, 4)])


def lines(data: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (data / "logs" / "events.jsonl").read_bytes().splitlines()]


def test_a_load_tells_its_requests_and_its_end(pos: Pos, deployment: Deployment) -> None:
    report = ingest("pos", deployment.region, deployment.settings, run_id="r-1")
    told = lines(deployment.settings.data)
    assert {(line["run"], line["region"], line["source"]) for line in told} == {("r-1", "test", "pos")}
    requests = [line for line in told if line["event"] == "request"]
    assert [line["request"] for line in requests] == list(range(1, len(requests) + 1))
    assert {(line["verb"], line["method"], line["status"]) for line in requests} == {("GET", "appeals", 200)}
    assert len({line["client"] for line in requests}) == 1
    end = told[-1]
    assert (end["event"], end["load"], end["landed"]) == ("load ended", report.load_id, report.landed)
    assert end["requests"] == len(requests) > 0


def test_a_load_that_fails_says_why(pos: Pos, server: Server, deployment: Deployment) -> None:
    server.answer = lambda request, form: Response("out of order", 503)
    with pytest.raises(IngestionError) as failed:
        ingest("pos", deployment.region, deployment.settings)
    told = lines(deployment.settings.data)
    assert {line["status"] for line in told if line["event"] == "request"} == {503}
    assert (told[-1]["level"], told[-1]["kind"]) == ("error", "SourceDown")
    assert told[-1]["said"] == str(failed.value)
    assert TOKEN not in (deployment.settings.data / "logs" / "events.jsonl").read_text("utf-8")


def test_lines_of_many_writers_stay_whole(tmp_path: Path) -> None:
    def write(name: str) -> None:
        log = event_log(tmp_path, run=name)
        for n in range(200):
            log.info("step", n=n, text="я" * 500)

    writers = [threading.Thread(target=write, args=(f"{n}",)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted((line["run"], line["n"]) for line in lines(tmp_path)) == sorted(
        (f"{n}", k) for n in range(4) for k in range(200)
    )


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file stands where the folder should be")
    event_log(tmp_path).info("step", step="read")
