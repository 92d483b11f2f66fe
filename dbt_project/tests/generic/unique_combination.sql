{% test unique_combination(model, columns) %}
{# The grain: no two rows share these columns, and none of them is null. #}
select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1 {% for column in columns %} or max(case when {{ column }} is null then 1 else 0 end) = 1{% endfor %}
{% endtest %}
