"""The report of a real release in headless Chromium: what it shows is what a query on the marts gives."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from ingestion.config import load_settings
from orchestration.catalogue import build_catalogue
from publishing.parts import sha256_of
from publishing.release import MANIFEST, open_release
from publishing.report.build import build_report
from tests.street.conftest import Deployment

pytestmark = pytest.mark.browser

HOSTILE = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
SECTIONS = (
    *("heat", "over-time", "signals", "topics", "answer-times", "backlog", "channels", "month-topics"),
    *("authorities", "episodes", "gospublics", "surveys", "review", "quality"),
)


@dataclass
class Opened:
    """A page that was opened from its file, with what it said and asked for."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def number(self, card: str) -> str:
        """The figure of a card as it is written."""
        return self.page.locator(f"#card-{card} .value").inner_text()

    def choose(self, **choices: str) -> None:
        for name, value in choices.items():
            self.page.locator(f"#{name}").select_option(value)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    assert found, "These tests need Chromium: `apt-get install --no-install-recommends chromium`."
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go: $OTKLIK_SCREENSHOTS, or pytest's own folder."""
    folder = Path(os.environ.get("OTKLIK_SCREENSHOTS") or tmp_path_factory.mktemp("pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def show(
    browser: Browser, file: Path, width: int = 1360, height: int = 900, wait_for: str = "footer"
) -> Opened:
    """Open a page from its file."""
    opened = Opened(browser.new_page(viewport={"width": width, "height": height}))
    opened.page.set_default_timeout(10_000)
    opened.page.on("console", lambda message: opened.said.append(message.text))
    opened.page.on("pageerror", lambda error: opened.said.append(str(error)))
    opened.page.on("request", lambda request: opened.asked.append(request.url))
    opened.page.goto(file.as_uri())
    opened.page.locator(wait_for).first.wait_for(state="attached")
    return opened


@pytest.fixture
def report(deployment: Deployment, browser: Browser) -> Iterator[Opened]:
    """The page of the current release; whatever is done to it, it says no error and asks no address."""
    opened = show(browser, deployment.shelf.current.resolve() / "report" / "index.html")
    yield opened
    opened.page.close()
    assert opened.said == []
    assert [url for url in opened.asked if not url.startswith(("file://", "data:"))] == []


def test_the_pages_are_in_the_manifest_and_the_same_release_gives_the_same_bytes(
    deployment: Deployment, tmp_path: Path
) -> None:
    folder = deployment.shelf.current.resolve()
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))

    with open_release(folder) as connection:
        made = build_report(connection, tmp_path, manifest)

    assert {page["path"] for page in manifest["pages"]} >= {"report/index.html", "report/report.xlsx"}
    for page in manifest["pages"]:
        assert sha256_of(folder / page["path"]) == page["sha256"]
        assert (folder / page["path"]).stat().st_size == page["bytes"] < 5_000_000
    for path in made:
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes()


def test_every_part_stands_with_data(report: Opened, pictures: Path) -> None:
    for name in SECTIONS:
        expect(report.page.locator(f"section#{name} h2")).to_be_visible()
    report.choose(period="all")
    assert report.page.locator("#over-time rect.column").count() >= 3
    assert report.page.locator("#heat .tile").count() == 3
    for name in ("answer-times", "backlog"):
        for path in report.page.locator(f"#{name} path.line").all():
            assert (path.get_attribute("d") or "").startswith("M")
    for name in ("topics", "channels", "month-topics", "authorities", "episodes", "gospublics", "surveys"):
        assert report.page.locator(f"#{name} tbody tr").count() >= 1, name
    assert report.page.locator("#review li").count() > 5
    assert "NaN" not in report.page.locator("body").inner_text()
    assert "undefined" not in report.page.locator("body").inner_text()
    report.page.screenshot(path=pictures / "report.png", full_page=True)


