with

messages as (
    select * from {{ ref('int_appeals_received') }}
    where {{ in_portion('appeal_id', 'facts.int_changed_appeals') }}
),

duplicates as (
    select * from {{ ref('int_duplicates') }}
),

labels as (
    select * from {{ ref('stg_labels__labels') }}
),

responses as (
    select
        appeal_id,
        count(*) as responses_count,
        min(responded_at) as first_response_at,
        min(case when not is_interim then responded_at end) as first_final_at,
        max(case when not is_interim then responded_at end) as final_response_at,
        min(case when is_interim then responded_at end) as first_interim_at
    from {{ ref('int_changed_responses') }}
    where {{ in_portion('appeal_id', 'facts.int_changed_appeals') }}
    group by appeal_id
),

regions as (
    select * from {{ ref('int_region_clocks') }}
),

territory_names as (
    select * from {{ ref('int_territory_names') }}
),

topic_group_names as (
    select * from {{ ref('int_topic_group_names') }}
),

topics as (
    select * from {{ ref('dim_topics') }}
),

calendar as (
    select * from {{ ref('dim_calendar') }}
),

quarters as (
    select * from {{ ref('int_working_quarters') }}
),

regimes as (
    select * from {{ ref('int_regimes') }}
),

labelled as (
    select
        messages.*,
        regions.time_zone,
        regions.steady_since,
        regions.steady_offset_seconds,
        coalesce(messages.kind, labels.kind) as known_kind,
        {{ unless_told(
            'coalesce(messages.territory_id, territory_names.territory_id)', ['messages.territory_label'],
            'labels.territory_id'
        ) }} as known_territory_id,
        {{ unless_told(
            'topic_group_names.topic_group', ['messages.topic_group_label', 'messages.topic_label'],
            'labels.topic_group'
        ) }} as known_topic_group,
        {{ unless_told(
            'topics.topic_id', ['messages.topic_group_label', 'messages.topic_label'], 'label_topics.topic_id'
        ) }} as known_topic_id,
        coalesce(messages.territory_id, territory_names.territory_id) as told_territory_id,
        topic_group_names.topic_group as told_topic_group,
        labels.appeal_id is not null as has_label,
        labels.needs_answer,
        labels.tone,
        labels.label_version,
        labels.label_confidence,
        -- a deadline hangs on what the source says: no guess of ours shortens it
        coalesce(messages.is_fast_track, topics.is_fast_track, false) as is_on_fast_track,
        {{ region_time('messages.registered_at', 'regions') }} as registered_local,
        duplicates.kept_appeal_id,
        cast(responses.responses_count as integer) as responses_count,
        responses.first_response_at,
        responses.first_final_at,
        responses.final_response_at,
        responses.first_interim_at,
        {{ region_time('responses.first_response_at', 'regions') }} as first_response_local,
        cast({{ region_time('responses.first_interim_at', 'regions') }} as date) as first_interim_date
    from messages
    inner join regions on messages.region_id = regions.region_id
    left join responses on messages.appeal_id = responses.appeal_id
    left join duplicates on messages.appeal_id = duplicates.appeal_id
    left join territory_names
        on
            messages.region_id = territory_names.region_id
            and {{ name_key('messages.territory_label') }} = territory_names.name_key
    left join topic_group_names
        on {{ name_key('messages.topic_group_label') }} = topic_group_names.name_key
    left join topics
        on
            topic_group_names.topic_group = topics.topic_group
            and {{ name_key('messages.topic_label') }} = {{ name_key('topics.label_ru') }}
    left join labels on messages.appeal_id = labels.appeal_id
    left join topics as label_topics
        on
            labels.topic_group = label_topics.topic_group
            and labels.topic_id = label_topics.topic_id
),

