{{
    config(
        materialized='incremental',
        incremental_strategy='replace_keys',
        unique_key='appeal_id',
        post_hook="{{ advance_progress(ref('int_changed_texts'), 'load_seq') }}",
    )
}}

with

changed as (
    select * from {{ ref('int_changed_texts') }}
),

social as (
    select
        texts.*,
        changed.load_seq as changed_seq
    from {{ ref('int_social_texts') }} as texts
    inner join changed
        on
            texts.region_id = changed.region_id
            and texts.text_key = changed.text_key
),

incidents as (
    select appeals.*
    from {{ ref('stg_incident__appeals') }} as appeals
    inner join changed
        on
            appeals.region_id = changed.region_id
            and appeals.text_key = changed.text_key
),

-- one message is one incident: of several equal texts the n-th written is the n-th entered
social_in_order as (
    select
        *,
        row_number() over (partition by region_id, text_key order by created_at, appeal_id) as place
    from social
),

incidents_in_order as (
    select
        *,
        row_number() over (partition by region_id, text_key order by created_at, appeal_id) as place
    from incidents
),

paired as (
    select
        social.appeal_id,
        social.source,
        social.region_id,
        social.text_key,
        -- people enter a message within days of its being written; an hour is for clocks that differ
        case
            when {{ seconds_between('social.created_at', 'incidents.created_at') }} between -3600 and 7 * 86400
                then incidents.appeal_id
        end as kept_appeal_id,
        social.changed_seq as load_seq
    from social_in_order as social
    inner join incidents_in_order as incidents
        on
            social.region_id = incidents.region_id
            and social.text_key = incidents.text_key
            and social.place = incidents.place
),

-- what was a duplicate and is none any more stays as a row that says so: its appeal has to be told anew
parted as (
    {% if is_incremental() -%}
        select
            standing.appeal_id,
            standing.source,
            standing.region_id,
            standing.text_key,
            cast(null as {{ dbt.type_string() }}) as kept_appeal_id,
            changed.load_seq
        from {{ this }} as standing
        inner join changed
            on
                standing.region_id = changed.region_id
                and standing.text_key = changed.text_key
        left join paired on standing.appeal_id = paired.appeal_id
        where paired.appeal_id is null
    {%- else -%}
        select * from paired
        where false
    {%- endif %}
),

final as (
    select * from paired
    union all
    select * from parted
)

select * from final
