{{ config(materialized='ephemeral') }}

with

changed as (
    select * from {{ ref('int_changed_appeals') }}
),

gospublics as (
    select * from {{ ref('dim_gospublics') }}
),

network_branches as (
    select * from {{ ref('int_network_branches') }}
),

final as (
    select
        changed.appeal_id,
        changed.region_id,
        changed.source,
        branches.message_key as response_id,
        branches.created_at as responded_at,
        authors.authority_id,
        case
            when authors.is_coordinator then 'coordinator'
            when
                branches.author_kind = 'operator'
                or branches.author_page_id = branches.network_page_id
                then 'own'
            else 'other'
        end as author_kind,
        false as is_interim,
        branches.text_length,
        branches.answer_key
    from changed
    inner join network_branches as branches on changed.appeal_id = branches.appeal_id
    left join gospublics as authors
        on
            branches.region_id = authors.region_id
            and branches.source = authors.network
            and branches.author_page_id = authors.network_page_id
    where
        branches.author_kind in ('page', 'operator')
        and not branches.is_deleted
        -- an official page answers inside a branch or under a citizen's post; its own new branch is news
        and (not branches.is_root or branches.is_under_citizen_post)
        -- pages speak officially where they are at home, elsewhere only those of the registry
        and (
            branches.author_kind = 'operator'
            or branches.author_page_id = branches.network_page_id
            or authors.page_id is not null
        )
)

select * from final
