"""What a release says otherwise than the one before it about months that were over: marts.restatements.

No dbt model can tell this, because it is about releases: the table is made of two of them while the candidate
is built, carries the older rows over, and the audit refuses a candidate that lacks one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from publishing.catalogue import PublishedColumn, PublishedTable
from quality.closed_months import BEFORE, differences

if TYPE_CHECKING:
    import duckdb

RESTATEMENTS = PublishedTable(
    schema="marts",
    name="restatements",
    description=(
        "Figures of closed months that a later release states otherwise. "
        "Grain: metric × region × period × slice × release."
    ),
    columns=(
        PublishedColumn("metric", "Mart and column of the figure.", "Показатель"),
        PublishedColumn("region_id", "Region.", "Регион"),
        PublishedColumn("period", "First day of the month.", "Месяц"),
        PublishedColumn("slice", "What the figure is cut to: 'all' or dimension=value;….", "Разрез"),
        PublishedColumn("old", "The figure of the release before; null where it had none.", "Было"),
        PublishedColumn("new", "The figure from this release on; null where there is none now.", "Стало"),
        PublishedColumn(
            "reason",
            "Why, |-separated: rules, registry, late_data, erasure, correction, labels, later_answers.",
            "Причина",
        ),
        PublishedColumn("replaced_release", "Release that stated the old figure.", "Прежний выпуск"),
        PublishedColumn(
            "as_of", "as_of of the release that first states the new figure, UTC.", "По состоянию на"
        ),
    ),
    partitioned=False,
    key=("metric", "region_id", "period", "slice", "as_of", "replaced_release"),
)


# What a label says is compared apart from what the source says: a message labelled anew is not corrected.
def _told_by_source(alias: str, column: str, label: str) -> str:
    return f"case when not coalesce({alias}.{label}_from_label, false) then {alias}.{column} end"


def _differs(column: str, label: str) -> str:
    """The source says otherwise than before."""
    past, now = (_told_by_source(alias, column, label) for alias in ("past", "now"))
    return f"{past} is distinct from {now}"


_LABELLED = {"topic_id": "topic", "topic_group": "topic", "territory_id": "territory"}
_CORRECTED = " or ".join(_differs(*pair) for pair in _LABELLED.items())
_RELABELLED = " or ".join(
    f"(past.{column} is distinct from now.{column} and not ({_differs(column, label)}))"
    for column, label in _LABELLED.items()
)
# Likewise for what is taken for one person's copy: neither is it erased, nor does it come late.
_COPY = "coalesce({}.duplicate_reason in ('author', 'text'), false)"
_PAST_COPY, _COPY_NOW = _COPY.format("past"), _COPY.format("now")
# What became of the appeals of a month between two releases, and so why its figures moved. An appeal that
# moved in or out of the month counts in both months.
_MOVED = f"""
    select
        region_id,
        month_start,
        bool_or(is_gone) as is_gone,
        bool_or(is_new) as is_new,
        bool_or(is_corrected) as is_corrected,
        bool_or(is_relabelled) as is_relabelled
    from (
        select
            coalesce(past.region_id, now.region_id) as region_id,
            unnest([date_trunc('month', past.local_date), date_trunc('month', now.local_date)])
                as month_start,
            coalesce(past.is_countable, false) and not coalesce(now.is_countable, false) and not {_COPY_NOW}
                as is_gone,
            coalesce(now.is_countable, false) and not coalesce(past.is_countable, false) and not {_PAST_COPY}
                as is_new,
            past.is_countable and now.is_countable and (
                past.local_date <> now.local_date
                or past.channel <> now.channel
                or {_CORRECTED}
                or past.authority_id is distinct from now.authority_id
                or past.outcome <> now.outcome
                or past.first_response_at <> now.first_response_at
                or past.due_at is distinct from now.due_at
            ) as is_corrected,
            (past.is_countable and now.is_countable and ({_RELABELLED}))
                or (past.is_countable and not now.is_countable and {_COPY_NOW})
                or (now.is_countable and not past.is_countable and {_PAST_COPY}) as is_relabelled
        from changed.appeals_before as past
        full join changed.appeals_now as now on past.appeal_id = now.appeal_id
    )
    where month_start is not null
    group by region_id, month_start
"""  # noqa: S608 - names from this file only


def write_restatements(
    connection: duckdb.DuckDBPyConnection,
    target: Path,
    *,
    previous: Mapping[str, Any] | None,
    ledger: Path,
    as_of: datetime,
    has_other_rules: bool,
    regions_mapped_anew: Iterable[str],
    erasures: int,
    watermarks: Sequence[Mapping[str, Any]],
    options: str,
) -> int:
    """Write the candidate's restatements and return their number.

    `connection` sees the candidate's tables and, in the schema `before`, those of the release it replaces; in
    `changed`, of the appeals of both (appeals_now, appeals_before), the months that are not the same bytes.
    `ledger` holds what earlier releases told, which nothing could tell again once those are gone.
    """
    connection.execute(
        """
        create or replace temp table restated (
            metric varchar, region_id varchar, period date, slice varchar, old double, new double,
            reason varchar, replaced_release varchar, as_of timestamp
        )
        """
    )
    if previous is not None and RESTATEMENTS.path in previous["tables"]:
        connection.execute(f"insert into restated by name select * from {BEFORE}.restatements")  # noqa: S608
    elif ledger.is_file():
        connection.execute("insert into restated by name select * from read_parquet(?)", [str(ledger)])
    if previous is not None:
        # Nothing was read between the two, and both state the same moment: whatever moved was erased.
        erased_alone = (
            previous.get("erasures", 0) != erasures
            and previous["watermarks"] == watermarks
            and previous["as_of"] == f"{as_of.isoformat()}Z"
        )
        connection.execute(
            f"""
            insert into restated
            select
                found.metric,
                found.region_id,
                found.period,
                found.slice,
                found.old,
                found.new,
                coalesce(nullif(concat_ws(
                    '|',
                    case when $other_rules then 'rules' end,
                    case when list_contains($mapped_anew, found.region_id) then 'registry' end,
                    case when moved.is_new and not $erased_alone then 'late_data' end,
                    case when moved.is_gone or $erased_alone then 'erasure' end,
                    case when moved.is_corrected and not $erased_alone then 'correction' end,
                    case when moved.is_relabelled and not $erased_alone then 'labels' end
                ), ''), 'later_answers'),
                $release,
                $as_of
            from ({differences()}) as found
            left join ({_MOVED}) as moved
                on found.region_id = moved.region_id and found.period = moved.month_start
            """,  # noqa: S608 - names of our own
            {
                "other_rules": has_other_rules,
                "mapped_anew": list(regions_mapped_anew),
                "erased_alone": erased_alone,
                "release": previous["id"],
                "as_of": as_of,
            },
        )
    literal = str(target).replace("'", "''")
    connection.execute(
        "copy (select * from restated order by as_of, metric, region_id, period, slice, old, new) "  # noqa: S608
        f"to '{literal}' {options}"
    )
    (count,) = connection.execute("select count(*) from restated").fetchone() or (0,)
    return int(count)
