"""A region's GeoJSON becomes outlines: in their places, without gaps, small; or a sentence says why not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from publishing.report.borders import MOST_CHARACTERS, SIZE, Borders, BordersError, outlines

TOWNS = {"north": (46.0, 133.9), "town": (45.1, 133.2), "south": (44.2, 133.0), "east": (45.2, 136.0)}


def country(places: Mapping[str, tuple[float, float]], points: int = 40) -> dict[str, Any]:
    """A GeoJSON in which each place (latitude, longitude) has what is nearest to it, with crooked borders."""
    centres = shapely.multipoints([(longitude, latitude) for latitude, longitude in places.values()])
    cells = shapely.get_parts(shapely.voronoi_polygons(centres, extend_to=centres.envelope.buffer(0.6)))
    frame = shapely.box(*centres.envelope.buffer(0.6).bounds)

    def crooked(at: Any) -> Any:
        return at + 0.04 * np.sin(9 * at[:, ::-1]) + 0.02 * np.sin(31 * at)

    features = []
    for name, (latitude, longitude) in places.items():
        (cell,) = [cell for cell in cells if cell.contains(shapely.Point(longitude, latitude))]
        area = shapely.intersection(cell, frame)
        shape = shapely.transform(shapely.segmentize(area, 4.0 / points), crooked)
        features.append(
            {"type": "Feature", "properties": {"id": name}, "geometry": json.loads(shapely.to_geojson(shape))}
        )
    return {"type": "FeatureCollection", "features": features}


def saved(folder: Path, content: object) -> Borders:
    path = folder / "borders.geojson"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return Borders(path, "id")


def drawn(path: str) -> Any:
    """The area that path data encloses."""
    rings = [
        shapely.linearrings([[float(part) for part in point.split()] for point in ring.split("L")])
        for ring in re.findall(r"M([^Z]+)Z", path)
    ]
    return shapely.polygonize(rings)


def test_outlines_lie_as_the_places_do(tmp_path: Path) -> None:
    found = outlines(saved(tmp_path, country(TOWNS)), TOWNS)

    assert max(found["width"], found["height"]) == SIZE
    labels = {name: shape["label"] for name, shape in found["shapes"].items()}
    assert labels["north"][1] < labels["town"][1] < labels["south"][1]
    assert labels["east"][0] > labels["town"][0]
    for name, shape in found["shapes"].items():
        x, y, radius = labels[name]
        circle = shapely.Point(x, y).buffer(radius * 0.9)
        assert drawn(shape["path"]).contains(circle), name
        assert x - radius >= 0
        assert x + radius <= found["width"] + 1


def test_neighbours_keep_one_border_and_a_fine_map_becomes_small(tmp_path: Path) -> None:
    fine = country(TOWNS, points=15_000)
    borders = saved(tmp_path, fine)
    assert borders.path.stat().st_size > 3 * MOST_CHARACTERS

    found = outlines(borders, TOWNS)

    paths = {name: shape["path"] for name, shape in found["shapes"].items()}
    assert sum(map(len, paths.values())) < MOST_CHARACTERS
    areas = {name: drawn(path) for name, path in paths.items()}
    for one, other in combinations(areas, 2):
        assert areas[one].intersection(areas[other]).area < 1.0, (one, other)
    holes = shapely.union_all([area.buffer(0.1) for area in areas.values()])
    assert len(shapely.get_rings(holes)) == 1


@pytest.mark.parametrize("noise", [0.0, 1e-12, 1e-5], ids=["exact", "last bits", "metres"])
def test_corners_that_differ_in_their_last_digits_are_made_simpler_too(tmp_path: Path, noise: float) -> None:
    rng = np.random.default_rng(7)
    places = {f"t{number}": (50 + rng.random() * 8, 60 + rng.random() * 12) for number in range(30)}
    content = country(places, points=800)
    for feature in content["features"]:
        (ring,) = feature["geometry"]["coordinates"]
        moved = np.array(ring[:-1]) + noise * rng.standard_normal((len(ring) - 1, 2))
        feature["geometry"]["coordinates"] = [[*moved.tolist(), moved[0].tolist()]]
    corners = sum(len(feature["geometry"]["coordinates"][0]) for feature in content["features"])

    found = outlines(saved(tmp_path, content), places)

    drawn_corners = sum(shape["path"].count("L") for shape in found["shapes"].values())
    assert drawn_corners < corners / 4
    areas = [drawn(shape["path"]) for shape in found["shapes"].values()]
    covered = shapely.union_all([area.buffer(1.0) for area in areas])
    assert len(shapely.get_rings(covered)) == 1


def test_a_region_across_the_date_line_stays_in_one_piece(tmp_path: Path) -> None:
    def square(name: str, west: float) -> dict[str, Any]:
        area = shapely.segmentize(shapely.box(west, 64, west + 5, 68), 1.0)
        return {"properties": {"id": name}, "geometry": json.loads(shapely.to_geojson(area))}

    features = [square("anadyr", 170.0), square("egvekinot", 175.0), square("providenia", -180.0)]
    found = outlines(
        saved(tmp_path, {"type": "FeatureCollection", "features": features}),
        ["anadyr", "egvekinot", "providenia"],
    )

    x = [found["shapes"][name]["label"][0] for name in ("anadyr", "egvekinot", "providenia")]
    assert x == sorted(x)
    assert x[2] - x[0] < SIZE


def test_parts_of_one_municipality_are_one_and_others_are_left_out(tmp_path: Path) -> None:
    content = country(TOWNS)
    content["features"][3]["properties"]["id"] = "town"
    content["features"].append({"properties": {"id": "neighbour"}, "geometry": None})

    found = outlines(saved(tmp_path, content), ["north", "south", "town"])

    assert found["shapes"].keys() == {"north", "south", "town"}


def test_a_town_may_lie_on_the_district_around_it(tmp_path: Path) -> None:
    def square(name: str, half: float) -> dict[str, Any]:
        area = shapely.segmentize(shapely.box(40 - half, 55 - half, 40 + half, 55 + half), half / 4)
        return {"properties": {"id": name}, "geometry": json.loads(shapely.to_geojson(area))}

    content = {"type": "FeatureCollection", "features": [square("district", 1.0), square("town", 0.1)]}
    found = outlines(saved(tmp_path, content), ["district", "town"])

    areas = {name: drawn(shape["path"]) for name, shape in found["shapes"].items()}
    assert areas["district"].buffer(1).contains(areas["town"])
    assert areas["town"].area == pytest.approx(areas["district"].area / 100, rel=0.1)


def broken(change: str) -> object:
    content = country(TOWNS)
    first = content["features"][0]
    ring = first["geometry"]["coordinates"][0]
    if change == "renamed":
        first["properties"] = {"id": "elsewhere"}
    elif change == "line":
        first["geometry"] = {"type": "LineString", "coordinates": ring}
    elif change == "bow tie":
        first["geometry"]["coordinates"] = [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]
    elif change == "metres":
        first["geometry"]["coordinates"] = [[[x * 100_000, y * 100_000] for x, y in ring]]
    elif change == "words":
        first["geometry"]["coordinates"] = [[["a", "b"]]]
    return content


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("no json", "is not JSON; save the map as GeoJSON."),
        ({"type": "Topology"}, "is not a GeoJSON FeatureCollection"),
        (broken("renamed"), "no shape whose property 'id' is north; name every territory_id"),
        (broken("line"), r"feature 1 \(north\) is no Polygon or MultiPolygon"),
        (broken("bow tie"), r"is no valid area: Self-intersection\[0.5 0.5\]; repair it"),
        (broken("metres"), "is not in degrees; save the map in WGS 84"),
        (broken("words"), "has no readable coordinates"),
        (" " * 50_000_001, "has 50 MB; make it simpler"),
    ],
    ids=["no json", "topology", "renamed", "line", "bow tie", "metres", "words", "large"],
)
def test_a_map_that_cannot_serve_says_why(tmp_path: Path, content: object, reason: str) -> None:
    with pytest.raises(BordersError, match=reason):
        outlines(saved(tmp_path, content), TOWNS)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(BordersError, match=r"cannot be read \(No such file or directory\)"):
        outlines(Borders(tmp_path / "absent.geojson", "id"), TOWNS)
