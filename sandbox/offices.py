"""Short ways to say many like things in a scenario: an office per territory, institutions by the thousand.

`offices: {first_id, …}` gives every territory an authority `adm-<territory>` with a page; the other keys go
to the pages. `institutions: {count, first_id, …}` gives schools, clinics and libraries in turn over the
territories, each with a page on which nobody writes. A survey with a `count` stands for so many, begun evenly
over its span. What the scenario lists itself comes first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

_THEMES = ("двор", "парк", "остановка", "площадка", "освещение", "маршрут", "каток", "библиотека")
_KINDS = ("Школа", "Детский сад", "Библиотека", "Поликлиника", "Дом культуры", "Спортивная школа")


def expanded(document: dict[str, Any]) -> dict[str, Any]:
    """The document with `offices` and `institutions` written out as authorities and pages."""
    document = dict(document)
    offices, institutions = document.pop("offices", None), document.pop("institutions", None)
    territories = document.get("territories") or []
    authorities, pages = list(document.get("authorities") or []), list(document.get("pages") or [])
    if offices:
        given = dict(offices)
        first, per_head = int(given.pop("first_id")), float(given.pop("members_share", 0.1))
        for n, place in enumerate(territories):
            authority = f"adm-{place['id']}"
            name = f"Администрация: {place['name']}"
            authorities.append(
                {
                    "id": authority,
                    "name": name,
                    "kind": "municipality",
                    "level": "municipal",
                    "territory": place["id"],
                }
            )
            pages.append(
                {
                    "id": first + n,
                    "screen_name": f"adm_{place['id']}".replace("-", "_"),
                    "name": f"{place['name']}. Официально",
                    "authority": authority,
                    "members": round(place["population"] * per_head),
                    "weight": max(1, round(place["population"] / 10_000)),
                    **given,
                }
            )
    if institutions:
        given = dict(institutions)
        count, first = int(given.pop("count")), int(given.pop("first_id"))
        for n in range(count):
            place = territories[n % len(territories)]
            kind, number = _KINDS[n % len(_KINDS)], n // len(_KINDS) + 1
            name = f"{kind} № {number}, {place['name']}"
            authorities.append(
                {
                    "id": f"institution-{n + 1}",
                    "name": name,
                    "kind": "institution",
                    "level": "institution",
                    "territory": place["id"],
                }
            )
            pages.append(
                {
                    "id": first + n,
                    "screen_name": f"institution_{first + n}",
                    "name": name,
                    "authority": f"institution-{n + 1}",
                    "weight": 0,
                    "stats": False,
                    **given,
                }
            )
    if document.get("surveys"):
        document["surveys"] = [one for survey in document["surveys"] for one in _surveys(survey)]
    return {**document, "authorities": authorities, "pages": pages}


def _surveys(survey: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The survey itself, or the many that it stands for; each lasts two weeks and asks one question."""
    survey = dict(survey)
    count = survey.pop("count", None)
    if count is None:
        yield survey
        return
    since, until = survey.pop("from"), survey.pop("to")
    for n in range(count):
        begins = since + (until - since) * n // count
        theme = _THEMES[n % len(_THEMES)]
        yield {
            "id": f"survey-{since:%Y}-{n + 1}",
            "title": f"Опрос № {n + 1}: {theme}",
            "from": begins,
            "to": begins + dt.timedelta(days=14),
            "questions": [
                {
                    "text": f"Нужно ли обновить: {theme}?",
                    "options": {"Да": 300 + 37 * n % 500, "Нет": 100 + 53 * n % 300, "Всё равно": 40 + n},
                }
            ],
            **survey,
        }
