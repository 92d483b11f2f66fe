"""How long a comment takes from the source to serving.duckdb, under Dagster with the sensor `poll` on.

    python -m benchmarks.live [--comments 12] [--json]

The demo is played and its page opened as `otklik dev` does. Then comments are posted in the sandbox's VK,
each at its own phase of the sensor's interval, and the serving copy is looked at until the comment counts.
Tells the 95th percentile, the longest, and where the seconds of a comment go.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from ingestion.clock import iso_z, parse_utc
from sandbox.kit import Sandbox, read_env

ROOT = Path(__file__).resolve().parents[1]
MUST_REACH = 60
_OTKLIK = str(Path(sys.executable).with_name("otklik"))
_PATIENCE = 300
_START = """
mutation { startSensor(sensorSelector: {repositoryLocationName: "otklik", repositoryName: "__repository__",
sensorName: "poll"}) { __typename } }
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--comments", type=int, default=12)
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="otklik-bench-", dir=chosen.folder) as folder:
        found = measure(Path(folder) / "data", chosen.comments)
    if chosen.json:
        print(json.dumps(found))
        return
    print(f"{found['comments']} comments: p95 {found['p95']:.1f} s, must be ≤ {MUST_REACH}")
    print(f"{'longest':<28} {found['longest']:6.1f} s")
    print(f"{'a look that finds nothing':<28} {found['look']:6.1f} s")
    for part, seconds in found["parts"].items():
        print(f"{part:<28} {seconds:6.1f} s")


def measure(data: Path, comments: int) -> dict[str, Any]:
    """Seconds: p95, longest, the mean of each part of the way, and the median look that finds nothing."""
    environment = {**os.environ, "OTKLIK_DATA": str(data), "OTKLIK_LANG": "en"}
    subprocess.run([_OTKLIK, "demo"], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    # the demo's clock stands: what is written now is not before its as_of, hence not yet in the figures
    as_of = parse_utc(read_env(data / "deployment.env")["OTKLIK_AS_OF"]) + timedelta(minutes=1)
    environment["OTKLIK_AS_OF"] = iso_z(as_of)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (data / "dev.log").open("w") as log:
        page = subprocess.Popen(
            [_OTKLIK, "dev", "--port", str(port)], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            _ask(f"http://127.0.0.1:{port}/graphql", _START)
            return {**_told([*_comments(data, comments)]), "look": _look_seconds(data)}
        finally:
            page.send_signal(signal.SIGTERM)
            page.wait(60)


def _comments(data: Path, comments: int) -> Any:
    """Post one after the other; the moments of each one's way, as seconds after its posting."""
    sandbox = Sandbox(read_env(data / "deployment.env")["OTKLIK_SANDBOX_URL"], data / "sandbox", {}, {})
    phases = random.Random(1)
    _wait_for(lambda: not _running(data))
    post = _newest_post(data)
    for number in range(comments):
        time.sleep(phases.uniform(0, 15))
        before, begun = _visible(data), time.time()
        sandbox.post_comment(*post, f"Снова не вывозят мусор у дома {number}, просим помочь")
        _wait_for(lambda before=before: _visible(data) > before)
        seen = time.time()
        yield {**_steps(data, begun), "visible": seen - begun}


def _told(ways: list[dict[str, float]]) -> dict[str, Any]:
    totals = [way["visible"] for way in ways]
    names = list(dict.fromkeys(name for way in ways for name in way))
    parts, last = {}, 0.0
    for name in names:
        reached = statistics.mean(way[name] for way in ways if name in way)
        parts[f"until {name}"] = round(reached - last, 1)
        last = reached
    p95 = statistics.quantiles(totals, n=20, method="inclusive")[-1] if len(totals) > 1 else totals[0]
    return {"comments": len(ways), "p95": round(p95, 1), "longest": round(max(totals), 1), "parts": parts}


def _steps(data: Path, begun: float) -> dict[str, float]:
    """Seconds after the posting at which it landed and each step of its run began, in their order."""
    found: dict[str, float] = {}
    for line in (data / "logs" / "events.jsonl").read_text("utf-8").splitlines():
        told = json.loads(line)
        at = datetime.fromisoformat(told["at"]).timestamp() - begun
        if at <= 0:
            continue
        if told["event"] == "load ended" and told.get("source") == "vk" and told.get("landed"):
            found.setdefault("landed", at)
        elif told["event"] == "step" and "landed" in found:
            found.setdefault(f"step {told['step']}", at)
    return found


def _look_seconds(data: Path) -> float:
    """What a pass of the sensor costs that starts no run, by Dagster's own books; waits for the first."""
    from dagster._core.scheduler.instigation import TickStatus

    from ingestion.config import load_settings
    from orchestration.street import dagster_instance

    settings = load_settings({**read_env(data / "deployment.env"), "OTKLIK_DATA": str(data)})
    found: list[float] = []
    quiet = "Nothing has come."

    def read_books() -> list[float]:
        with dagster_instance(settings) as instance:
            (state,) = [one for one in instance.all_instigator_state() if one.instigator_name == "poll"]
            ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id)
        found[:] = [
            tick.end_timestamp - tick.timestamp
            for tick in ticks
            if tick.status == TickStatus.SKIPPED and tick.end_timestamp and tick.skip_reason == quiet
        ]
        return found

    _wait_for(read_books)
    return round(statistics.median(found), 1)


def _newest_post(data: Path) -> tuple[int, int]:
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as connection:
        post = connection.execute(
            # a comment below a citizen's post is talk among citizens and no appeal
            """
            select owner_id, post_id from raw.vk_posts
            where author_kind = 'community' and not is_pinned
            order by created_at desc limit 1
            """
        ).fetchone()
    if post is None:
        raise SystemExit("The demo has no post to comment on.")
    return int(post[0]), int(post[1])


def _visible(data: Path) -> int:
    with duckdb.connect(str(data / "published" / "serving.duckdb"), read_only=True) as connection:
        found = connection.execute("select count(*) from facts.fct_appeals where source = 'vk'").fetchone()
    return int(found[0]) if found else 0


def _running(data: Path) -> bool:
    """Whether somebody holds the warehouse; its holder stands in the lock's file."""
    return bool((data / "warehouse.lock").read_text("utf-8").strip("\0 \n"))


def _wait_for(condition: Any) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"Nothing came in {_PATIENCE} s.")
        time.sleep(0.25)


def _ask(url: str, query: str) -> None:
    """Send a mutation as soon as the page answers."""
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - loopback
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
                told = json.load(answer)
            if told["data"]["startSensor"]["__typename"] == "Sensor":
                return
            raise OSError(told)
        except OSError as error:
            if time.monotonic() > deadline:
                raise SystemExit(f"The page does not start the sensor: {error}") from None
            time.sleep(1)


if __name__ == "__main__":
    main()
