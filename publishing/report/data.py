"""What a region's page holds: queries on a release's marts, nothing else.

Figures that may be added up come as one table of counts by day (`marts.appeals_daily`), so that filters in
the page add numerators and denominators; medians, levels and ranks come as their marts state them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from publishing.report.tiles import Place, tiles

if TYPE_CHECKING:
    import duckdb

# The month in progress and twelve before it: a year, and the same month of the last one.
MONTHS = 13
UNKNOWN = "unknown"
COUNTS = (
    *("appeals", "answered_appeals", "first_answer_seconds", "judged_appeals"),
    *("on_time_appeals", "overdue_appeals", "closed_appeals", "solved_appeals"),
)
_DIMENSIONS = ("channel", "territory_id", "topic_group")
# Sentences of the first page; the others stand below them.
_HEADLINES = (
    *(("appeals", "all"), ("appeals", "channel=pos"), ("appeals", "channel=social")),
    *(("appeals_solved", "all"), ("appeals_per_day_max", "all"), ("mean_first_answer_minutes", "all")),
    *(("handling_time_first_month_over_last_month", "all"), ("top_topic_groups", "all")),
    *(("most_active_age_group", "channel=pos"), ("heat_levels", "territory"), ("surveys", "all")),
    *(("activities", "all"), ("gospublics", "all"), ("gospublics_audience", "all")),
)


def regions(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Regions of the release in the order of their names: id, name, time_zone, population."""
    return records(
        connection,
        "select region_id as id, name, time_zone, population from facts.dim_regions order by name, region_id",
    )


