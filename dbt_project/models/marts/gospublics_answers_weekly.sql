{{ config(slice_unit='week', slice_date='week_start') }}

with

appeals as (
    select
        *,
        {{ week_start('local_date') }} as week_start
    from {{ ref('fct_appeals') }}
    where
        is_countable
        and page_id is not null
),

gospublics as (
    select * from {{ ref('dim_gospublics') }}
),

asked as (
    select
        region_id,
        week_start,
        page_id,
        count(*) as appeals,
        count(first_answer_minutes) as answered_appeals,
        sum(case when {{ is_judged() }} then 1 else 0 end) as judged_appeals,
        sum(case when {{ is_judged() }} and {{ is_on_time() }} then 1 else 0 end) as on_time_appeals,
        {{ mean_minutes('first_answer_minutes') }} as mean_first_answer_minutes,
        {{ quantile('first_answer_minutes', 0.5) }} as median_first_answer_minutes,
        {{ quantile('first_answer_working_minutes', 0.5) }} as median_first_answer_working_minutes
    from appeals
    where {{ in_touched_slices('week_start') }}
    group by region_id, week_start, page_id
),

final as (
    select
        asked.region_id,
        asked.week_start,
        asked.page_id,
        gospublics.name as page_name,
        gospublics.network,
        gospublics.authority_id,
        coalesce(gospublics.territory_id, 'unknown') as territory_id,
        cast(asked.appeals as bigint) as appeals,
        cast(asked.answered_appeals as bigint) as answered_appeals,
        {{ share_of('asked.answered_appeals', 'asked.appeals') }} as answered_share,
        cast(asked.judged_appeals as bigint) as judged_appeals,
        {{ share_of('asked.on_time_appeals', 'asked.judged_appeals') }} as on_time_share,
        asked.mean_first_answer_minutes,
        asked.median_first_answer_minutes,
        asked.median_first_answer_working_minutes
    from asked
    left join gospublics on asked.page_id = gospublics.page_id
)

select * from final
