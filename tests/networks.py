"""A small region that lives in OK, Telegram and MAX: the documented example with their pages and bots."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import yaml

NETWORKS = ("ok", "telegram", "max")
_PAGES = [
    {"screen_name": "moygorod", "name": "Мойгород", "authority": "adm-town", "members": 4000, "weight": 3},
    {"screen_name": "kray_official", "name": "Правительство края", "authority": "government", "members": 900},
    {
        "screen_name": "sever",
        "name": "Северный район",
        "authority": "adm-north",
        "members": 70,
        "state": "closed",
    },
    {"screen_name": "arhiv", "name": "Архив", "authority": "archive", "members": 7, "state": "deleted"},
]


def document(**more: Any) -> dict[str, Any]:
    """The scenario as a document; a fresh one at each call. `more` replaces top-level keys."""
    page = (Path(__file__).parents[1] / "docs" / "scenarios.md").read_text("utf-8")
    example = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert example, "docs/scenarios.md must show one whole scenario"
    scenario: dict[str, Any] = yaml.safe_load(example[1])
    for number, network in enumerate(NETWORKS, 1):
        for place, one in enumerate(_PAGES):
            name = f"{network}_{one['screen_name']}"
            scenario["pages"].append(
                {**one, "id": 240_000_000 + number * 100 + place, "network": network, "screen_name": name}
            )
        scenario["defaults"][network] = {"outcome": {"answered": 3, "open": 1}, "interim_share": 0.3}
        scenario["quotas"].append({"source": network, "count": 60, "topic_group": {"roads": 1, "gas": 1}})
        extras = {"deleted_messages": 3, "page_comments": 2, "edited_share": 0.2, "reply_share": 1.2}
        scenario[network] = {**extras, "requests_per_second": 900}
    for network in ("telegram", "max"):
        bot = {"source": network, "form": "bot", "count": 25, "topic_group": "housing"}
        scenario["quotas"].append({**bot, "mean_first_answer_minutes": 300})
    scenario["shape"]["daily_cap"] = 100
    return copy.deepcopy(scenario | more)
