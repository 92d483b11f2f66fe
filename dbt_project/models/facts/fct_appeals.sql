{{
    config(
        materialized='incremental',
        incremental_strategy='replace_keys',
        unique_key='appeal_id',
        replace_batch='int_changed_appeals',
        contract={'enforced': true},
        post_hook="{{ advance_progress(ref('int_changed_appeals'), 'load_seq') }}",
    )
}}

-- depends_on: {{ ref('int_slice_changes') }}
-- depends_on: {{ ref('int_changed_appeals') }}
-- the days these appeals leave must be written down before the appeals move

with

clocked as (
    select * from {{ ref('int_appeals_clocked') }}
    where {{ in_portion('appeal_id', 'facts.int_changed_appeals') }}
),

copied as (
    select * from {{ ref('int_appeals_copied') }}
),

final as (
    select
        clocked.appeal_id,
        clocked.region_id,
        clocked.source,
        clocked.channel,
        clocked.intake,
        clocked.kind,
        clocked.is_countable and clocked.kept_appeal_id is null and copied.copy_of is null as is_countable,
        -- a copy that another source is known to carry wins over one told from likeness
        coalesce(clocked.kept_appeal_id, copied.copy_of) as duplicate_of,
        case
            when clocked.kept_appeal_id is not null then 'entered'
            else copied.duplicate_reason
        end as duplicate_reason,
        copied.campaign_id,
        clocked.topic_group,
        clocked.topic_id,
        clocked.territory_id,
        clocked.authority_id,
        clocked.page_id,
        clocked.age_group,
        clocked.author_key,
        clocked.created_at,
        clocked.registered_at,
        clocked.local_date,
        clocked.is_fast_track,
        clocked.status,
        clocked.outcome,
        clocked.rating,
        clocked.responses_count,
        clocked.first_response_at,
        clocked.final_response_at,
        clocked.closed_at,
        clocked.first_due_at,
        clocked.final_due_at,
        clocked.due_at,
        clocked.answered_at,
        clocked.first_answer_minutes,
        clocked.first_answer_working_minutes,
        clocked.place_key,
        clocked.topic_changed_at,
        clocked.has_edited_dates,
        clocked.needs_answer,
        clocked.tone,
        clocked.label_version,
        clocked.label_confidence,
        clocked.kind_from_label,
        clocked.topic_from_label,
        clocked.territory_from_label,
        clocked.load_seq
    from clocked
    left join copied on clocked.appeal_id = copied.appeal_id
)

select * from final
order by local_date
