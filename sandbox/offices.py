"""Short ways to say many like things in a scenario: an office per territory, institutions by the thousand.

`offices: {first_id, …}` gives every territory an authority `adm-<territory>` with a page; the other keys go
to the pages. `institutions: {count, first_id, …}` gives schools, clinics and libraries in turn over the
territories, each with a page on which nobody writes. What the scenario lists itself comes first.
"""

from __future__ import annotations

from typing import Any

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
    return {**document, "authorities": authorities, "pages": pages}