-- the clocks: working seconds at registration and at the first answer, and the rule in force that day
timed as (
    select
        labelled.*,
        cast(labelled.registered_local as date) as local_date,
        {{ working_seconds_at('registered_day', 'labelled.registered_local') }} as registered_working_seconds,
        {{ working_seconds_at('answered_day', 'labelled.first_response_local') }} as answered_working_seconds,
        regimes.first_amount,
        regimes.first_unit,
        regimes.final_amount,
        regimes.final_unit,
        interim_day.working_days_through + regimes.after_interim_amount as after_interim_working_day,
        -- null outside working hours' regimes: as a condition of the join it would make a nested loop of it
        case
            when regimes.first_unit = 'working_hours'
                then cast(floor((
                    {{ working_seconds_at('registered_day', 'labelled.registered_local') }}
                    + regimes.first_amount * 3600 - 1
                ) / 900) as bigint)
        end as due_quarter_number
    from labelled
    left join calendar as registered_day
        on
            labelled.region_id = registered_day.region_id
            and cast(labelled.registered_local as date) = registered_day.local_date
    left join calendar as answered_day
        on
            labelled.region_id = answered_day.region_id
            and cast(labelled.first_response_local as date) = answered_day.local_date
    left join calendar as interim_day
        on
            labelled.region_id = interim_day.region_id
            and labelled.first_interim_date = interim_day.local_date
    left join regimes
        on
            labelled.region_id = regimes.region_id
            and cast(labelled.registered_local as date) = regimes.local_date
            and labelled.intake = regimes.intake
            and labelled.is_on_fast_track = regimes.is_fast_track
),

due as (
    select
        timed.*,
        case timed.first_unit
            when 'calendar_hours'
                then {{ add_seconds('timed.registered_at', 'timed.first_amount * 3600') }}
            when 'working_hours'
                then {{ region_utc_time(
                    add_seconds(
                        'cast(due_quarter.local_date as timestamp)',
                        'due_quarter.opens_at_second + timed.registered_working_seconds'
                        ~ ' + timed.first_amount * 3600 - due_quarter.working_seconds_before'
                    ),
                    'timed'
                ) }}
        end as first_due_at,
        case
            -- a term in days ends at midnight after its last day
            when timed.final_unit = 'calendar_days'
                then {{ region_utc_time(
                    'cast(' ~ add_days('timed.local_date', 'timed.final_amount + 1') ~ ' as timestamp)',
                    'timed'
                ) }}
            when after_interim_day.local_date is not null
                then {{ region_utc_time(
                    'cast(' ~ add_days('after_interim_day.local_date', '1') ~ ' as timestamp)',
                    'timed'
                ) }}
            -- where no rule of ours applies, what the source itself promised
            when timed.first_unit is null then timed.promised_at
        end as final_due_at
    from timed
    left join quarters as due_quarter
        on
            timed.region_id = due_quarter.region_id
            and timed.due_quarter_number = due_quarter.quarter_number
    left join calendar as after_interim_day
        on
            timed.region_id = after_interim_day.region_id
            and timed.after_interim_working_day = after_interim_day.working_days_through
            and after_interim_day.is_working_day
),

final as (
    select
        appeal_id,
        region_id,
        source,
        channel,
        intake,
        known_kind as kind,
        is_countable,
        kept_appeal_id,
        known_topic_group as topic_group,
        known_topic_id as topic_id,
        known_territory_id as territory_id,
        authority_id,
        page_id,
        age_group,
        author_key,
        created_at,
        registered_at,
        local_date,
        is_on_fast_track as is_fast_track,
        coalesce(
            source_status,
            case when first_response_at is not null then 'answered' else 'registered' end
        ) as status,
        outcome,
        rating,
        coalesce(responses_count, 0) as responses_count,
        first_response_at,
        final_response_at,
        closed_at,
        first_due_at,
        final_due_at,
        coalesce(first_due_at, final_due_at) as due_at,
        -- the first final answer: one that adds to it months later is no delay
        case when first_due_at is not null then first_response_at else first_final_at end as answered_at,
        cast({{ seconds_between('registered_at', 'first_response_at') }} as double) / 60 as first_answer_minutes,
        cast(answered_working_seconds - registered_working_seconds as double) / 60
            as first_answer_working_minutes,
        place_key,
        topic_changed_at,
        has_edited_dates,
        needs_answer,
        tone,
        label_version,
        label_confidence,
        case when has_label then kind is null and known_kind is not null end as kind_from_label,
        case when has_label then told_topic_group is null and known_topic_group is not null end
            as topic_from_label,
        case when has_label then told_territory_id is null and known_territory_id is not null end
            as territory_from_label,
        load_seq
    from due
)

select * from final
