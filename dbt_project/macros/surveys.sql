{# Staging of <source>_surveys: newest version of each survey or vote. #}
{% macro survey_rows(source) -%}
with

received as (
  {{ received_rows(source ~ '_surveys', ['region_id', 'survey_id']) | indent(2) }}
),

final as (
  select
    {{ surrogate_key(['region_id', "'" ~ source ~ "_survey'", 'survey_id']) }} as survey_key,
    region_id,
    '{{ source }}' as source,
    title,
    channel,
    territory as territory_label,
    starts_on,
    ends_on,
    participants,
    load_seq
  from received
  where version_rank = 1
)

select * from final
{%- endmacro %}

{# Staging of <source>_options: newest count of each answer. #}
{% macro survey_option_rows(source) -%}
with

received as (
  {{ received_rows(source ~ '_options', ['region_id', 'survey_id', 'question_id', 'option_id', 'territory']) | indent(2) }}
),

final as (
  select
    {{ surrogate_key(['region_id', "'" ~ source ~ "_survey'", 'survey_id']) }} as survey_key,
    {{ surrogate_key(['region_id', "'" ~ source ~ "_survey'", 'survey_id', 'question_id', 'option_id', 'territory']) }}
      as answer_key,
    region_id,
    question_id,
    question,
    option_id,
    option,
    territory as territory_label,
    votes,
    load_seq
  from received
  where version_rank = 1
)

select * from final
{%- endmacro %}
