{{ config(slice_unit='month', slice_date='month_start') }}

with

authorities as (
    select * from {{ ref('dim_authorities') }}
),

{{ scorecard('authority_id') }},

described as (
    select
        measured.*,
        authorities.name,
        authorities.level,
        authorities.authority_kind,
        authorities.territory_id,
        case
            when authorities.authority_id is not null
                then coalesce(authorities.level, '') || ' ' || coalesce(authorities.authority_kind, '')
        end as peer_group
    from measured
    left join authorities
        on
            measured.region_id = authorities.region_id
            and measured.subject_id = authorities.authority_id
),

{{ scorecard_ranks() }},

final as (
    select
        peers.region_id,
        peers.month_start,
        peers.subject_id as authority_id,
        coalesce(peers.name, 'не определён') as authority_name,
        peers.level,
        peers.authority_kind,
        peers.peer_group,
        {{ scorecard_columns() }}
    from peers
)

select * from final
