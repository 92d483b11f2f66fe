with

final as (
    {{ union_of([
        'int_responses_vk', 'int_responses_network', 'int_responses_pos', 'int_responses_incident', 'int_responses_tickets', 'int_responses_open311'
    ]) | indent(4) }}
)

select * from final