@pytest.mark.parametrize(
    ("choices", "condition"),
    [
        ({"period": "all"}, "true"),
        ({"period": "2026-03"}, "local_date >= '2026-03-01'"),
        ({"period": "all", "channel": "pos"}, "channel = 'pos'"),
        ({"period": "all", "territory": "north"}, "territory_id = 'north'"),
        ({"period": "all", "topic": "roads"}, "topic_group = 'roads'"),
        (
            {"period": "all", "territory": "town", "channel": "pos", "topic": "roads"},
            "territory_id = 'town' and channel = 'pos' and topic_group = 'roads'",
        ),
    ],
)
def test_filters_change_the_numbers_to_what_a_query_gives(
    report: Opened, deployment: Deployment, choices: dict[str, str], condition: str
) -> None:
    report.choose(**choices)

    # Asked of the facts, so that the counts the page adds up are held to account too.
    where = condition.replace("territory_id =", "coalesce(territory_id, 'unknown') =")
    ((appeals, mean, on_time, overdue, solved),) = deployment.query(
        f"""
        with judged as (
            select *, answered_at is null and due_at < (select as_of from release.info) as is_overdue
            from facts.fct_appeals where is_countable and {where}
        )
        select count(*), avg(first_answer_minutes),
            count(*) filter (where answered_at <= due_at)
                / count(*) filter (where due_at is not null and (answered_at is not null or is_overdue)),
            count(*) filter (where is_overdue),
            count(*) filter (where outcome = 'solved') / nullif(count(closed_at), 0)
        from judged
        """
    )
    assert appeals > 0
    assert plain(report.number("appeals")) == str(appeals)
    assert plain(report.number("overdue")) == str(overdue)
    exact = report.page.locator("#card-mean .value").get_attribute("title")
    assert exact is not None
    assert float(plain(exact).removesuffix("мин")) == pytest.approx(mean, abs=0.051)
    assert percent(report.number("on-time")) == pytest.approx(100 * on_time, abs=0.051)
    assert (solved is None) == (report.number("solved") == "—")
    if solved is not None:
        assert percent(report.number("solved")) == pytest.approx(100 * solved, abs=0.051)


def test_chosen_days_are_held_against_as_many_before(report: Opened, deployment: Deployment) -> None:
    report.choose(period="days")
    report.page.locator("#since").fill("2026-03-16")
    report.page.locator("#until").fill("2026-03-19")

    count = "select count(*) from facts.fct_appeals where is_countable and local_date between '{}' and '{}'"
    since = date(2026, 3, 16)
    ((now,),) = deployment.query(count.format(since, since + timedelta(days=3)))
    ((before,),) = deployment.query(count.format(since - timedelta(days=4), since - timedelta(days=1)))
    assert plain(report.number("appeals")) == str(now)
    change = report.page.locator("#card-appeals .change").inner_text()
    assert percent(change) == pytest.approx(100 * (now / before - 1), abs=0.051)
    columns = report.page.locator("#over-time rect.column title")
    by_day = deployment.query(
        "select strftime(local_date, '%d.%m.%Y') || ': ' || count(*) from facts.fct_appeals "
        "where is_countable and local_date between '2026-03-16' and '2026-03-19' "
        "group by local_date order by local_date"
    )
    assert columns.all_text_contents() == [text for (text,) in by_day]


def test_medians_levels_and_ranks_are_those_their_marts_state(report: Opened, deployment: Deployment) -> None:
    def median(condition: str, mart: str = "response_times_monthly") -> float:
        ((value,),) = deployment.query(
            f"select median_first_answer_minutes from marts.{mart} "
            f"where month_start = '2026-03-01' and {condition}"
        )
        return float(value)

    def shown() -> float:
        exact = report.page.locator("#card-median .value").get_attribute("title")
        assert exact is not None
        return float(plain(exact).removesuffix("мин"))

    report.choose(period="2026-03")
    assert shown() == pytest.approx(median("channel = 'all'"), abs=0.051)
    levels = deployment.query(
        "select territory_id, heat_level, appeals from marts.territories_monthly "
        "where month_start = '2026-03-01' and heat_level is not null"
    )
    assert len(levels) == 3
    for territory, level, appeals in levels:
        tile = report.page.locator(f"#tile-{territory}")
        assert level in (tile.get_attribute("class") or "").split()
        assert plain(tile.locator(".figure").inner_text())[1:] == str(appeals)
    report.choose(channel="pos")
    assert shown() == pytest.approx(median("channel = 'pos'"), abs=0.051)
    assert report.page.locator("#heat .tile.none").count() == 3  # no mart states a level of one channel
    report.choose(channel="", territory="town")
    assert shown() == pytest.approx(median("territory_id = 'town'", "territories_monthly"), abs=0.051)
    report.choose(topic="roads")
    assert report.number("median") == "—"
    expect(report.page.locator("#card-median .after")).to_contain_text("не складывается")


