{# What a repeat is told of: appeals of a known topic and municipality, thanks left out; grain appeal. #}
{% macro appeals_that_may_repeat() -%}
select
    *,
    {{ period_start('month', 'local_date') }} as month_start
from {{ ref('fct_appeals') }}
where
    is_countable
    and topic_group is not null
    and territory_id is not null
    and coalesce(kind, 'complaint') <> 'thanks'
{%- endmacro %}

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
