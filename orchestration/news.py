"""What the centre must hear of, each told once: a risk signal, an overdue wave, a territory that turned red.

One pass compares the current release with the newest one at least a day older, and sends what was not told
yet (<data>/news.json) to OTKLIK_CENTRE_URLS with a link to the report. Counts and names of places, topics and
authorities; never a citizen's words.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from ingestion.clock import parse_utc
from ingestion.config import Settings
from ingestion.events import event_log
from orchestration.messages import say
from orchestration.operations import run_query
from orchestration.watch import Send, sender_to
from publishing.release import Shelf

# A signal whose last alarming day is further back than this is history.
FRESH = timedelta(days=2)
DAY_BEFORE = timedelta(hours=24)
# An authority's overdue appeals are a wave when they grow in a day by this many and by this share.
WAVE_APPEALS, WAVE_SHARE = 10, 0.5
KEPT_KEYS = 5000
log = logging.getLogger("otklik.watch")


@dataclass(frozen=True)
class News:
    """Something to tell the centre once. `key` names it for good."""

    key: str
    sentence: str
    link: str


def tell(settings: Settings, send: Send | None = None) -> list[News]:
    """One pass; returns what was told now. Without `send` messages go to OTKLIK_CENTRE_URLS, if any."""
    send = send or sender_to(settings.centre_urls)
    shelf = Shelf(settings.data / "published")
    manifest = shelf.current_manifest()
    if send is None or manifest is None:
        return []
    told = _read(settings)
    if told.get("release") == manifest["id"]:
        return []
    known = set(told.get("keys", ()))
    fresh = [one for one in news(settings, manifest, _day_before(shelf, manifest)) if one.key not in known]
    if fresh:
        body = "\n".join(f"• {one.sentence}\n  {one.link}" for one in fresh)
        is_sent = send(say(settings.lang, "news_title", count=len(fresh)), body)
        event_log(settings.data).info("news", sent=is_sent, keys=[one.key for one in fresh])
        if not is_sent:
            log.warning("news could not be sent; the next pass tries again")
            return []
    keys = [*told.get("keys", ()), *(one.key for one in fresh)][-KEPT_KEYS:]
    _write(settings, {"release": manifest["id"], "keys": keys})
    return fresh


def news(settings: Settings, manifest: dict[str, Any], before: str | None) -> list[News]:
    """What the release tells, against the release `before` (its id; None where none is old enough)."""
    regions = dict(_rows(settings, manifest["id"], "select region_id, name from facts.dim_regions"))
    teller = _Teller(settings, regions)
    found = list(_signals(teller, manifest))
    if before is not None:
        found += _waves(teller, manifest, before)
        found += _reddened(teller, manifest, before)
    return found


@dataclass(frozen=True)
class _Teller:
    settings: Settings
    regions: dict[str, str]

    def link(self, region_id: str, **view: str) -> str:
        """Address of the region's report with its filters set."""
        base = self.settings.report_url or (
            self.settings.data.resolve() / "published" / "current" / "report"
        ).as_uri().rstrip("/")
        page = f"{region_id}.html" if len(self.regions) > 1 else "index.html"
        return f"{base.rstrip('/')}/{page}#{urlencode(view)}" if view else f"{base.rstrip('/')}/{page}"

    def say(self, key: str, region_id: str, **values: object) -> str:
        return say(self.settings.lang, key, region=self.regions.get(region_id, region_id), **values)


def _signals(teller: _Teller, manifest: dict[str, Any]) -> Iterator[News]:
    """Signals of the last days. One of a whole topic group speaks for the topics in it."""
    since = (parse_utc(manifest["as_of"]) - FRESH).date()
    rows = _rows(
        teller.settings,
        manifest["id"],
        f"""
        select region_id, territory_id, territory_name, topic_group, topic_id,
            case when topic_id = 'all' then topic_group_label else topic_label end as topic,
            started_on, appeals, expected_appeals
        from marts.risk_signals as signals
        where ended_on >= '{since}' and (topic_id = 'all' or not exists (
            select 1 from marts.risk_signals as wider
            where wider.topic_id = 'all' and wider.region_id = signals.region_id
                and wider.territory_id = signals.territory_id and wider.topic_group = signals.topic_group
                and wider.started_on <= signals.ended_on and wider.ended_on >= signals.started_on
        ))
        order by region_id, started_on, territory_id, topic_group, topic_id
        """,  # noqa: S608 - a date of our own
    )
    for region_id, territory_id, territory, group, topic_id, topic, started, appeals, expected in rows:
        values = {"territory": territory, "topic": topic, "since": f"{started:%d.%m}"}
        yield News(
            f"signal:{region_id}/{territory_id}/{group}/{topic_id}/{started}",
            teller.say("news_signal", region_id, appeals=appeals, expected=f"{expected:.0f}", **values),
            teller.link(region_id, territory=territory_id, topic=group),
        )


def _waves(teller: _Teller, manifest: dict[str, Any], before: str) -> Iterator[News]:
    """Authorities whose overdue appeals have grown sharply in a day."""
    query = """
        select region_id, authority_id, any_value(authority_name), cast(sum(overdue_appeals) as bigint)
        from marts.authorities_monthly
        where authority_id <> 'unknown'
        group by region_id, authority_id
        order by region_id, authority_id
    """
    past = {row[:2]: row[3] for row in _rows(teller.settings, before, query)}
    day = parse_utc(manifest["as_of"]).date()
    for region_id, authority_id, name, overdue in _rows(teller.settings, manifest["id"], query):
        was = past.get((region_id, authority_id))
        if was is not None and overdue - was >= max(WAVE_APPEALS, WAVE_SHARE * was):
            yield News(
                f"overdue:{region_id}/{authority_id}/{day}",
                teller.say("news_overdue", region_id, authority=name, was=was, overdue=overdue),
                teller.link(region_id),
            )


def _reddened(teller: _Teller, manifest: dict[str, Any], before: str) -> Iterator[News]:
    """Territories that are red on the map of now and were not."""
    query = """
        select region_id, territory_id, territory_name, heat_level, appeals, appeals_30_days_before
        from marts.territories_current
        where heat_level is not null
        order by region_id, territory_id
    """
    past = {row[:2]: row[3] for row in _rows(teller.settings, before, query)}
    day = parse_utc(manifest["as_of"]).date()
    for region_id, territory_id, name, level, appeals, earlier in _rows(
        teller.settings, manifest["id"], query
    ):
        if level == "red" and past.get((region_id, territory_id), "red") != "red":
            yield News(
                f"heat:{region_id}/{territory_id}/{day}",
                teller.say("news_heat", region_id, territory=name, appeals=appeals, earlier=earlier),
                teller.link(region_id, territory=territory_id),
            )


def _day_before(shelf: Shelf, manifest: dict[str, Any]) -> str | None:
    """The newest release that is at least a day older."""
    limit = parse_utc(manifest["as_of"]) - DAY_BEFORE
    older = [name for name in shelf.release_ids() if datetime.strptime(name[:16], "%Y%m%dT%H%M%SZ") <= limit]  # noqa: DTZ007
    return older[-1] if older else None


def _rows(settings: Settings, release_id: str, query: str) -> list[tuple[Any, ...]]:
    return run_query(settings, query, release_id)[1]


def _read(settings: Settings) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads((settings.data / "news.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}  # told again, at worst
    return content


def _write(settings: Settings, content: dict[str, Any]) -> None:
    path = settings.data / "news.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(content, indent=1, ensure_ascii=False), "utf-8")
    os.replace(fresh, path)