def test_the_backlog_is_the_marts(report: Opened, deployment: Deployment) -> None:
    report.choose(period="all")
    for channel in ("", "pos"):
        report.choose(channel=channel)
        ((open_, overdue),) = deployment.query(
            "select open_appeals, overdue_appeals from marts.backlog_daily "
            f"where channel = '{channel or 'all'}' "
            "and local_date = (select max(local_date) from marts.appeals_daily)"
        )
        words = plain(report.page.locator("#backlog p").first.inner_text())
        assert f"ждутответа{open_},изнихпросрочено{overdue}." in words


def test_it_is_english_by_a_switch_and_a_view_can_be_sent(
    report: Opened, deployment: Deployment, browser: Browser
) -> None:
    report.choose(period="all", territory="north")
    report.page.locator("#language").click()
    expect(report.page.locator("h2", has_text="Heat map")).to_be_visible()
    expect(report.page.locator("html")).to_have_attribute("lang", "en")
    again = browser.new_page()
    again.goto(report.page.url)
    expect(again.locator("#card-appeals .value")).to_have_text(report.number("appeals"))
    expect(again.locator("#territory")).to_have_value("north")
    again.goto(f"{report.page.url.partition('#')[0]}#period=nonsense&territory=%3Cscript%3E&language=xx")
    expect(again.locator("#territory")).to_have_value("")
    again.close()


def test_the_keyboard_is_enough_and_definitions_are_told(report: Opened) -> None:
    button = report.page.locator("#card-on-time .explain button")
    button.focus()
    expect(report.page.locator("#card-on-time [role=tooltip]")).to_be_visible()
    expect(report.page.locator("#card-on-time [role=tooltip]")).to_contain_text("не учитывается")
    report.page.keyboard.press("Escape")
    expect(report.page.locator("#card-on-time [role=tooltip]")).to_be_hidden()
    report.page.locator("#tile-north").focus()
    report.page.keyboard.press("Enter")
    expect(report.page.locator("#territory")).to_have_value("north")
    expect(report.page.locator("#tile-north")).to_be_focused()  # the page was drawn anew below the finger
    for control in report.page.locator("button, select, input, a").all():
        name = control.get_attribute("aria-label") or control.inner_text()
        labelled = control.evaluate("element => element.labels?.length > 0")
        assert name.strip() or labelled


def test_it_reads_on_a_phone_and_on_paper(deployment: Deployment, browser: Browser, pictures: Path) -> None:
    file = deployment.shelf.current.resolve() / "report" / "index.html"
    phone = show(browser, file, 390, 844)
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    small = phone.page.evaluate(
        """() => [...document.querySelectorAll('button, select, summary')]
            .filter((each) => each.getClientRects().length && each.getBoundingClientRect().right > innerWidth)
            .filter((each) => !each.closest('.scroll')).map((each) => each.id || each.textContent)"""
    )
    assert small == []
    phone.page.screenshot(path=pictures / "phone.png", full_page=True)
    phone.page.close()
    paper = show(browser, file)
    paper.page.emulate_media(media="print")
    expect(paper.page.locator(".filters")).to_be_hidden()
    expect(paper.page.locator("#heat .tile").first).to_be_visible()
    pdf = paper.page.pdf(path=pictures / "report.pdf", prefer_css_page_size=True, print_background=True)
    assert pdf.startswith(b"%PDF")
    paper.page.close()
    assert phone.said == paper.said == []


def test_text_has_contrast(report: Opened) -> None:
    found = report.page.evaluate(_CONTRAST)
    assert found["seen"] > 100
    assert found["poor"] == []