def overview(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """All regions side by side, by month."""
    return table(
        connection,
        """
        select * exclude (population)
        from marts.regions_monthly
        where month_start > (select max(month_start) from marts.regions_monthly) - to_months(13)
        order by month_start desc, on_time_rank nulls last, region_id
        """,
    )


def region_page(connection: duckdb.DuckDBPyConnection, region_id: str) -> dict[str, Any]:
    """Everything the page of one region shows, ready for JSON; days are ISO, half-open where they end."""
    values = {"region": region_id}
    first, last, begins = _window(connection, region_id)
    shown = {**values, "first": first}
    names = _names(connection, region_id, first)
    return {
        "first_day": first,
        "days": (last - first).days + 1,
        "begins": begins,
        "recent": _recent(connection, region_id, last),
        **names,
        "cube": _cube(connection, region_id, first, last, names),
        "times_monthly": table(connection, _TIMES_MONTHLY, shown),
        "territories_current": table(connection, _TERRITORIES_CURRENT, values),
        "territories_monthly": table(connection, _TERRITORIES_MONTHLY, shown),
        "topics_monthly": table(connection, _TOPICS_MONTHLY, shown),
        "backlog": table(connection, _BACKLOG, shown),
        "authorities_monthly": table(connection, _AUTHORITIES, shown),
        "gospublics": table(connection, _GOSPUBLICS, values),
        "signals": table(connection, _SIGNALS, shown),
        "episodes": table(connection, _EPISODES, shown),
        "surveys": table(connection, _SURVEYS, values),
        "review": _review(connection, region_id),
        "loads": table(connection, _LOADS, values),
        "restatements": table(connection, _RESTATEMENTS, values),
    }


def records(
    connection: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Rows of a query by name."""
    found = connection.execute(query, dict(values or {}))
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def table(
    connection: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A query's answer as `columns` and `rows`."""
    found = connection.execute(query, dict(values or {}))
    return {"columns": [column[0] for column in found.description or []], "rows": found.fetchall()}


def _window(connection: duckdb.DuckDBPyConnection, region_id: str) -> tuple[date, date, date]:
    """First and last day of the page, and the first that has any appeal: nothing is compared with earlier."""
    row = connection.execute(
        "select min(local_date), max(local_date) from marts.appeals_daily where region_id = $region",
        {"region": region_id},
    ).fetchone()
    if row is None or row[0] is None:
        nothing = date(1970, 1, 1)
        return nothing, nothing, nothing
    begins, last = row
    months = last.year * 12 + last.month - 1 - (MONTHS - 1)
    first = date(months // 12, months % 12 + 1, 1)
    return max(first, begins.replace(day=1)), last, begins


def _recent(connection: duckdb.DuckDBPyConnection, region_id: str, last: date) -> dict[str, date]:
    """The days that the map of now is about, half-open."""
    found = records(
        connection,
        "select distinct period_from as since, period_to as until from marts.territories_current "
        "where region_id = $region",
        {"region": region_id},
    )
    return found[0] if found else {"since": last - timedelta(days=29), "until": last + timedelta(days=1)}


def _names(connection: duckdb.DuckDBPyConnection, region_id: str, first: date) -> dict[str, Any]:
    """Channels, territories and topic groups that the page names, each in the order of its list."""
    values = {"region": region_id, "first": first}
    territories = records(connection, _TERRITORIES, {"region": region_id})
    places = [Place(place["id"], place.pop("latitude"), place.pop("longitude")) for place in territories]
    where = tiles(places)
    for territory in territories:
        territory["row"], territory["column"] = where[territory["id"]]
    nowhere = {"id": UNKNOWN, "name": None, "kind": None, "population": None, "row": 0, "column": 0}
    return {
        "channels": records(connection, _CHANNELS, values),
        "territories": [*territories, nowhere],
        "topics": records(connection, _TOPICS, values),
    }


def _cube(
    connection: duckdb.DuckDBPyConnection,
    region_id: str,
    first: date,
    last: date,
    names: Mapping[str, Sequence[Mapping[str, Any]]],
) -> dict[str, Any]:
    """Counts by day, channel, territory and topic group as columns; names as their place in the lists.

    `starts` says at which row each day begins, with one more entry for the end.
    """
    query = (
        f"select local_date, {', '.join(_DIMENSIONS)}, {', '.join(COUNTS)} "  # noqa: S608 - names of our own
        "from marts.appeals_daily where region_id = $region and local_date >= $first order by all"
    )
    rows = connection.execute(query, {"region": region_id, "first": first}).fetchall()
    starts = [0] * ((last - first).days + 2)
    for row in rows:
        starts[(row[0] - first).days + 1] += 1
    for day in range(1, len(starts)):
        starts[day] += starts[day - 1]
    lists = (names["channels"], names["territories"], names["topics"])
    columns: dict[str, list[Any]] = {}
    for number, (name, known) in enumerate(zip(_DIMENSIONS, lists, strict=True), 1):
        place = {entry["id"]: at for at, entry in enumerate(known)}
        columns[name] = [place.get(row[number], place.get(UNKNOWN)) for row in rows]
    for number, name in enumerate(COUNTS, 1 + len(_DIMENSIONS)):
        columns[name] = [row[number] for row in rows]
    return {"starts": starts, **columns}


def _review(connection: duckdb.DuckDBPyConnection, region_id: str) -> dict[str, Any]:
    """Sentences of the year review; `headline` is the place on the first page, null for the others."""
    rows = connection.execute(_REVIEW, {"region": region_id}).fetchall()
    order = {key: place for place, key in enumerate(_HEADLINES)}
    found = [(order.get((measure, slice_)), *rest, sentence) for measure, slice_, *rest, sentence in rows]
    return {"columns": ["headline", "period_from", "period_to", "sentence"], "rows": found}


def plain(value: object) -> object:
    """Days and moments for JSON."""
    if isinstance(value, datetime):
        return f"{value.isoformat(timespec='seconds')}Z"
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a report")


_CHANNELS = """
    select channels.channel as id, channels.label_ru as name
    from facts.dim_channels as channels
    where channels.channel in (
        select channel from marts.appeals_daily where region_id = $region and local_date >= $first
    )
    order by channels.label_ru
"""
_TERRITORIES = """
    select territory_id as id, name, kind, population, latitude, longitude
    from facts.dim_territories
    where region_id = $region
    order by name, territory_id
"""
_TOPICS = """
    select distinct topic_group as id, case when topic_group <> 'unknown' then topic_group_label end as name
    from marts.topics_daily
    where region_id = $region and local_date >= $first
    order by name nulls last, id
"""
_TIMES_MONTHLY = """
    select
        month_start,
        channel,
        is_complete,
        mean_first_answer_minutes as mean,
        median_first_answer_minutes as median,
        km_median_first_answer_minutes as km_median
    from marts.response_times_monthly
    where region_id = $region and month_start >= date_trunc('month', cast($first as date))
    order by month_start, channel
"""
_TERRITORIES_CURRENT = """
    select territory_id, appeals, appeals_per_10k, heat_level
    from marts.territories_current
    where region_id = $region
    order by territory_id
"""
_TERRITORIES_MONTHLY = """
    select
        month_start,
        territory_id,
        appeals,
        appeals_per_10k,
        heat_level,
        median_first_answer_minutes as median,
        rank,
        ranked_peers
    from marts.territories_monthly
    where region_id = $region and month_start >= date_trunc('month', cast($first as date))
    order by month_start, territory_id
"""
_TOPICS_MONTHLY = """
    select month_start, topic_group, topic_label, topic_group_label, appeals, appeals_change, solved_share
    from marts.topics_monthly
    where region_id = $region and month_start >= date_trunc('month', cast($first as date))
        and topic_id <> 'unknown'
    qualify row_number() over (partition by month_start order by appeals desc, topic_group, topic_id) <= 15
    order by month_start, appeals desc, topic_group, topic_id
"""
_BACKLOG = """
    select local_date, channel, opened_appeals, closed_appeals, open_appeals, overdue_appeals
    from marts.backlog_daily
    where region_id = $region and local_date >= $first
    order by local_date, channel
"""
_AUTHORITIES = """
    select
        month_start,
        authority_id,
        authority_name,
        level,
        appeals,
        judged_appeals,
        on_time_share,
        median_first_answer_minutes as median,
        overdue_appeals,
        solved_share,
        rank,
        ranked_peers,
        no_rank_reason
    from marts.authorities_monthly
    where region_id = $region and month_start >= date_trunc('month', cast($first as date))
    order by month_start, appeals desc, authority_id
"""
_GOSPUBLICS = """
    with newest as (
        select max(week_start) as week_start
        from marts.gospublics_weekly
        where region_id = $region and score is not null
    )

    select
        pages.week_start,
        pages.page_name,
        pages.network,
        pages.territory_id,
        pages.members_count,
        pages.members_growth,
        pages.posts,
        pages.has_valid_pos_link,
        pages.is_dead,
        pages.score
    from marts.gospublics_weekly as pages
    inner join newest on pages.week_start = newest.week_start
    where pages.region_id = $region
    order by pages.score desc nulls last, pages.page_name, pages.page_id
"""
_SIGNALS = """
    select
        territory_id,
        territory_name,
        topic_group,
        topic_group_label,
        topic_id,
        topic_label,
        started_on,
        peaked_on,
        ended_on,
        may_continue,
        appeals,
        expected_appeals,
        peak_appeals
    from marts.risk_signals
    where region_id = $region and ended_on >= $first
    order by appeals - expected_appeals desc, started_on desc, territory_id, topic_group, topic_id
"""
# The longest chains, those of one address before those of whole towns; the mart has all.
_EPISODES = """
    select
        territory_id,
        territory_name,
        topic_group,
        topic_label,
        place_kind,
        started_on,
        ended_on,
        appeals,
        solved_appeals,
        open_appeals,
        may_continue
    from marts.repeat_episodes
    where region_id = $region and ended_on >= $first
    order by place_kind = 'territory', appeals desc, started_on desc, episode_id
    limit 500
"""
_SURVEYS = """
    select
        survey_key,
        title,
        starts_on,
        ends_on,
        question_id,
        question,
        option,
        territory_name,
        votes,
        question_votes,
        share,
        share_low,
        share_high
    from marts.surveys
    where region_id = $region
        and survey_key in (
            select survey_key
            from marts.surveys
            where region_id = $region
            group by survey_key
            order by max(coalesce(starts_on, ends_on)) desc nulls last, survey_key
            limit 12
        )
    order by coalesce(starts_on, ends_on) desc nulls last, survey_key, question_id, votes desc, answer_key
"""
_REVIEW = """
    select measure, slice, period_from, period_to, sentence_ru
    from marts.year_review
    where region_id = $region and sentence_ru is not null
    order by period_from, period_to, measure, slice
"""
_LOADS = """
    select
        source,
        max(last_fetched_at) as last_fetched_at,
        cast(sum(received) as bigint) as received,
        cast(sum(landed) as bigint) as landed,
        cast(sum(quarantined) as bigint) as quarantined
    from marts.loads_daily
    where region_id = $region
    group by source
    order by source
"""
# A figure that moved for two reasons counts with each.
_RESTATEMENTS = """
    select reason, count(*) as figures
    from (
        select unnest(string_split(reason, '|')) as reason
        from marts.restatements
        where region_id = $region
    )
    group by reason
    order by reason
"""
