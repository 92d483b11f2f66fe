"""How long the analysts' questions take: every query of docs/analyst.md on a deployment's serving.duckdb.

    python -m benchmarks.queries --data DIR [--json]

Each is asked RUNS times on one connection, as a tool would; told are the medians' 95th percentile and the
slowest ones.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import time
from pathlib import Path
from typing import Any

import duckdb

RUNS = 5
_QUESTIONS = Path(__file__).resolve().parents[1] / "docs" / "analyst.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="a deployment that has published")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    found = measure(chosen.data / "published" / "serving.duckdb")
    if chosen.json:
        print(json.dumps(found, ensure_ascii=False))
        return
    print(f"{found['questions']} questions, 95 % within {found['p95_ms']:.0f} ms")
    for query, milliseconds in found["slowest"].items():
        print(f"{milliseconds:8.0f} ms  {query}")


def measure(serving: Path) -> dict[str, Any]:
    """Milliseconds: p95_ms over the questions' medians, and the five slowest by their first line."""
    queries = re.findall(r"```sql\n(.*?)```", _QUESTIONS.read_text("utf-8"), re.DOTALL)
    medians: dict[str, float] = {}
    with duckdb.connect(str(serving), read_only=True) as connection:
        for query in queries:
            taken = []
            for _ in range(RUNS):
                begun = time.perf_counter()
                connection.execute(query).fetchall()
                taken.append(1000 * (time.perf_counter() - begun))
            medians[" ".join(query.split())[:100]] = round(statistics.median(taken), 1)
    slowest = sorted(medians.items(), key=lambda one: -one[1])
    p95 = statistics.quantiles(medians.values(), n=20, method="inclusive")[-1]
    return {"questions": len(queries), "p95_ms": round(p95, 1), "slowest": dict(slowest[:5])}


if __name__ == "__main__":
    main()
