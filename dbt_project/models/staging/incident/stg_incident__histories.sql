{{ config(unique_key='appeal_id') }}

with

appeals as (
    select * from {{ source('raw', 'incident_appeals') }}
),

loads as (
    select * from {{ ref('stg_operations__loads') }}
),

unread as (
    select
        appeals.region_id,
        appeals.incident_id,
        loads.load_seq
    from appeals
    inner join loads on appeals._dlt_load_id = loads.load_id
    where {% if is_incremental() %} loads.load_seq > {{ last_load_seq() }} {% else %} true {% endif %}
),

-- a history is told anew from all its versions whenever one of them came
touched as (
    select
        region_id,
        incident_id,
        max(load_seq) as load_seq
    from unread
    group by region_id, incident_id
),

versions as (
    select
        appeals.region_id,
        appeals.incident_id,
        appeals.fetched_at,
        {{ name_key('appeals.topic_group') }} || '|' || {{ name_key('appeals.topic') }} as topic,
        appeals.created_at,
        appeals.first_answered_at,
        appeals.closed_at,
        {{ incident_is_interim('appeals.step') }} and appeals.first_answered_at is not null as is_interim,
        length(appeals.first_answer_text) as answer_length,
        {{ answer_key('appeals.first_answer_text') }} as answer_key,
        row_number() over (
            partition by appeals.region_id, appeals.incident_id
            order by loads.load_seq, appeals.file_name, appeals.row_number
        ) as version,
        touched.load_seq
    from appeals
    inner join loads on appeals._dlt_load_id = loads.load_id
    inner join touched
        on
            appeals.region_id = touched.region_id
            and appeals.incident_id = touched.incident_id
),

compared as (
    select
        versions.region_id,
        versions.incident_id,
        versions.load_seq,
        -- an export tells no moment of a change: it lies before the export that first shows it
        case when versions.topic <> earlier.topic then versions.fetched_at end as topic_changed_at,
        case
            when
                versions.created_at <> earlier.created_at
                or versions.first_answered_at <> earlier.first_answered_at
                or versions.closed_at <> earlier.closed_at
                then 1
            else 0
        end as edited
    from versions
    left join versions as earlier
        on
            versions.region_id = earlier.region_id
            and versions.incident_id = earlier.incident_id
            and versions.version = earlier.version + 1
),

-- an interim answer is told until the final one takes its place in the row
interims as (
    select
        region_id,
        incident_id,
        first_answered_at,
        answer_length,
        answer_key,
        row_number() over (partition by region_id, incident_id order by version desc) as newest_rank
    from versions
    where is_interim
),

told as (
    select
        region_id,
        incident_id,
        max(topic_changed_at) as topic_changed_at,
        max(edited) = 1 as has_edited_dates,
        max(load_seq) as load_seq
    from compared
    group by region_id, incident_id
),

final as (
    select
        {{ surrogate_key(['told.region_id', "'incident'", 'told.incident_id']) }} as appeal_id,
        told.region_id,
        told.topic_changed_at,
        told.has_edited_dates,
        interims.first_answered_at as interim_answered_at,
        interims.answer_length as interim_answer_length,
        interims.answer_key as interim_answer_key,
        told.load_seq
    from told
    left join interims
        on
            told.region_id = interims.region_id
            and told.incident_id = interims.incident_id
            and interims.newest_rank = 1
)

select * from final
order by load_seq