def test_a_hostile_name_is_shown_and_does_nothing(
    deployment: Deployment, browser: Browser, tmp_path: Path
) -> None:
    folder = deployment.shelf.current.resolve()
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    with open_release(folder) as connection:
        for table, column in (
            ("facts.dim_regions", "name"),
            ("facts.dim_territories", "name"),
            ("facts.dim_channels", "label_ru"),
            ("marts.topics_daily", "topic_group_label"),
            ("marts.topics_monthly", "topic_label"),
            ("marts.authorities_monthly", "authority_name"),
            ("marts.gospublics_weekly", "page_name"),
            ("marts.surveys", "title"),
            ("marts.surveys", "option"),
            ("marts.repeat_episodes", "topic_label"),
            ("marts.year_review", "sentence_ru"),
        ):
            schema, name = table.split(".")
            ((sql,),) = connection.execute(
                "select sql from duckdb_views() where schema_name = ? and view_name = ?", [schema, name]
            ).fetchall()
            query = sql.split(" AS ", 1)[1].rstrip(";")
            said = "'" + HOSTILE.replace("'", "''") + "'"
            connection.execute(
                f"create or replace view {table} as "
                f"select * replace ({said} || {column} as {column}) from ({query})"
            )
        (page, *_) = build_report(connection, tmp_path, manifest)

    opened = show(browser, page)

    assert opened.page.evaluate("window.hacked") is None
    expect(opened.page.locator("h1")).to_contain_text("<script>window.hacked")
    assert opened.page.locator("body img, body script:not(#data)").count() == 1  # the page's own script
    assert opened.said == []
    opened.page.close()


def test_the_catalogue_leads_everywhere_and_asks_nobody(deployment: Deployment, browser: Browser) -> None:
    first = build_catalogue(load_settings())
    release = deployment.shelf.current.resolve()

    seen: set[Path] = set()
    waiting = [first, release / "index.html"]
    while waiting:
        page = waiting.pop()
        seen.add(page)
        for link in re.findall(r'href="([^"#]+)"', page.read_text("utf-8")):
            target = (page.parent / link).resolve()
            if link != "data:,":
                assert target.is_file(), f"{page} leads to {link}"
                own = target.suffix == ".html" and target.parent in (first.parent, release)
                waiting += [target] if own and target not in seen else []
    assert {path.name for path in seen} == {"index.html", "quality.html", "tables.html", "measures.html"}

    for folder, words in (("dbt", "Welcome!"), ("lineage", "models")):
        opened = show(browser, first.parent / folder / "index.html", wait_for="body")
        expect(opened.page.get_by_text(words, exact=True).first).to_be_visible()
        assert [url for url in opened.asked if not url.startswith(("file://", "data:", "blob:"))] == []
        opened.page.close()
    quality = show(browser, first.parent / "quality.html")
    shown = quality.page.locator("tbody tr").count()
    manifest = json.loads((release / MANIFEST).read_text("utf-8"))
    assert shown == sum(len(checks) for checks in manifest["checks"].values())
    assert quality.page.locator("tbody tr td:last-child", has_text=re.compile("[✓✗]")).count() == shown
    assert quality.said == []
    quality.page.close()


def plain(text: str) -> str:
    """A Russian number without its spaces, with a full stop."""
    return re.sub(r"\s", "", text).replace(",", ".").replace(".изних", ",изних")


def percent(text: str) -> float:
    """A share as it is written: «▼ −8,3 %»."""
    found = re.search(r"([−+]?)([\d.]+)%", plain(text))
    assert found, text
    return float(found[2]) * (-1 if found[1] == "−" else 1)


# Contrast of each text against the nearest ground painted below it: 4.5, or 3 for large text (WCAG 2.1 AA).
_CONTRAST: Any = """() => {
  const parts = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722].at(at), 0);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parts(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour.at(3) > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const poor = []; let seen = 0;
  const walker = document.createTreeWalker(document.getElementById('page'), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.data.trim();
    if (!text || !element.getClientRects().length || element.closest('svg, option, :disabled')) continue;
    const style = getComputedStyle(element);
    const [one, other] = [light(parts(style.color)), light(ground(element))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    const size = parseFloat(style.fontSize);
    seen += 1;
    const isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) poor.push([text, ratio]);
  }
  return { seen, poor };
}"""
