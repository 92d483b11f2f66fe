"""What a demo ends with: the figures of its release in one small table, and three things to open next."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from ingestion.config import Settings
from orchestration.messages import Language, say
from orchestration.operations import run_query
from publishing.release import Shelf

NAMED_AT_MOST = 4
_TOTALS = """
    select
        sum(daily.appeals) as appeals,
        coalesce(sum(daily.appeals) filter (where channels.is_social), 0) as social,
        sum(daily.on_time_appeals) / nullif(sum(daily.judged_appeals), 0) as on_time,
        sum(daily.first_answer_seconds) / 3600 / nullif(sum(daily.answered_appeals), 0) as mean_hours,
        sum(daily.overdue_appeals) as overdue,
        min(daily.local_date) as since,
        max(daily.local_date) as until
    from marts.appeals_daily as daily
    left join facts.dim_channels as channels on daily.channel = channels.channel
"""
_TOPICS = """
    select topic_group_label
    from marts.topics_daily
    where topic_group <> 'unknown'
    group by topic_group_label
    order by sum(appeals) desc, topic_group_label
    limit 3
"""
_RED = """
    select territory_name from marts.territories_current where heat_level = 'red'
    order by appeals_per_10k desc, territory_name
"""
_SIGNAL = """
    select
        count(*) over () as signals,
        territory_name,
        case when topic_id = 'all' then topic_group_label else topic_label end as topic,
        appeals,
        expected_appeals
    from marts.risk_signals
    order by appeals - expected_appeals desc, territory_id, topic_id
    limit 1
"""


def findings(settings: Settings) -> list[tuple[str, str]]:
    """Name and value of what the current release found, in the deployment's language."""
    language = settings.lang
    ((appeals, social, on_time, mean_hours, overdue, since, until),) = run_query(settings, _TOTALS)[1]
    found = [
        ("found_period", f"{since:%d.%m.%Y} – {until:%d.%m.%Y}" if since else say(language, "none")),
        (
            "found_appeals",
            say(language, "found_split", all=_whole(appeals or 0), social=_whole(social or 0)),
        ),
        ("found_on_time", "–" if on_time is None else _share(on_time, language)),
        (
            "found_mean",
            "–" if mean_hours is None else say(language, "found_hours", count=_decimal(mean_hours, language)),
        ),
        ("found_overdue", _whole(overdue or 0)),
        ("found_topics", ", ".join(name for (name,) in run_query(settings, _TOPICS)[1])),
        ("found_red", _names([name for (name,) in run_query(settings, _RED)[1]], language)),
        ("found_signals", _signals(settings)),
        ("found_checks", _checks(settings)),
    ]
    return [(say(language, key), value) for key, value in found]


def show_findings(settings: Settings, console: Console | None = None) -> None:
    """Print what a demo found, and three things to open next."""
    console = console or Console(highlight=False)
    table = Table(title=say(settings.lang, "found"), show_header=False, title_justify="left")
    for name, value in findings(settings):
        table.add_row(name, value)
    console.print(table)
    console.print(say(settings.lang, "open_next") + ":")
    heat = "select territory_name, heat_level, appeals from marts.territories_current"
    for text, key in (
        (".venv/bin/otklik open report", "open_report"),
        (f'.venv/bin/otklik query "{heat}"', "open_query"),
        ("make dev", "open_ui"),
    ):
        console.print(f"  {text}  — {say(settings.lang, key)}", markup=False, soft_wrap=True)


def _signals(settings: Settings) -> str:
    rows = run_query(settings, _SIGNAL)[1]
    if not rows:
        return say(settings.lang, "none")
    ((count, territory, topic, appeals, expected),) = rows
    values = {"territory": territory, "topic": topic, "appeals": appeals, "expected": f"{expected:.0f}"}
    return say(settings.lang, "found_signal", count=count, **values)


def _checks(settings: Settings) -> str:
    manifest = Shelf(settings.data / "published").current_manifest() or {"checks": {}}
    checks = [check for suite in manifest["checks"].values() for check in suite]
    held = sum(bool(check["passed"]) if "passed" in check else check["status"] == "pass" for check in checks)
    return f"{held} / {len(checks)}"


def _names(names: list[str], language: Language) -> str:
    if not names:
        return say(language, "none")
    shown = ", ".join(names[:NAMED_AT_MOST])
    rest = len(names) - NAMED_AT_MOST
    return f"{shown} {say(language, 'and_more', count=rest)}" if rest > 0 else shown


def _share(share: float, language: Language) -> str:
    return f"{_decimal(100 * share, language)} %" if language == "ru" else f"{share:.1%}"


def _decimal(number: float, language: Language) -> str:
    return f"{number:.1f}".replace(".", "," if language == "ru" else ".")


def _whole(number: float) -> str:
    return f"{int(number):,}".replace(",", "\N{NO-BREAK SPACE}")
