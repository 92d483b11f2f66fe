with

responses as (
    {{ union_of([
        'int_responses_vk', 'int_responses_network', 'int_responses_pos', 'int_responses_incident', 'int_responses_tickets', 'int_responses_open311'
    ]) | indent(4) }}
),

final as (
    select * from responses
    where {{ in_portion('appeal_id', 'facts.int_changed_appeals') }}
)

select * from final
