{{ config(unique_key='appeal_id') }}

with

-- one name for each use: what is used in two places is kept whole before it is narrowed
received as (
    select * from {{ source('raw', 'pos_appeals') }}
),

appeals as (
    select * from {{ source('raw', 'pos_appeals') }}
),

updates as (
    select * from {{ source('raw', 'pos_appeals') }}
),

statuses as (
    select * from {{ source('raw', 'pos_statuses') }}
),

steps as (
    select * from {{ source('raw', 'pos_statuses') }}
),

loads as (
    select * from {{ ref('stg_operations__loads') }}
),

unread as (
    select
        received.region_id,
        received.pos_id,
        loads.load_seq
    from received
    inner join loads on received._dlt_load_id = loads.load_id
    where {% if is_incremental() %} loads.load_seq > {{ last_load_seq() }} {% else %} true {% endif %}
),

-- a history is told anew from all its versions whenever one of them came
touched as (
    select
        region_id,
        pos_id,
        max(load_seq) as load_seq,
        count(*) as versions
    from unread
    group by region_id, pos_id
),

-- windows over appeals that are told once would be as large as raw
told_again as (
    select
        region_id,
        pos_id
    from touched
    {% if not is_incremental() %}
        where versions > 1
    {% endif %}
),

versions as (
    select
        appeals.region_id,
        appeals.pos_id,
        appeals._dlt_load_id,
        appeals.updated_at,
        {{ name_key('appeals.category') }} || '|' || {{ name_key('appeals.subcategory') }} as topic,
        lag({{ name_key('appeals.category') }} || '|' || {{ name_key('appeals.subcategory') }}) over (
            partition by appeals.region_id, appeals.pos_id
            order by loads.load_seq, appeals.updated_at, appeals.fetched_at
        ) as topic_before
    from appeals
    inner join loads on appeals._dlt_load_id = loads.load_id
    inner join told_again
        on
            appeals.region_id = told_again.region_id
            and appeals.pos_id = told_again.pos_id
),

topics as (
    select
        region_id,
        pos_id,
        max(updated_at) as topic_changed_at
    from versions
    where topic <> topic_before
    group by region_id, pos_id
),

version_loads as (
    select distinct
        region_id,
        pos_id,
        _dlt_load_id
    from versions
),

-- a step whose moment was told otherwise before
moved_steps as (
    select
        steps.region_id,
        steps.pos_id
    from steps
    inner join version_loads
        on
            steps.region_id = version_loads.region_id
            and steps.pos_id = version_loads.pos_id
            and steps._dlt_load_id = version_loads._dlt_load_id
    group by steps.region_id, steps.pos_id, steps.position, steps.status
    having min(steps.changed_at) <> max(steps.changed_at)
),

-- added up and not joined: either side of a join would be as large as raw
moments as (
    select
        updates.region_id,
        updates.pos_id,
        updates._dlt_load_id,
        updates.updated_at,
        cast(null as timestamp) as changed_at
    from updates
    inner join loads on updates._dlt_load_id = loads.load_id
    {% if is_incremental() %}
        inner join touched
            on
                updates.region_id = touched.region_id
                and updates.pos_id = touched.pos_id
    {% endif %}
    union all
    select
        statuses.region_id,
        statuses.pos_id,
        statuses._dlt_load_id,
        cast(null as timestamp) as updated_at,
        statuses.changed_at
    from statuses
    inner join loads on statuses._dlt_load_id = loads.load_id
    {% if is_incremental() %}
        inner join touched
            on
                statuses.region_id = touched.region_id
                and statuses.pos_id = touched.pos_id
    {% endif %}
),

-- a step that lies after the last change of its appeal
late_steps as (
    select
        region_id,
        pos_id
    from moments
    group by region_id, pos_id, _dlt_load_id
    having max(changed_at) > max(updated_at)
),

edited as (
    select
        region_id,
        pos_id
    from moved_steps
    union
    select
        region_id,
        pos_id
    from late_steps
),

final as (
    select
        {{ surrogate_key(['touched.region_id', "'pos'", 'touched.pos_id']) }} as appeal_id,
        touched.region_id,
        topics.topic_changed_at,
        edited.pos_id is not null as has_edited_dates,
        touched.load_seq
    from touched
    left join topics
        on
            touched.region_id = topics.region_id
            and touched.pos_id = topics.pos_id
    left join edited
        on
            touched.region_id = edited.region_id
            and touched.pos_id = edited.pos_id
)

select * from final
order by load_seq
