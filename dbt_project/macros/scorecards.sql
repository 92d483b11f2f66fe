{# The fewest judged appeals of a period that a share is ranked by. #}
{% macro rank_minimum() -%} 30 {%- endmacro %}

{# To how many appeals one answer has to be given to count as a template. #}
{% macro template_minimum() -%} 10 {%- endmacro %}

{#
  CTEs `appeals, touched, spoken, templates`: countable appeals of the touched months with their `subject_id` (a column
  of fct_appeals or an expression over them; `unknown` where it is not known), the answers to them, and the answers
  given to ten or more. `appeals` are those of `back` months before them, too.
#}
{% macro answers_of(subject, back=0) -%}
appeals as (
  select
    *,
    {{ period_start('month', 'local_date') }} as month_start,
    coalesce({{ subject }}, 'unknown') as subject_id
  from {{ ref('fct_appeals') }}
  where
    is_countable
    and {{ in_days_of_touched_slices(back=back) }}
),

responses as (
  select * from {{ ref('fct_responses') }}
),

touched as (
  select * from appeals
  where {{ in_touched_slices('month_start') }}
),

spoken as (
  select
    touched.region_id,
    touched.month_start,
    touched.subject_id,
    touched.appeal_id,
    responses.response_id,
    responses.answer_key,
    responses.is_interim
  from touched
  inner join responses on touched.appeal_id = responses.appeal_id
),

-- that an appeal was passed on may be said in the same words each time; an answer may not
templates as (
  select
    region_id,
    month_start,
    subject_id,
    answer_key
  from spoken
  where
    answer_key is not null
    and not is_interim
  group by region_id, month_start, subject_id, answer_key
  having count(distinct appeal_id) >= {{ template_minimum() }}
)
{%- endmacro %}

{#
  CTEs `…, measured`: figures and guards by region, month and `subject_id`, the subject being a column of
  fct_appeals (an authority, a territory) or an expression over them. `unknown` where it is not known, so that the
  rows add up.
#}
{% macro scorecard(subject, back=0) -%}
{{ answers_of(subject, back) }},

answered_by_template as (
  select distinct spoken.appeal_id
  from spoken
  inner join templates
    on
      spoken.region_id = templates.region_id
      and spoken.month_start = templates.month_start
      and spoken.subject_id = templates.subject_id
      and spoken.answer_key = templates.answer_key
  where not spoken.is_interim
),

interims as (
  select
    appeal_id,
    max(case when is_interim then 0 else 1 end) as finals
  from spoken
  group by appeal_id
  having max(case when is_interim then 1 else 0 end) = 1
),

judged as (
  select
    touched.region_id,
    touched.month_start,
    touched.subject_id,
    touched.first_answer_minutes,
    touched.first_answer_working_minutes,
    touched.answered_at is null as is_open,
    touched.closed_at is not null as is_closed,
    coalesce(touched.outcome = 'solved', false) as is_solved,
    {{ is_on_time('touched') }} as is_on_time,
    {{ is_judged('touched') }} as is_judged,
    {{ is_overdue('touched') }} as is_overdue,
    coalesce({{ seconds_between('touched.registered_at', 'touched.closed_at') }} < 600, false) as is_closed_at_once,
    answered_by_template.appeal_id is not null as is_template,
    interims.appeal_id is not null as has_interim,
    -- before its deadline the final answer may still come
    coalesce(
      interims.finals = 0 and coalesce(touched.final_due_at, touched.due_at) < {{ as_of() }}, false
    ) as is_left_at_interim,
    touched.has_edited_dates is not null as has_history,
    coalesce(touched.has_edited_dates, false) as has_edited_dates,
    coalesce(
      touched.topic_changed_at <= touched.due_at
      and 10 * {{ seconds_between('touched.topic_changed_at', 'touched.due_at') }}
      <= {{ seconds_between('touched.registered_at', 'touched.due_at') }},
      false
    ) as is_topic_changed_late
  from touched
  left join answered_by_template on touched.appeal_id = answered_by_template.appeal_id
  left join interims on touched.appeal_id = interims.appeal_id
),

measured as (
  select
    region_id,
    month_start,
    subject_id,
    count(*) as appeals,
    count(first_answer_minutes) as answered_appeals,
    sum(case when is_open then 1 else 0 end) as open_appeals,
    sum(case when is_overdue then 1 else 0 end) as overdue_appeals,
    sum(case when is_judged then 1 else 0 end) as judged_appeals,
    sum(case when is_judged and is_on_time then 1 else 0 end) as on_time_appeals,
    sum(case when is_closed then 1 else 0 end) as closed_appeals,
    sum(case when is_solved then 1 else 0 end) as solved_appeals,
    {{ mean_minutes('first_answer_minutes') }} as mean_minutes,
    {{ quantile('first_answer_minutes', 0.5) }} as median_minutes,
    {{ quantile('first_answer_working_minutes', 0.5) }} as median_working_minutes,
    sum(case when is_closed_at_once then 1 else 0 end) as closed_at_once,
    sum(case when is_template then 1 else 0 end) as templates,
    sum(case when has_interim then 1 else 0 end) as interims,
    sum(case when is_left_at_interim then 1 else 0 end) as left_at_interim,
    sum(case when has_history then 1 else 0 end) as histories,
    sum(case when is_topic_changed_late then 1 else 0 end) as topic_changed_late,
    sum(case when has_edited_dates then 1 else 0 end) as edited_dates
  from judged
  group by region_id, month_start, subject_id
)
{%- endmacro %}

{# The columns that every scorecard shows, of `peers` (see scorecard_ranks). #}
{% macro scorecard_columns() -%}
    cast(peers.appeals as bigint) as appeals,
    cast(peers.answered_appeals as bigint) as answered_appeals,
    cast(peers.open_appeals as bigint) as open_appeals,
    cast(peers.overdue_appeals as bigint) as overdue_appeals,
    cast(peers.judged_appeals as bigint) as judged_appeals,
    cast(peers.on_time_appeals as bigint) as on_time_appeals,
    peers.on_time_share,
    cast(peers.closed_appeals as bigint) as closed_appeals,
    cast(peers.solved_appeals as bigint) as solved_appeals,
    {{ share_of('peers.solved_appeals', 'peers.closed_appeals') }} as solved_share,
    peers.mean_minutes as mean_first_answer_minutes,
    peers.median_minutes as median_first_answer_minutes,
    peers.median_working_minutes as median_first_answer_working_minutes,
    {{ share_of('peers.closed_at_once', 'peers.closed_appeals') }} as closed_within_10_minutes_share,
    {{ share_of('peers.templates', 'peers.answered_appeals') }} as template_answers_share,
    {{ share_of('peers.left_at_interim', 'peers.interims') }} as interim_without_final_share,
    {{ share_of('peers.topic_changed_late', 'peers.histories') }} as topic_changed_late_share,
    {{ share_of('peers.edited_dates', 'peers.histories') }} as edited_dates_share,
    cast(peers.ranked_peers as integer) as ranked_peers,
    case when peers.no_rank_reason is null then cast(peers.place as integer) end as rank,
    peers.no_rank_reason
{%- endmacro %}

{#
  CTEs `peers`: the rows of `described` (measured, with peer_group; null where the subject is unknown) with
  their place among the peers that may be ranked. Equal shares are told apart by the median working time.
#}
{% macro scorecard_ranks() -%}
shared as (
  select
    *,
    {{ share_of('on_time_appeals', 'judged_appeals') }} as on_time_share,
    peer_group is not null and judged_appeals >= {{ rank_minimum() }} as is_rankable
  from described
),

placed as (
  select
    *,
    sum(case when is_rankable then 1 else 0 end) over (partition by region_id, month_start, peer_group)
      as ranked_peers,
    rank() over (
      partition by region_id, month_start, peer_group, is_rankable
      order by on_time_share desc nulls last, median_working_minutes asc nulls last
    ) as place
  from shared
),

peers as (
  select
    *,
    case
      when peer_group is null then 'not_in_the_registry'
      when not is_rankable then 'fewer_than_{{ rank_minimum() }}_judged_appeals'
      when ranked_peers < 2 then 'no_peer_to_compare_with'
    end as no_rank_reason
  from placed
)
{%- endmacro %}
