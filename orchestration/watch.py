"""What an operator must hear of, told once: a failed run, refused figures, a silent source, quarantine.

One pass compares what is wrong now with what was told (<data>/alerts.json) and sends one message through
apprise, which reaches Telegram, e-mail, webhooks and some hundred more. Sentences hold counts and names of
ours, never a citizen's words.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import SecretStr

from ingestion.clock import iso_z, parse_utc
from ingestion.config import Settings
from ingestion.events import event_log
from orchestration.messages import say
from orchestration.operations import Status, read_status

REPEAT_AFTER = timedelta(hours=24)
# What comes back within the hour is flapping: it was told and is not told again.
QUIET = timedelta(hours=1)
SPIKE_SHARE, SPIKE_ROWS = 0.2, 20
Send = Callable[[str, str], bool]
log = logging.getLogger("otklik.watch")


@dataclass(frozen=True)
class Concern:
    """Something that is wrong now. `key` stays the same while it lasts."""

    key: str
    sentence: str


@dataclass(frozen=True)
class Pass:
    """What one pass found: all concerns, and which of them were told now as new, as lasting, as over."""

    concerns: list[Concern]
    new: list[str]
    lasting: list[str]
    over: list[str]
    is_sent: bool


def watch(settings: Settings, send: Send | None = None) -> Pass:
    """One pass. Without `send` messages go to OTKLIK_ALERT_URLS; where none is set nothing is sent."""
    now = settings.now()
    send = send or sender(settings)
    found = {concern.key: concern for concern in concerns(read_status(settings), settings, now)}
    told = _read_told(settings)
    new, lasting, over = _due(found, told, now)
    is_sent = False
    if send and (new or lasting or over):
        is_sent = send(*_message(settings, found, told, new, lasting, over))
        event_log(settings.data).info("alert", sent=is_sent, new=new, lasting=lasting, over=over)
        if is_sent:
            _write_told(settings, _noted(found, told, new + lasting, over, now))
        else:
            log.warning("an alert could not be sent; the next pass tries again")
    return Pass(list(found.values()), new, lasting, over, is_sent)


def concerns(status: Status, settings: Settings, now: datetime) -> list[Concern]:
    """What is wrong by the status of a deployment; `now` is naive UTC."""
    language = settings.lang
    found = [
        Concern(f"refused:{name}", say(language, "alert_refused", check=name, words=words))
        for name, words in status.refused_checks
    ]
    found += [
        Concern(f"failed:{sentence.partition(':')[0]}", say(language, "alert_failed", words=sentence[:500]))
        for sentence in status.open_failures
    ]
    limit = timedelta(hours=settings.stale_after_hours)
    for source in status.sources:
        name = f"{source.region_id}/{source.source}"
        if source.last_load is not None and now - source.last_load > limit:
            hours = int((now - source.last_load).total_seconds() // 3600)
            found.append(Concern(f"stale:{name}", say(language, "alert_stale", name=name, hours=hours)))
        if source.last_quarantined >= max(SPIKE_ROWS, SPIKE_SHARE * source.last_received):
            values = {"rows": source.last_quarantined, "received": source.last_received}
            found.append(
                Concern(f"quarantine:{name}", say(language, "alert_quarantine", name=name, **values))
            )
    return found


def _due(
    found: Iterable[str], told: dict[str, dict[str, str]], now: datetime
) -> tuple[list[str], list[str], list[str]]:
    """Keys to tell as new, as still there, as over."""
    new, lasting = [], []
    for key in found:
        past = told.get(key)
        if past is None or ("over" in past and now - parse_utc(past["told"]) > QUIET):
            new.append(key)
        elif "over" not in past and now - parse_utc(past["told"]) > REPEAT_AFTER:
            lasting.append(key)
    over = [key for key, past in told.items() if key not in set(found) and "over" not in past]
    return new, lasting, over


def _noted(
    found: Iterable[str],
    told: dict[str, dict[str, str]],
    sent: Iterable[str],
    over: Iterable[str],
    now: datetime,
) -> dict[str, dict[str, str]]:
    """What has been told after this pass; what has long been over is forgotten."""
    moment = iso_z(now)
    noted = {
        key: past for key, past in told.items() if "over" not in past or now - parse_utc(past["over"]) < QUIET
    }
    for key in found:
        if key in noted:  # back while we were quiet: it lasts
            noted[key] = {name: value for name, value in noted[key].items() if name != "over"}
    for key in sent:
        sentence_since = noted.get(key, {}).get("since", moment)
        noted[key] = {"since": sentence_since, "told": moment}
    for key in over:
        noted[key] = {**told[key], "over": moment}
    return noted


def _message(
    settings: Settings,
    found: dict[str, Concern],
    told: dict[str, dict[str, str]],
    new: list[str],
    lasting: list[str],
    over: list[str],
) -> tuple[str, str]:
    language = settings.lang
    lines = [f"• {found[key].sentence}" for key in new]
    lines += [
        f"• {say(language, 'alert_lasting', since=told[key]['since'])} {found[key].sentence}"
        for key in lasting
    ]
    lines += [f"✓ {say(language, 'alert_over', concern=key)}" for key in over]
    title = say(language, "alert_title_wrong" if new or lasting else "alert_title_well")
    return title, "\n".join(lines)


def sender(settings: Settings) -> Send | None:
    """Sends to all addresses of OTKLIK_ALERT_URLS; None where none is set."""
    return sender_to(settings.alert_urls)


def sender_to(urls: SecretStr | None) -> Send | None:
    """Sends to all addresses of `urls`, and is content when at least one took the message."""
    if urls is None:
        return None
    addresses = urls.get_secret_value().split()

    def send(title: str, body: str) -> bool:
        import apprise

        # The library prints addresses, tokens included, when it cannot reach them.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        taken = []
        for address in addresses:
            target = apprise.Apprise()
            taken.append(bool(target.add(address) and target.notify(body=body, title=title)))
        return any(taken)

    return send


def _read_told(settings: Settings) -> dict[str, dict[str, str]]:
    path = settings.data / "alerts.json"
    try:
        content: dict[str, dict[str, str]] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}  # told again, at worst
    return content


def _write_told(settings: Settings, told: dict[str, dict[str, str]]) -> None:
    path = settings.data / "alerts.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False), "utf-8")
    os.replace(fresh, path)
