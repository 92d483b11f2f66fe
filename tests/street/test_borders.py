"""A region whose file names a GeoJSON: the report of a real release draws it, and tiles otherwise."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect, sync_playwright

from ingestion.config import load_settings
from publishing.release import MANIFEST, open_release
from publishing.report.borders import Borders
from publishing.report.build import build_report
from tests.publishing.test_borders import TOWNS, country
from tests.street.conftest import Deployment, deploy

pytestmark = pytest.mark.browser
PLACES = {name: TOWNS[name] for name in ("north", "town", "south")}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The street's region with a map, run once."""
    for deployed in deploy(tmp_path_factory.mktemp("borders")):
        file = load_settings().regions / "street.yaml"
        (file.parent / "map.geojson").write_text(json.dumps(country(PLACES)), "utf-8")
        said = yaml.safe_load(file.read_text("utf-8"))
        said["borders"] = {"file": "map.geojson", "key": "id"}
        file.write_text(yaml.safe_dump(said, allow_unicode=True), "utf-8")
        deployed.first = deployed.run()
        yield deployed


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(deployment: Deployment, browser: Browser) -> Iterator[Page]:
    """The page of the release; it says no error and asks no address."""
    said: list[str] = []
    asked: list[str] = []
    page = browser.new_page(viewport={"width": 1360, "height": 900})
    page.set_default_timeout(10_000)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((deployment.shelf.current.resolve() / "report" / "index.html").as_uri())
    page.locator("footer").wait_for(state="attached")
    yield page
    page.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file://", "data:"))] == []


def test_levels_and_counts_are_those_of_the_mart_in_their_colours(deployment: Deployment, page: Page) -> None:
    page.locator("#period").select_option("2026-03")
    marks = {"red": "▲", "yellow": "◆", "green": "●"}
    colours = {"red": "rgb(179, 38, 30)", "yellow": "rgb(244, 196, 48)", "green": "rgb(28, 122, 74)"}
    stated = deployment.query(
        "select territory_id, territory_name, heat_level, appeals from marts.territories_monthly "
        "where month_start = '2026-03-01' and heat_level is not null"
    )
    assert len(stated) == page.locator("#heat path.tile").count() == 3
    for territory, name, level, appeals in stated:
        area = page.locator(f"#tile-{territory}")
        assert area.evaluate("area => getComputedStyle(area).fill") == colours[level]
        assert page.locator(f"#label-{territory} .figure").text_content() == f"{marks[level]} {appeals}"
        words = area.get_attribute("aria-label") or ""
        assert words.startswith(f"{name}: ")
        assert f"обращений {appeals}" in words
        assert area.locator("title").text_content() == words
    boxes = {territory: page.locator(f"#tile-{territory}").bounding_box() for territory, *_ in stated}
    assert boxes["north"]["y"] < boxes["town"]["y"] < boxes["south"]["y"]  # type: ignore[index]


def test_a_press_and_the_keyboard_choose_a_municipality(page: Page) -> None:
    page.locator("#tile-north").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#territory")).to_have_value("north")
    expect(page.locator("#tile-north")).to_be_focused()
    expect(page.locator("#tile-north")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#heat path.chosen")).to_have_count(1)
    page.keyboard.press(" ")
    expect(page.locator("#territory")).to_have_value("")
    page.locator("#tile-south").click()
    expect(page.locator("#territory")).to_have_value("south")
    page.locator("#heat summary").click()
    expect(page.locator("#heat tbody tr")).to_have_count(4)


def test_it_fits_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator("#heat svg.borders")).to_be_visible()
    box = page.locator("#heat svg.borders").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_map_that_cannot_be_drawn_leaves_the_tiles_and_says_why(
    deployment: Deployment, browser: Browser, tmp_path: Path
) -> None:
    content = country({name: place for name, place in TOWNS.items() if name != "south"})
    (tmp_path / "map.geojson").write_text(json.dumps(content), "utf-8")
    folder = deployment.shelf.current.resolve()
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    told: list[str] = []

    with open_release(folder) as connection:
        borders = {"street": Borders(tmp_path / "map.geojson", "id")}
        (file,) = build_report(connection, tmp_path, manifest, borders, told.append)

    assert told == [
        f"{tmp_path / 'map.geojson'} has no shape whose property 'id' is south; "
        "name every territory_id of the registry there."
    ]
    page = browser.new_page()
    page.goto(file.as_uri())
    expect(page.locator("#heat button.tile")).to_have_count(3)
    expect(page.locator("#heat svg.borders")).to_have_count(0)
    page.close()
