"""A second process receives signed Viber events on loopback while this one sends them; then all are counted.

    python -m benchmarks.inbox_load --events 20000

Sustained events a second, the slowest answers, and whether anything was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from benchmarks import KEY

_TOKEN = "bench-token"  # noqa: S105 - of nobody
_CONNECTIONS = 64
_DEADLINE_SECONDS = 300
MUST_REACH = 1000
_SERVE = """
import sys
from pathlib import Path
from ingestion.config import load_settings
from ingestion.inbox.serve import serve
serve(load_settings(), "127.0.0.1", 0, ready_file=Path(sys.argv[1]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="otklik-bench-") as folder:
        found = measure(Path(folder), chosen.events)
    if chosen.json:
        print(json.dumps(found))
        return
    print(f"{found['events']:,} events over {_CONNECTIONS} connections in {found['seconds']:.1f} s")
    print(
        f"{found['per_second']:,.0f} a second (≥ {MUST_REACH}), 99 % answered within {found['p99_ms']:.0f} ms"
    )
    print(f"answered {found['answered']:,}, in the journal {found['kept']:,}")


def measure(folder: Path, events: int) -> dict[str, float]:
    """Send, stop the receiver with SIGKILL, count what is there."""
    from ingestion.inbox.journal import entries_after, journal_path

    regions = folder / "regions"
    regions.mkdir()
    region = {
        "region_id": "bench",
        "name": "Bench",
        "time_zone": "UTC",
        "sources": {"viber": {"token_env": "BENCH_TOKEN", "page_id": "bot"}},
    }
    (regions / "bench.yaml").write_text(yaml.safe_dump(region), "utf-8")
    environment = {
        **os.environ,
        "OTKLIK_DATA": str(folder / "data"),
        "OTKLIK_REGIONS": str(regions),
        "OTKLIK_HMAC_KEY": KEY,
        "BENCH_TOKEN": _TOKEN,
    }
    ready = folder / "ready"
    process = subprocess.Popen([sys.executable, "-c", _SERVE, str(ready)], env=environment)
    try:
        deadline = time.monotonic() + 60
        while not (ready.exists() and ready.read_text()):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("the receiver did not start")
            time.sleep(0.02)
        port = int(ready.read_text().rpartition(":")[2])
        requests = [_request(number) for number in range(events)]
        begun = time.perf_counter()
        times = asyncio.run(asyncio.wait_for(_send(port, requests), _DEADLINE_SECONDS))
        seconds = time.perf_counter() - begun
    finally:
        process.kill()
        process.wait()
    kept = sum(1 for _ in entries_after(journal_path(folder / "data"), "viber", "bench", 0))
    if kept != events:
        raise SystemExit(f"{events - kept} of {events} events were lost")
    return {
        "events": events,
        "seconds": round(seconds, 2),
        "per_second": round(events / seconds),
        "p99_ms": round(sorted(times)[int(len(times) * 0.99)] * 1000, 1),
        "answered": len(times),
        "kept": kept,
    }


def _request(number: int) -> bytes:
    event = {
        "event": "message",
        "timestamp": int(time.time() * 1000),
        "message_token": 4_912_661_846_655_238_145 + number,
        "sender": {"id": f"person-{number % 5000}", "name": "Иван"},
        "message": {"type": "text", "text": f"Яма у дома {number % 200}, звоните +7 912 345-67-89"},
    }
    body = json.dumps(event, ensure_ascii=False).encode()
    signature = hmac.new(_TOKEN.encode(), body, hashlib.sha256).hexdigest()
    head = (
        "POST /viber/bench HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"x-viber-content-signature: {signature}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _send(port: int, requests: list[bytes]) -> list[float]:
    """Seconds until each answer; anything but 200 ends the measurement."""
    times: list[float] = []
    waiting = iter(requests)

    async def sender() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in waiting:
            begun = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"refused: {head[:60]!r}")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            await reader.readexactly(int(length.partition(b":")[2]))
            times.append(time.perf_counter() - begun)
        writer.close()

    await asyncio.gather(*(sender() for _ in range(_CONNECTIONS)))
    return times


if __name__ == "__main__":
    main()
