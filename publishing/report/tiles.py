"""Territories as a map of equal tiles: north is up, east is right, nobody's is too small to be seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# A few tiles fill half of a screen, many the whole width of it.
FEW = 16
WIDTH_OVER_HEIGHT_OF_FEW, WIDTH_OVER_HEIGHT = 1.4, 2.6


@dataclass(frozen=True)
class Place:
    """A territory with its coordinates in degrees; None where the registry does not tell them."""

    territory_id: str
    latitude: float | None
    longitude: float | None


def tiles(places: Sequence[Place]) -> dict[str, tuple[int, int]]:
    """Row and column (from 1) of each territory.

    Rows are filled from the north, each from the west; territories without coordinates come last, in the
    order given.
    """
    if not places:
        return {}
    shape = WIDTH_OVER_HEIGHT_OF_FEW if len(places) <= FEW else WIDTH_OVER_HEIGHT
    columns = max(1, round(math.sqrt(len(places) * shape)))
    known = [place for place in places if place.latitude is not None and place.longitude is not None]
    known.sort(key=lambda place: (-(place.latitude or 0.0), place.longitude or 0.0, place.territory_id))
    rows = math.ceil(len(known) / columns)
    found: dict[str, tuple[int, int]] = {}
    for row in range(rows):
        # Evenly long rows, so that the last one is no lonely tile.
        inside = known[row * len(known) // rows : (row + 1) * len(known) // rows]
        inside.sort(key=lambda place: (place.longitude or 0.0, place.territory_id))
        for column, place in enumerate(inside, 1):
            found[place.territory_id] = (row + 1, column)
    rest = [place for place in places if place.territory_id not in found]
    for number, place in enumerate(rest):
        found[place.territory_id] = (rows + 1 + number // columns, 1 + number % columns)
    return found
