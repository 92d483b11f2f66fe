{{ config(unique_key='appeal_id') }}

with

received as (
    {{ received_rows(
        'open311_requests',
        ['region_id', 'service_request_id'],
        newest_first=['updated_at']
    ) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', "'open311'", 'service_request_id']) }} as appeal_id,
        region_id,
        service_name as topic_label,
        -- cities begin an address with the place, where they name it at all
        {{ dbt.split_part('address', "','", 1) }} as territory_label,
        status,
        requested_at,
        expected_at,
        -- GeoReport tells no moment of closing: the last change of a closed request stands for it
        case when status = 'closed' then greatest(coalesce(updated_at, requested_at), requested_at) end as closed_at,
        agency_responsible as authority_label,
        {{ place_key(latitude='latitude', longitude='longitude') }} as place_key,
        length(status_notes) as notes_length,
        {{ answer_key('status_notes') }} as answer_key,
        load_seq
    from received
    where version_rank = 1
)

select * from final
order by load_seq
