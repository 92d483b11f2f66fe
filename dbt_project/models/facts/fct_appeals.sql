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

batch as (
    select * from {{ ref('int_appeals_batch') }}
),

final as (
    select
        appeal_id,
        region_id,
        source,
        channel,
        intake,
        kind,
        is_countable,
        duplicate_of,
        duplicate_reason,
        campaign_id,
        topic_group,
        topic_id,
        territory_id,
        authority_id,
        page_id,
        age_group,
        author_key,
        created_at,
        registered_at,
        local_date,
        is_fast_track,
        status,
        outcome,
        rating,
        responses_count,
        first_response_at,
        final_response_at,
        closed_at,
        first_due_at,
        final_due_at,
        due_at,
        answered_at,
        first_answer_minutes,
        first_answer_working_minutes,
        place_key,
        topic_changed_at,
        has_edited_dates,
        needs_answer,
        tone,
        label_version,
        label_confidence,
        kind_from_label,
        topic_from_label,
        territory_from_label,
        load_seq
    from batch
)

select * from final
order by local_date
