{#
  What the tests of a run look at. Rows of staging and facts carry the load that caused them, and those that came
  before the last build whose tests held were looked at then: a test of millions of rows would cost more than a
  quiet hour's work. Orchestration says `changed` for all runs of a day but the first, which looks at all, as does
  a full refresh, a warning (it shall go on to be told) and whoever runs dbt by hand.
#}
{% macro tests_what_came() -%}
  {{ return(execute and not flags.FULL_REFRESH and env_var('OTKLIK_RUN_TESTS', 'all') == 'changed') }}
{%- endmacro %}

{# Condition of the rows that a test looks at. #}
{% macro came_since_tested(column='load_seq') -%}
  {%- if tests_what_came() -%}
  {{ column }} > (select standing.load_seq from facts.standing_build as standing)
  {%- else -%}
  true
  {%- endif -%}
{%- endmacro %}

{# Overrides dbt's own: what a generic test reads of the table it is attached to. #}
{% macro get_where_subquery(relation) -%}
  {%- set conditions = [config.get('where')] if config.get('where') else [] -%}
  {%- if tests_what_came() and config.get('severity') | lower != 'warn' and carries_load_seq(relation) -%}
    {%- do conditions.append(came_since_tested()) -%}
  {%- endif -%}
  {%- if conditions -%}
    {%- do return('(select * from ' ~ relation ~ ' where ' ~ conditions | join(' and ') ~ ') as dbt_subquery') -%}
  {%- endif -%}
  {%- do return(relation) -%}
{%- endmacro %}

{# Whether a relation is a model that keeps its rows and says of each which load caused it. #}
{% macro carries_load_seq(relation) -%}
  {%- set found = [] -%}
  {%- for node in graph.nodes.values() if node.resource_type == 'model'
    and node.schema == relation.schema and node.alias == relation.identifier
    and node.config.materialized == 'incremental' and 'load_seq' in node.columns -%}
    {%- do found.append(node.name) -%}
  {%- endfor -%}
  {{ return(found != []) }}
{%- endmacro %}
