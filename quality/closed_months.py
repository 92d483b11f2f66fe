"""Figures of months that are over: they may change only with a row in marts.restatements."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Watched:
    """Columns of a monthly mart; `slices` are its keys beside region_id and month_start."""

    mart: str
    slices: tuple[str, ...]
    values: tuple[str, ...]


WATCHED = (
    Watched(
        "regions_monthly",
        (),
        (
            *("appeals", "on_time_share", "solved_share"),
            *("mean_first_answer_minutes", "median_first_answer_minutes"),
        ),
    ),
    Watched(
        "response_times_monthly", ("channel",), ("appeals", "mean_first_answer_minutes", "on_time_share")
    ),
    Watched("topics_monthly", ("topic_group", "topic_id"), ("appeals", "solved_share")),
    Watched("territories_monthly", ("territory_id",), ("appeals", "on_time_share", "solved_share", "rank")),
    Watched("authorities_monthly", ("authority_id",), ("appeals", "on_time_share", "solved_share", "rank")),
    Watched("activities_monthly", ("kind",), ("activities",)),
)
# Where a query finds the release that the candidate is about to replace; its table `comparable` names those
# of its tables that have today's shape, the others stand there empty.
BEFORE = "before"


def differences() -> str:
    """SQL: metric, region_id, period, slice, old, new of every figure of a closed month that differs.

    Runs on the candidate's marts with the release before it in the schema `before`. A month is closed when
    that release states it as complete. Figures that appear or vanish have null on one side.
    """
    return "\nunion all\n".join(
        _difference(watched, value) for watched in WATCHED for value in watched.values
    )


def unexplained() -> str:
    """SQL: differences that no row of marts.restatements tells, counted."""
    return f"""
        with differing as ({differences()})
        select count(*) as difference
        from differing
        anti join marts.restatements as told
            on
                differing.metric = told.metric
                and differing.region_id = told.region_id
                and differing.period = told.period
                and differing.slice = told.slice
                and differing.old is not distinct from told.old
                and differing.new is not distinct from told.new
    """  # noqa: S608 - names from this file only


def _difference(watched: Watched, value: str) -> str:
    slice_name = " || ';' || ".join(f"'{name}=' || {name}" for name in watched.slices) or "'all'"
    columns = f"region_id, month_start, {slice_name} as slice, cast({value} as double) as figure"
    return f"""
        select
            '{watched.mart}.{value}' as metric,
            coalesce(past.region_id, now.region_id) as region_id,
            coalesce(past.month_start, now.month_start) as period,
            coalesce(past.slice, now.slice) as slice,
            past.figure as old,
            now.figure as new
        from (select {columns} from {BEFORE}.{watched.mart}) as past
        full join (select {columns} from marts.{watched.mart}) as now
            on
                past.region_id = now.region_id
                and past.month_start = now.month_start
                and past.slice = now.slice
        where
            past.figure is distinct from now.figure
            and (coalesce(past.region_id, now.region_id), coalesce(past.month_start, now.month_start)) in (
                select region_id, month_start from {BEFORE}.regions_monthly where is_complete
            )
            and '{watched.mart}' in (select name from {BEFORE}.comparable)
    """  # noqa: S608 - names from this file only
