with

final as (
    {%- for source in ['vk', 'network', 'pos', 'incident', 'files', 'open311'] %}
    select * from {{ ref('int_responses_' ~ source) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from final
