{#
  Time to the first answer by period and channel, for facts.int_response_times_monthly and _yearly. Channel
  'all' spans the channels: medians do not add up, so it is computed, not summed.
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

scopes as (
  select
    watched.*,
    watched.channel as scope
  from watched
  union all
  select
    watched.*,
    'all' as scope
  from watched
),

clocks as (
  select
    region_id,
    {{ start }},
    scope,
    'calendar' as clock,
    watched_seconds as seconds,
    first_answer_minutes is not null as is_answered
  from scopes
  union all
  select
    region_id,
    {{ start }},
    scope,
    'working' as clock,
    watched_working_seconds as seconds,
    first_answer_working_minutes is not null as is_answered
  from scopes
  where watched_working_seconds is not null
),

{{ kaplan_meier('clocks', ['region_id', start, 'scope', 'clock'], 'seconds', 'is_answered') }},

km_medians as (
  select
    region_id,
    {{ start }},
    scope,
    cast(min(case when clock = 'calendar' then median_time end) as double) / 60 as km_median,
    cast(min(case when clock = 'working' then median_time end) as double) / 60 as km_median_working
  from kaplan_meier
  group by region_id, {{ start }}, scope
),

counted as (
  select
    region_id,
    {{ start }},
    scope,
    count(*) as appeals,
    count(first_answer_minutes) as answered_appeals,
    sum(case when is_open then 1 else 0 end) as open_appeals,
    sum(case when is_closed then 1 else 0 end) as closed_appeals,
    sum(case when is_solved then 1 else 0 end) as solved_appeals,
    sum(case when is_judged then 1 else 0 end) as judged_appeals,
    sum(case when is_judged and is_on_time then 1 else 0 end) as on_time_appeals,
    sum(case when is_overdue then 1 else 0 end) as overdue_appeals,
    {{ mean_minutes('first_answer_minutes') }} as mean_minutes,
    {{ quantile('first_answer_minutes', 0.5) }} as median_minutes,
    {{ quantile('first_answer_minutes', 0.9) }} as p90_minutes,
    {{ mean_minutes('first_answer_working_minutes') }} as mean_working,
    {{ quantile('first_answer_working_minutes', 0.5) }} as median_working,
    {{ quantile('first_answer_working_minutes', 0.9) }} as p90_working
  from scopes
  group by region_id, {{ start }}, scope
),

final as (
  select
    counted.region_id,
    counted.{{ start }},
    counted.scope as channel,
    cast(counted.appeals as bigint) as appeals,
    cast(counted.answered_appeals as bigint) as answered_appeals,
    cast(counted.open_appeals as bigint) as open_appeals,
    cast(counted.closed_appeals as bigint) as closed_appeals,
    cast(counted.solved_appeals as bigint) as solved_appeals,
    cast(counted.judged_appeals as bigint) as judged_appeals,
    cast(counted.on_time_appeals as bigint) as on_time_appeals,
    cast(counted.overdue_appeals as bigint) as overdue_appeals,
    counted.mean_minutes as mean_first_answer_minutes,
    counted.median_minutes as median_first_answer_minutes,
    counted.p90_minutes as p90_first_answer_minutes,
    km_medians.km_median as km_median_first_answer_minutes,
    counted.mean_working as mean_first_answer_working_minutes,
    counted.median_working as median_first_answer_working_minutes,
    counted.p90_working as p90_first_answer_working_minutes,
    km_medians.km_median_working as km_median_first_answer_working_minutes
  from counted
  left join km_medians
    on
      counted.region_id = km_medians.region_id
      and counted.{{ start }} = km_medians.{{ start }}
      and counted.scope = km_medians.scope
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
