{# Appeals and how many of them repeat, all and those whose place is known; grain region × month × municipality × topic group. #}
{% macro repeat_counts(appeals) -%}
select
    region_id,
    month_start,
    territory_id,
    topic_group,
    count(*) as appeals,
    sum(case when is_repeat then 1 else 0 end) as repeats,
    sum(case when place_kind <> 'territory' then 1 else 0 end) as placed_appeals,
    sum(case when is_repeat and place_kind <> 'territory' then 1 else 0 end) as placed_repeats
from {{ appeals }}
group by region_id, month_start, territory_id, topic_group
{%- endmacro %}
