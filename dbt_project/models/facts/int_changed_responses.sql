with

changed as (
    select * from {{ ref('int_changed_appeals') }}
),

vk_comments as (
    select * from {{ ref('int_vk_branches') }}
),

gospublics as (
    select * from {{ ref('dim_gospublics') }}
),

pos_answers as (
    select * from {{ ref('stg_pos__answers') }}
),

pos_appeals as (
    select * from {{ ref('stg_pos__appeals') }}
),

authority_keys as (
    select * from {{ ref('int_authority_keys') }}
),

incident_appeals as (
    select * from {{ ref('stg_incident__appeals') }}
),

network_branches as (
    select * from {{ ref('int_network_branches') }}
),

files_appeals as (
    select * from {{ ref('stg_files__appeals') }}
),

files_answers as (
    select * from {{ ref('stg_files__answers') }}
),

open311_requests as (
    select * from {{ ref('stg_open311__requests') }}
),

vk_responses as (
    select
        changed.appeal_id,
        changed.region_id,
        changed.source,
        comments.comment_key as response_id,
        comments.created_at as responded_at,
        authors.authority_id,
        case
            when authors.is_coordinator then 'coordinator'
            when comments.author_page_id = comments.owner_id and comments.is_on_own_wall then 'own'
            else 'other'
        end as author_kind,
        false as is_interim,
        comments.text_length
    from changed
    inner join vk_comments as comments on changed.appeal_id = comments.appeal_id
    left join gospublics as authors
        on
            comments.region_id = authors.region_id
            and comments.author_page_id = authors.vk_owner_id
    where
        changed.source = 'vk'
        and comments.author_kind = 'community'
        and not comments.is_deleted
        -- an official page answers inside a branch or under a citizen's post; its own new branch is news
        and (not comments.is_branch_root or comments.is_under_citizen_post)
        -- outside own walls only pages of the registry speak officially
        and (
            authors.page_id is not null
            or (comments.author_page_id = comments.owner_id and comments.is_on_own_wall)
        )
),

pos_responses as (
    select
        changed.appeal_id,
        changed.region_id,
        changed.source,
        answers.response_id,
        answers.answered_at as responded_at,
        authority_keys.authority_id,
        case when answers.ogrn = appeals.ogrn then 'own' else 'other' end as author_kind,
        answers.answer_kind = 'interim' as is_interim,
        answers.text_length
    from changed
    inner join pos_appeals as appeals on changed.appeal_id = appeals.appeal_id
    -- an answer the newest version of the appeal no longer carries was withdrawn
    inner join pos_answers as answers
        on
            appeals.appeal_id = answers.appeal_id
            and appeals.load_seq = answers.load_seq
    left join authority_keys
        on
            answers.region_id = authority_keys.region_id
            and authority_keys.key_kind = 'ogrn'
            and answers.ogrn = authority_keys.authority_key
    where changed.source = 'pos'
),

incident_responses as (
    select
        changed.appeal_id,
        changed.region_id,
        changed.source,
        {{ surrogate_key(['appeals.appeal_id', "'first answer'"]) }} as response_id,
        appeals.first_answered_at as responded_at,
        authority_keys.authority_id,
        'own' as author_kind,
        false as is_interim,
        appeals.first_answer_length as text_length
    from changed
    inner join incident_appeals as appeals on changed.appeal_id = appeals.appeal_id
    left join authority_keys
        on
            appeals.region_id = authority_keys.region_id
            and authority_keys.key_kind = 'name'
            and {{ name_key('appeals.authority_label') }} = authority_keys.authority_key
    where
        changed.source = 'incident'
        and appeals.first_answered_at is not null
),

network_responses as (
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
        branches.text_length
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
),

files_responses as (
    select
        changed.appeal_id,
        changed.region_id,
        changed.source,
        answers.response_id,
        answers.answered_at as responded_at,
        coalesce(registrations.authority_id, names.authority_id) as authority_id,
        case
            when
                coalesce(answers.ogrn, appeals.ogrn, '') = coalesce(appeals.ogrn, '')
                and coalesce({{ name_key('answers.authority_label') }}, {{ name_key('appeals.authority_label') }}, '')
                = coalesce({{ name_key('appeals.authority_label') }}, '')
                then 'own'
            else 'other'
        end as author_kind,
        answers.answer_kind = 'interim' as is_interim,
        answers.text_length
    from changed
    inner join files_appeals as appeals on changed.appeal_id = appeals.appeal_id
    inner join files_answers as answers on appeals.appeal_id = answers.appeal_id
    left join authority_keys as registrations
        on
            answers.region_id = registrations.region_id
            and registrations.key_kind = 'ogrn'
            and coalesce(answers.ogrn, appeals.ogrn) = registrations.authority_key
    left join authority_keys as names
        on
            answers.region_id = names.region_id
            and names.key_kind = 'name'
            and {{ name_key('coalesce(answers.authority_label, appeals.authority_label)') }} = names.authority_key
    where changed.source = 'files'
),

-- GeoReport knows no answers; a request that is closed was answered when it was closed
open311_responses as (
    select
        changed.appeal_id,
        changed.region_id,
        changed.source,
        {{ surrogate_key(['requests.appeal_id', "'closed'"]) }} as response_id,
        requests.closed_at as responded_at,
        authority_keys.authority_id,
        'own' as author_kind,
        false as is_interim,
        requests.notes_length as text_length
    from changed
    inner join open311_requests as requests on changed.appeal_id = requests.appeal_id
    left join authority_keys
        on
            requests.region_id = authority_keys.region_id
            and authority_keys.key_kind = 'name'
            and {{ name_key('requests.authority_label') }} = authority_keys.authority_key
    where
        changed.source = 'open311'
        and requests.closed_at is not null
),

final as (
    select * from vk_responses
    union all
    select * from pos_responses
    union all
    select * from incident_responses
    union all
    select * from network_responses
    union all
    select * from files_responses
    union all
    select * from open311_responses
)

select * from final
