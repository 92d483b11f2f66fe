"""A region's GeoJSON → outlines of its municipalities, small enough to stand in a page.

The map is drawn in Lambert's azimuthal equal-area projection around the region's middle, so that areas
compare and the far north keeps its shape; regions on both sides of 180° stay in one piece. Borders that two
municipalities share are made simpler together, so that no gap opens between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from publishing.errors import PublishError

MOST_MEGABYTES = 50
# Size of the drawing and of what is still told apart on it, in its own units; the page scales it.
SIZE = 1000
FINEST, COARSEST = 0.5, 32.0
SMALLEST_ISLAND = 2.0
MOST_CHARACTERS = 300_000
_SHAPES = ("Polygon", "MultiPolygon")


class BordersError(PublishError):
    """The region's borders cannot be drawn; the report shows tiles instead."""


@dataclass(frozen=True)
class Borders:
    """A GeoJSON file of the region's municipalities; `key` is the property that holds the territory_id."""

    path: Path
    key: str


def outlines(borders: Borders, territories: Iterable[str]) -> dict[str, Any]:
    """What a page draws: `width`, `height`, and by territory_id its path and where its label has most room.

    territories: the ids that have to be there; others in the file are left out. BordersError says in a
    sentence why the file cannot serve.
    """
    wanted = sorted(territories)
    shapes = _shapes(borders, frozenset(wanted))
    absent = [territory for territory in wanted if territory not in shapes]
    if absent:
        raise BordersError(
            f"{borders.path} has no shape whose property {borders.key!r} is {', '.join(absent[:5])}"
            + (f" or one of {len(absent) - 5} more" if len(absent) > 5 else ""),
            "name every territory_id of the registry there",
        )
    if not wanted:
        raise BordersError(f"The registry has no territory for {borders.path}", "load the registry first")
    plane = _fitted(_projected([shapes[territory] for territory in wanted]))
    # Neighbours that do not share their corners are made simpler alone: the gaps are thinner than a line.
    simplify = shapely.coverage_simplify if shapely.coverage_is_valid(plane) else shapely.simplify
    tolerance = FINEST
    while True:
        drawn = [_without_specks(shape) for shape in simplify(plane, tolerance)]
        paths = [_path(shape) for shape in drawn]
        if sum(map(len, paths)) <= MOST_CHARACTERS:
            break
        if tolerance >= COARSEST:
            raise BordersError(f"{borders.path} stays too large for a page", "leave out its smallest islands")
        tolerance *= 2
    width, height = (float(edge) for edge in shapely.total_bounds(plane)[2:])
    return {
        "width": round(width, 1),
        "height": round(height, 1),
        "shapes": {
            territory: {"path": path, "label": _label(shape)}
            for territory, path, shape in zip(wanted, paths, drawn, strict=True)
        },
    }


def _shapes(borders: Borders, wanted: frozenset[str]) -> dict[str, Any]:
    """The wanted shapes by territory_id in degrees, parts of one territory put together."""
    parts: dict[str, list[Any]] = {}
    for number, feature in enumerate(_features(borders.path), 1):
        properties = feature.get("properties") if isinstance(feature, Mapping) else None
        territory = str(properties.get(borders.key)) if isinstance(properties, Mapping) else ""
        if territory in wanted:
            parts.setdefault(territory, []).append(_shape(borders.path, territory, number, feature))
    return {territory: shapely.union_all(shapes) for territory, shapes in parts.items()}


def _features(path: Path) -> list[Any]:
    """Members of the collection in the file."""
    try:
        size = path.stat().st_size
        if size > MOST_MEGABYTES * 1_000_000:
            raise BordersError(
                f"{path} has {size // 1_000_000} MB", f"make it simpler: at most {MOST_MEGABYTES} MB are read"
            )
        content = orjson.loads(path.read_bytes())
    except OSError as error:
        raise BordersError(f"{path} cannot be read ({error.strerror})", "correct `borders.file`") from None
    except orjson.JSONDecodeError:
        raise BordersError(f"{path} is not JSON", "save the map as GeoJSON") from None
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or content.get("type") != "FeatureCollection":
        raise BordersError(f"{path} is not a GeoJSON FeatureCollection", "save the map as GeoJSON")
    return features


