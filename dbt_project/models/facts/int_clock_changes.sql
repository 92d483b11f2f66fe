{{ config(materialized='table', tags=['after_gate']) }}

with

appeals as (
    select * from {{ ref('fct_appeals') }}
    {% if flags.FULL_REFRESH -%}
        where false
    {%- endif %}
),

-- from the mart that is furthest behind to the one that is furthest ahead
moments as (
    select
        least(min(as_of), {{ as_of() }}) as since,
        greatest(max(as_of), {{ as_of() }}) as until
    from {{ progress_relation() }}
    where model in ('{{ slice_readers() | join("', '") }}')
),

longest as (
    select max(60 * first_answer_minutes) as answer_seconds
    from appeals
),

-- once it has waited longer than any answer took, its further waiting tells nothing new
beginnings as (
    select {{ add_seconds('moments.since', '-1 - cast(longest.answer_seconds as bigint)') }} as waiting_since
    from moments
    cross join longest
),

deadlines as (
    select
        region_id,
        local_date,
        due_at as moves_at
    from appeals
    where
        due_at >= (select moments.since from moments)
        and due_at <= (select moments.until from moments)
    union
    select
        region_id,
        local_date,
        final_due_at as moves_at
    from appeals
    where
        final_due_at >= (select moments.since from moments)
        and final_due_at <= (select moments.until from moments)
),

-- of a day's open appeals the newest says how many of them the clock still moves
waiting as (
    select
        region_id,
        local_date,
        max(registered_at) as moves_at
    from appeals
    where
        first_response_at is null
        and registered_at >= (select beginnings.waiting_since from beginnings)
    group by region_id, local_date
),

final as (
    select
        region_id,
        local_date,
        'deadline' as kind,
        moves_at,
        cast(null as double) as longest_answer_seconds
    from deadlines
    union all
    select
        waiting.region_id,
        waiting.local_date,
        'waiting' as kind,
        waiting.moves_at,
        longest.answer_seconds as longest_answer_seconds
    from waiting
    cross join longest
)

select * from final
