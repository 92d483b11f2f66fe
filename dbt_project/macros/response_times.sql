{#
  Time to the first answer by period and channel, for facts.int_response_times_monthly and _yearly. Channel
  'all' spans the channels: medians do not add up, but how many were answered after so many seconds does, and from
  that every statistic of time comes. No aggregate here holds a group's values in memory, as a quantile's does.
#}
{% macro response_time_sums(unit) -%}
{%- set start = unit ~ '_start' -%}
with

appeals as (
  select
    *,
    {{ period_start(unit, 'local_date') }} as {{ start }}
  from {{ ref('fct_appeals') }}
  where is_countable
),

regions as (
  select * from {{ ref('int_region_clocks') }}
),

calendar as (
  select * from {{ ref('dim_calendar') }}
),

-- working time from the calendar's beginning to as_of, for those who still wait
stated as (
  select
    regions.region_id,
    regions.time_zone,
    regions.steady_since,
    regions.steady_offset_seconds,
    {{ working_seconds_at('calendar', local_time(as_of(), 'regions.time_zone')) }} as working_seconds_at_as_of
  from regions
  left join calendar
    on
      regions.region_id = calendar.region_id
      and cast({{ local_time(as_of(), 'regions.time_zone') }} as date) = calendar.local_date
),

watched as (
  select
    appeals.region_id,
    appeals.{{ start }},
    appeals.channel,
    appeals.first_answer_minutes,
    appeals.first_answer_working_minutes,
    appeals.answered_at is null as is_open,
    appeals.closed_at is not null as is_closed,
    coalesce(appeals.outcome = 'solved', false) as is_solved,
    {{ is_on_time('appeals') }} as is_on_time,
    {{ is_judged('appeals') }} as is_judged,
    {{ is_overdue('appeals') }} as is_overdue,
    -- how long it was watched: up to its first answer, or up to as_of while it waits
    coalesce(
      cast(round(appeals.first_answer_minutes * 60) as bigint),
      {{ seconds_between('appeals.registered_at', as_of()) }}
    ) as watched_seconds,
    coalesce(
      cast(round(appeals.first_answer_working_minutes * 60) as bigint),
      cast(
        stated.working_seconds_at_as_of
        - {{ working_seconds_at('registered_day', region_time('appeals.registered_at', 'stated')) }}
        as bigint
      )
    ) as watched_working_seconds
  from appeals
  inner join stated on appeals.region_id = stated.region_id
  left join calendar as registered_day
    on
      appeals.region_id = registered_day.region_id
      and appeals.local_date = registered_day.local_date
  where
    {{ in_touched_slices('appeals.' ~ start, 'appeals') }}
    and {{ in_days_of_touched_slices('appeals.local_date') }}
),

counted as (
  select
    region_id,
    {{ start }},
    channel,
    count(*) as appeals,
    sum(case when is_open then 1 else 0 end) as open_appeals,
    sum(case when is_closed then 1 else 0 end) as closed_appeals,
    sum(case when is_solved then 1 else 0 end) as solved_appeals,
    sum(case when is_judged then 1 else 0 end) as judged_appeals,
    sum(case when is_judged and is_on_time then 1 else 0 end) as on_time_appeals,
    sum(case when is_overdue then 1 else 0 end) as overdue_appeals
  from watched
  group by region_id, {{ start }}, channel
),

scopes as (
  select * from counted
  union all
  select
    region_id,
    {{ start }},
    'all' as channel,
    sum(appeals) as appeals,
    sum(open_appeals) as open_appeals,
    sum(closed_appeals) as closed_appeals,
    sum(solved_appeals) as solved_appeals,
    sum(judged_appeals) as judged_appeals,
    sum(on_time_appeals) as on_time_appeals,
    sum(overdue_appeals) as overdue_appeals
  from counted
  group by region_id, {{ start }}
),

clocks as (
  select
    region_id,
    {{ start }},
    channel,
    'calendar' as clock,
    watched_seconds as watched,
    first_answer_minutes is not null as is_answered
  from watched
  union all
  select
    region_id,
    {{ start }},
    channel,
    'working' as clock,
    watched_working_seconds as watched,
    first_answer_working_minutes is not null as is_answered
  from watched
  where watched_working_seconds is not null
),

moments as (
  select
    region_id,
    {{ start }},
    channel,
    clock,
    watched,
    sum(case when is_answered then 1 else 0 end) as events,
    count(*) as leaving
  from clocks
  group by region_id, {{ start }}, channel, clock, watched
),

moments_of_scopes as (
  select * from moments
  union all
  select
    region_id,
    {{ start }},
    'all' as channel,
    clock,
    watched,
    sum(events) as events,
    sum(leaving) as leaving
  from moments
  group by region_id, {{ start }}, clock, watched
),

{{ times_to_event('moments_of_scopes', ['region_id', start, 'channel', 'clock']) }},

minutes as (
  select
    region_id,
    {{ start }},
    channel,
    clock,
    events as answered_appeals,
    cast(total_time as double) / events / 60 as mean_minutes,
    median_time / 60 as median_minutes,
    p90_time / 60 as p90_minutes,
    cast(km_median_time as double) / 60 as km_median_minutes
  from times_to_event
),

final as (
  select
    scopes.region_id,
    scopes.{{ start }},
    scopes.channel,
    cast(scopes.appeals as bigint) as appeals,
    coalesce(calendar_minutes.answered_appeals, 0) as answered_appeals,
    cast(scopes.open_appeals as bigint) as open_appeals,
    cast(scopes.closed_appeals as bigint) as closed_appeals,
    cast(scopes.solved_appeals as bigint) as solved_appeals,
    cast(scopes.judged_appeals as bigint) as judged_appeals,
    cast(scopes.on_time_appeals as bigint) as on_time_appeals,
    cast(scopes.overdue_appeals as bigint) as overdue_appeals,
    calendar_minutes.mean_minutes as mean_first_answer_minutes,
    calendar_minutes.median_minutes as median_first_answer_minutes,
    calendar_minutes.p90_minutes as p90_first_answer_minutes,
    calendar_minutes.km_median_minutes as km_median_first_answer_minutes,
    working_minutes.mean_minutes as mean_first_answer_working_minutes,
    working_minutes.median_minutes as median_first_answer_working_minutes,
    working_minutes.p90_minutes as p90_first_answer_working_minutes,
    working_minutes.km_median_minutes as km_median_first_answer_working_minutes
  from scopes
  left join minutes as calendar_minutes
    on
      scopes.region_id = calendar_minutes.region_id
      and scopes.{{ start }} = calendar_minutes.{{ start }}
      and scopes.channel = calendar_minutes.channel
      and calendar_minutes.clock = 'calendar'
  left join minutes as working_minutes
    on
      scopes.region_id = working_minutes.region_id
      and scopes.{{ start }} = working_minutes.{{ start }}
      and scopes.channel = working_minutes.channel
      and working_minutes.clock = 'working'
)

select * from final
{%- endmacro %}

{#
  The published table of one period unit: its sums, and how they changed since the period before and since the
  first one of the channel.
#}
{% macro response_times_of(unit) -%}
{%- set start = unit ~ '_start' -%}
with

sums as (
  select * from {{ ref('int_response_times_' ~ unit ~ 'ly') }}
),

regions as (
  select * from {{ ref('int_region_clocks') }}
),

numbered as (
  select
    *,
    {{ previous_period(unit, start) }} as period_before,
    min({{ start }}) over (partition by region_id, channel) as first_period
  from sums
),

final as (
  select
    now.region_id,
    now.{{ start }},
    now.channel,
    {{ is_complete(unit, 'now.' ~ start, 'regions.time_zone') }} as is_complete,
    now.appeals,
    now.answered_appeals,
    now.open_appeals,
    now.overdue_appeals,
    now.judged_appeals,
    now.on_time_appeals,
    {{ share_of('now.on_time_appeals', 'now.judged_appeals') }} as on_time_share,
    now.mean_first_answer_minutes,
    now.median_first_answer_minutes,
    now.p90_first_answer_minutes,
    now.km_median_first_answer_minutes,
    now.mean_first_answer_working_minutes,
    now.median_first_answer_working_minutes,
    now.p90_first_answer_working_minutes,
    now.km_median_first_answer_working_minutes,
    now.mean_first_answer_minutes - before.mean_first_answer_minutes as mean_change_on_previous,
    now.median_first_answer_minutes - before.median_first_answer_minutes as median_change_on_previous,
    now.km_median_first_answer_minutes - before.km_median_first_answer_minutes as km_median_change_on_previous,
    now.mean_first_answer_minutes - earliest.mean_first_answer_minutes as mean_change_on_first,
    now.median_first_answer_minutes - earliest.median_first_answer_minutes as median_change_on_first,
    now.km_median_first_answer_minutes - earliest.km_median_first_answer_minutes as km_median_change_on_first
  from numbered as now
  inner join regions on now.region_id = regions.region_id
  left join numbered as before
    on
      now.region_id = before.region_id
      and now.channel = before.channel
      and now.period_before = before.{{ start }}
  inner join numbered as earliest
    on
      now.region_id = earliest.region_id
      and now.channel = earliest.channel
      and now.first_period = earliest.{{ start }}
)

select * from final
{%- endmacro %}