def _shape(path: Path, territory: str, number: int, feature: Mapping[str, Any]) -> Any:
    """The polygon of one feature, checked."""
    where = f"{path}: feature {number} ({territory})"
    geometry = feature.get("geometry")
    if not isinstance(geometry, Mapping) or geometry.get("type") not in _SHAPES:
        raise BordersError(f"{where} is no Polygon or MultiPolygon", "leave only areas in the file")
    try:
        shape = shapely.from_geojson(orjson.dumps(geometry))
    except shapely.errors.GEOSException:
        raise BordersError(f"{where} has no readable coordinates", "correct the file") from None
    if shape.is_empty or not shapely.is_valid(shape):
        reason = "it is empty" if shape.is_empty else shapely.is_valid_reason(shape)
        raise BordersError(f"{where} is no valid area: {reason}", "repair it, say with `ogr2ogr -makevalid`")
    if any(abs(edge) > most for edge, most in zip(shape.bounds, (180, 90, 180, 90), strict=True)):
        raise BordersError(f"{where} is not in degrees", "save the map in WGS 84 (EPSG:4326)")
    return shape


def _projected(shapes: list[Any]) -> list[Any]:
    """Degrees → Lambert's azimuthal equal-area plane on a sphere of radius 1, south up as screens count."""
    bounds = shapely.total_bounds(shapes)
    crosses = bounds[2] - bounds[0] > 180

    def eastward(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
        # To a centimetre: neighbours whose corners differ in the last bits still share them.
        turned = np.round(degrees, 7)
        if crosses:
            turned[:, 0] = np.where(turned[:, 0] < 0, turned[:, 0] + 360, turned[:, 0])
        return turned

    turned = [shapely.transform(shape, eastward) for shape in shapes]
    west, south, east, north = np.radians(shapely.total_bounds(turned))
    middle, parallel = (west + east) / 2, (south + north) / 2

    def flat(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
        longitude, latitude = np.radians(degrees).T
        away = longitude - middle
        cosine = np.sin(parallel) * np.sin(latitude) + np.cos(parallel) * np.cos(latitude) * np.cos(away)
        scale = np.sqrt(2 / np.maximum(1 + cosine, 1e-12))
        north_of = np.cos(parallel) * np.sin(latitude) - np.sin(parallel) * np.cos(latitude) * np.cos(away)
        return np.column_stack([scale * np.cos(latitude) * np.sin(away), -scale * north_of])

    return [shapely.transform(shape, flat) for shape in turned]


def _fitted(shapes: list[Any]) -> list[Any]:
    """The same with its corner at the origin and its longer side SIZE long."""
    west, top, east, bottom = shapely.total_bounds(shapes)
    scale = SIZE / max(east - west, bottom - top)
    corner = np.array([west, top])
    return [shapely.transform(shape, lambda points: (points - corner) * scale) for shape in shapes]


def _without_specks(shape: Any) -> Any:
    """Without islands too small to be seen; the largest part always stays."""
    parts = sorted(shapely.get_parts(shape), key=lambda part: -part.area)
    return shapely.multipolygons([part for part in parts if part is parts[0] or part.area >= SMALLEST_ISLAND])


def _path(shape: Any) -> str:
    """SVG path data with a tenth of a unit."""
    rings = [ring for part in shapely.get_parts(shape) for ring in (part.exterior, *part.interiors)]
    return "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in shapely.get_coordinates(ring)[:-1]) + "Z"
        for ring in rings
    )


def _label(shape: Any) -> list[float]:
    """x, y and radius of the largest circle inside the shape."""
    largest = max(shapely.get_parts(shape), key=lambda part: part.area)
    circle = shapely.maximum_inscribed_circle(largest, tolerance=1.0)
    (x, y), _ = shapely.get_coordinates(circle)
    return [round(float(x), 1), round(float(y), 1), round(float(shapely.length(circle)), 1)]
