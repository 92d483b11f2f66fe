"""How long a poll of 3,000 VK communities takes at 3 requests a second: python -m benchmarks.vk_polling

The sandbox enforces the limit and counts the requests. The first load (not measured) reads all walls; then
comments are written, and the poll that finds them is timed. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

AS_OF = "2026-03-08T14:00:00Z"


def scenario(communities: int) -> dict[str, Any]:
    """A region of one town whose communities publish a post every other day."""
    return {
        "scenario": "polling",
        "seed": 11,
        "region": {
            "region_id": "polling",
            "name": "Край",
            "code": "97",
            "time_zone": "Asia/Vladivostok",
            "opened_on": "2026-03-02",
        },
        "period": {"from": "2026-03-02", "to": "2026-03-09"},
        "as_of": AS_OF,
        "heat_rule": {
            "method": "quantile",
            "measure": "rate",
            "minimum": 2,
            "red_share": 0.2,
            "yellow_share": 0.4,
        },
        "shape": {"daily_cap": 2000, "hour": [1] * 24},
        "vk": {"token_kind": "service"},
        "territories": [
            {
                "id": "town",
                "name": "Город",
                "kind": "городской округ",
                "population": 500000,
                "latitude": 43.1,
                "longitude": 131.9,
            }
        ],
        "pages": [
            {
                "id": 240000001 + n,
                "screen_name": f"page{n}",
                "name": f"Страница {n}",
                "members": 1000,
                "posts_per_week": 3,
                "stats": False,
            }
            for n in range(communities)
        ],
        "quotas": [
            {
                "source": "vk",
                "count": communities // 3,
                "topic_group": "roads",
                "outcome": {"answered": 1, "open": 1},
            }
        ],
    }


def measure(communities: int, comments: int) -> dict[str, Any]:
    """Seconds and requests of the poll that finds `comments` new ones, and of one that finds nothing."""
    import duckdb

    from ingestion.config import load_regions, load_settings
    from ingestion.pipeline import ingest
    from sandbox.kit import launch

    with tempfile.TemporaryDirectory(prefix="polling-") as folder:
        file = Path(folder) / "polling.yaml"
        file.write_text(yaml.safe_dump(scenario(communities), allow_unicode=True), "utf-8")
        with launch(file, Path(folder) / "data") as sandbox:
            settings = load_settings({**sandbox.env, "OTKLIK_DATA": str(Path(folder) / "data")})
            region = load_regions(settings)["polling"]
            ingest("vk", region, settings)
            with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
                posts = connection.execute(
                    "select distinct owner_id, post_id from raw.vk_posts where not is_pinned"
                    " order by hash(owner_id, post_id) limit ?",
                    [comments],
                ).fetchall()
            for owner, post in posts:
                sandbox.post_comment(owner, post, "Когда уберут снег у дома?")
            results: dict[str, Any] = {"communities": communities, "new_comments": len(posts)}
            for name in ("poll", "idle_poll"):
                sandbox.reset_requests()
                started = time.perf_counter()
                report = ingest("vk", region, settings)
                seconds = round(time.perf_counter() - started, 1)
                asked = sum(
                    n for method, n in sandbox.requests().items() if not method.startswith("vk execute/")
                )
                landed = report.resources["comments"].landed
                results[name] = {"seconds": seconds, "requests": asked, "comments_landed": landed}
            return results


def main() -> int:
    """Print the figures; exit code 1 when new comments were not found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--communities", type=int, default=3000)
    parser.add_argument("--comments", type=int, default=500)
    arguments = parser.parse_args()
    results = measure(arguments.communities, arguments.comments)
    print(json.dumps(results, indent=1))
    return 0 if results["poll"]["comments_landed"] >= results["new_comments"] else 1


if __name__ == "__main__":
    sys.exit(main())
