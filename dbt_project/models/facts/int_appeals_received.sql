{{ config(materialized='ephemeral') }}

with

final as (
    {{ union_of([
        'int_appeals_vk', 'int_appeals_network', 'int_appeals_pos', 'int_appeals_incident', 'int_appeals_tickets', 'int_appeals_open311'
    ]) | indent(4) }}
)

select * from final
