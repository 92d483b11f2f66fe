{{ config(unique_key='appeal_id') }}

with

received as (
    {{ received_rows(
        'pos_appeals',
        ['region_id', 'pos_id'],
        newest_first=['updated_at'],
        portion='pos_id'
    ) | indent(4) }}
),

-- one name for each use: what is used in two places is kept whole before it is narrowed
arrivals as (
    select * from {{ source('raw', 'pos_appeals') }}
    where {{ in_portion('pos_id', 'raw.pos_appeals') }}
),

appeals as (
    select * from {{ source('raw', 'pos_appeals') }}
    where {{ in_portion('pos_id', 'raw.pos_appeals') }}
),

steps as (
    select * from {{ source('raw', 'pos_statuses') }}
    where {{ in_portion('pos_id', 'raw.pos_appeals') }}
),

statuses as (
    select * from {{ source('raw', 'pos_statuses') }}
    where {{ in_portion('pos_id', 'raw.pos_appeals') }}
),

loads as (
    select * from {{ ref('stg_operations__loads') }}
),

newest as (
    select * from received
    where version_rank = 1
),

-- of each version that came, when its last step was and when it was closed
lives as (
    select
        steps.region_id,
        steps.pos_id,
        steps._dlt_load_id,
        max(steps.changed_at) as last_step_at,
        max(case when steps.status in ('closed', 'rejected') then steps.changed_at end) as closed_at
    from steps
    inner join loads on steps._dlt_load_id = loads.load_id
    {% if is_incremental() %}
        where loads.load_seq > {{ last_load_seq() }}
    {% endif %}
    group by steps.region_id, steps.pos_id, steps._dlt_load_id
),

-- a history is told anew from all its versions whenever one of them came; an appeal that was told once has none,
-- and windows over those as well would be as large as raw
told_again as (
    select
        arrivals.region_id,
        arrivals.pos_id
    from arrivals
    inner join loads on arrivals._dlt_load_id = loads.load_id
    {% if is_incremental() %}
        where loads.load_seq > {{ last_load_seq() }}
    {% endif %}
    group by arrivals.region_id, arrivals.pos_id
    {% if not is_incremental() %}
        having count(*) > 1
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
    select
        region_id,
        pos_id,
        _dlt_load_id,
        max(updated_at) as updated_at
    from versions
    group by region_id, pos_id, _dlt_load_id
),

-- a step whose moment was told otherwise before, or that lies after the last change of its version
moved_steps as (
    select
        statuses.region_id,
        statuses.pos_id
    from statuses
    inner join version_loads
        on
            statuses.region_id = version_loads.region_id
            and statuses.pos_id = version_loads.pos_id
            and statuses._dlt_load_id = version_loads._dlt_load_id
    group by statuses.region_id, statuses.pos_id, statuses.position, statuses.status
    having
        min(statuses.changed_at) <> max(statuses.changed_at)
        or max(case when statuses.changed_at > version_loads.updated_at then 1 else 0 end) = 1
),

edited as (
    select distinct
        region_id,
        pos_id
    from moved_steps
),

final as (
    select
        {{ surrogate_key(['newest.region_id', "'pos'", 'newest.pos_id']) }} as appeal_id,
        newest.region_id,
        newest.kind as pos_kind,
        newest.created_at,
        newest.registered_at,
        newest.updated_at,
        newest.status,
        newest.category as topic_group_label,
        newest.subcategory as topic_label,
        newest.fast_track as is_fast_track,
        newest.municipality as territory_label,
        {{ place_key('newest.locality', 'newest.street', 'newest.house') }} as place_key,
        newest.author_key,
        newest.age_group,
        newest.ogrn,
        newest.outcome,
        newest.rating,
        -- an appeal that was opened again is open, though an older version closed it
        case when newest.status in ('closed', 'rejected') then lives.closed_at end as closed_at,
        topics.topic_changed_at,
        edited.pos_id is not null or coalesce(lives.last_step_at > newest.updated_at, false) as has_edited_dates,
        newest.load_seq
    from newest
    left join lives
        on
            newest.region_id = lives.region_id
            and newest.pos_id = lives.pos_id
            and newest._dlt_load_id = lives._dlt_load_id
    left join topics
        on
            newest.region_id = topics.region_id
            and newest.pos_id = topics.pos_id
    left join edited
        on
            newest.region_id = edited.region_id
            and newest.pos_id = edited.pos_id
)

select * from final
order by load_seq
