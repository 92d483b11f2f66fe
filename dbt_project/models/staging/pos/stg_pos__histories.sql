{{ config(unique_key='appeal_id') }}

with

-- apart from `appeals`: what is used in two places is kept whole before it is narrowed
received as (
    select * from {{ source('raw', 'pos_appeals') }}
),

appeals as (
    select * from {{ source('raw', 'pos_appeals') }}
),

statuses as (
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
        max(load_seq) as load_seq
    from unread
    group by region_id, pos_id
),

versions as (
    select
        appeals.region_id,
        appeals.pos_id,
        appeals._dlt_load_id,
        appeals.updated_at,
        {{ name_key('appeals.category') }} || '|' || {{ name_key('appeals.subcategory') }} as topic,
        row_number() over (
            partition by appeals.region_id, appeals.pos_id
            order by loads.load_seq, appeals.updated_at, appeals.fetched_at
        ) as version
    from appeals
    inner join loads on appeals._dlt_load_id = loads.load_id
    inner join touched
        on
            appeals.region_id = touched.region_id
            and appeals.pos_id = touched.pos_id
),

topics as (
    select
        versions.region_id,
        versions.pos_id,
        max(case when versions.topic <> earlier.topic then versions.updated_at end) as topic_changed_at
    from versions
    left join versions as earlier
        on
            versions.region_id = earlier.region_id
            and versions.pos_id = earlier.pos_id
            and versions.version = earlier.version + 1
    group by versions.region_id, versions.pos_id
),

newest_updates as (
    select
        region_id,
        pos_id,
        _dlt_load_id,
        max(updated_at) as updated_at
    from versions
    group by region_id, pos_id, _dlt_load_id
),

recorded as (
    select
        statuses.region_id,
        statuses.pos_id,
        statuses.changed_at,
        newest_updates.updated_at,
        lag(statuses.changed_at) over (
            partition by statuses.region_id, statuses.pos_id, statuses.position, statuses.status
            order by loads.load_seq, statuses.fetched_at, statuses.changed_at
        ) as changed_at_before
    from statuses
    inner join loads on statuses._dlt_load_id = loads.load_id
    inner join newest_updates
        on
            statuses.region_id = newest_updates.region_id
            and statuses.pos_id = newest_updates.pos_id
            and statuses._dlt_load_id = newest_updates._dlt_load_id
),

-- a step whose moment was told otherwise before, or that lies after the last change of its appeal
edits as (
    select
        region_id,
        pos_id,
        max(case when changed_at <> changed_at_before or changed_at > updated_at then 1 else 0 end) as edited
    from recorded
    group by region_id, pos_id
),

final as (
    select
        {{ surrogate_key(['touched.region_id', "'pos'", 'touched.pos_id']) }} as appeal_id,
        touched.region_id,
        topics.topic_changed_at,
        coalesce(edits.edited, 0) = 1 as has_edited_dates,
        touched.load_seq
    from touched
    inner join topics
        on
            touched.region_id = topics.region_id
            and touched.pos_id = topics.pos_id
    left join edits
        on
            touched.region_id = edits.region_id
            and touched.pos_id = edits.pos_id
)

select * from final
order by load_seq
