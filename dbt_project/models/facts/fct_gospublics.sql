{{
    config(
        materialized='incremental',
        incremental_strategy='replace_keys',
        unique_key=['page_id', 'local_date'],
        contract={'enforced': true},
        post_hook="{{ advance_progress(ref('int_gospublics_batch'), 'load_seq') }}",
    )
}}

-- depends_on: {{ ref('int_slice_changes') }}

with

batch as (
    select * from {{ ref('int_gospublics_batch') }}
),

gospublics as (
    select * from {{ ref('dim_gospublics') }}
),

authorities as (
    select * from {{ ref('dim_authorities') }}
),

judged as (
    select
        batch.page_id,
        batch.region_id,
        batch.local_date,
        batch.members_count,
        batch.posts,
        batch.comments,
        batch.likes,
        batch.reposts,
        batch.views,
        batch.reach,
        batch.visitors,
        batch.is_connected,
        batch.has_mark,
        batch.design_percent,
        batch.has_avatar,
        batch.has_description,
        batch.has_cover,
        batch.widgets,
        -- the link joins page, organisation and ПОС only when both keys are those of the page's own authority
        case
            when batch.pos_link is not null
                then coalesce(lower(batch.pos_link) || '&' like '%opaid=' || authorities.opa_id || '&%', false)
        end as has_valid_opa_id,
        case
            when batch.pos_link is not null
                then coalesce(lower(batch.pos_link) || '&' like '%utm_campaign=' || authorities.ogrn || '&%', false)
        end as has_valid_ogrn,
        batch.is_dead,
        batch.load_seq
    from batch
    inner join gospublics on batch.page_id = gospublics.page_id
    left join authorities
        on
            gospublics.region_id = authorities.region_id
            and gospublics.authority_id = authorities.authority_id
),

final as (
    select
        page_id,
        region_id,
        local_date,
        members_count,
        posts,
        comments,
        likes,
        reposts,
        views,
        reach,
        visitors,
        is_connected,
        has_mark,
        design_percent,
        has_avatar,
        has_description,
        has_cover,
        widgets,
        has_valid_opa_id,
        has_valid_ogrn,
        has_valid_opa_id and has_valid_ogrn as has_valid_pos_link,
        is_dead,
        load_seq
    from judged
)

select * from final
