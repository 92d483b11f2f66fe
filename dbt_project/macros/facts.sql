{#
  Spelling of a place or an organisation without case, ё, quotes, the fast-track star and doubled spaces: what
  joins compare.
#}
{% macro name_key(column) -%}
  trim(replace(translate(lower({{ column }}), 'ё★«»"', 'е'), '  ', ' '))
{%- endmacro %}

{#
  What the source says, else the label: a label never stands in for words of the source, be they ones that no
  list of ours knows.
#}
{% macro unless_told(told, words, label) -%}
  coalesce({{ told }}, case when
    {%- for column in words %} trim(coalesce({{ column }}, '')) = ''{{ ' and' if not loop.last }}{% endfor %}
    then {{ label }} end)
{%- endmacro %}

{# Outcome of an «Инцидент» row from its «Итог»; empty means still open. #}
{# Whether «Текущий шаг инцидента» says that what was answered is not the last word. #}
{% macro incident_is_interim(column) -%}
  coalesce(lower({{ column }}) like '%промежуточн%', false)
{%- endmacro %}

{% macro incident_outcome(column) -%}
  case {{ name_key(column) }}
    when 'решено' then 'solved'
    when 'не решено' then 'not_solved'
    when 'отложено' then 'postponed'
    when 'разъяснено' then 'explained'
  end
{%- endmacro %}

{# Kind of an appeal from the labels its source carries. #}
{% macro appeal_kind(type_column, group_column) -%}
  case
    when {{ name_key(type_column) }} = 'благодарность' or {{ name_key(group_column) }} = 'благодарности' then 'thanks'
    when {{ name_key(type_column) }} = 'вопрос' then 'question'
    when {{ name_key(type_column) }} = 'предложение' then 'proposal'
    else 'complaint'
  end
{%- endmacro %}

{#
  Where exactly an appeal is about, as `address|<hash>` of locality, street and house, or `cell|<row>|<column>`
  of a grid of about 300 m; null where the source tells neither. Never published.
#}
{% macro place_key(locality=none, street=none, house=none, latitude=none, longitude=none) -%}
  case
    {%- if street %}
    when {{ street }} <> '' and {{ house }} <> ''
      then 'address|' || md5(
        {{ street_key("coalesce(" ~ locality ~ ", '')") }} || '|' || {{ street_key(street) }}
        || '|' || {{ street_key(house) }}
      )
    {%- endif %}
    {%- if latitude %}
    when {{ latitude }} is not null and {{ longitude }} is not null
      then 'cell|' || cast(cast(floor({{ latitude }} / 0.0027) as bigint) as {{ dbt.type_string() }})
        || '|' || cast(cast(floor(
          {{ longitude }} * cos(radians(floor({{ latitude }} / 0.0027) * 0.0027)) / 0.0027
        ) as bigint) as {{ dbt.type_string() }})
    {%- endif %}
  end
{%- endmacro %}

{# Spelling of a street or a house without the words that say what it is. #}
{% macro street_key(column) -%}
  replace(replace(replace(replace(replace({{ name_key(column) }}, 'улица', ''), 'ул.', ''), 'дом', ''), 'д.', ''), ' ', '')
{%- endmacro %}

{#
  Working seconds between the first day of the calendar and a moment: those before its day, plus those of
  its day that have passed. `calendar` is the joined row of dim_calendar, `local_moment` wall-clock time.
#}
{% macro working_seconds_at(calendar, local_moment) -%}
  ({{ calendar }}.working_seconds_before + least(
    greatest(
      {{ seconds_between('cast(' ~ calendar ~ '.local_date as timestamp)', local_moment) }} - {{ calendar }}.opens_at_second,
      0
    ),
    {{ calendar }}.working_seconds
  ))
{%- endmacro %}

{# fct_appeals as it stands before this run replaces any of it; nothing before the first build. #}
{% macro standing_appeals() -%}
  {{ return(
    adapter.get_relation(database=target.database or none, schema='facts', identifier='fct_appeals') if execute else none
  ) }}
{%- endmacro %}

{# int_duplicates as it stands before this run; nothing before the first build or when all is built anew. #}
{% macro standing_duplicates() -%}
  {%- if execute and not flags.FULL_REFRESH -%}
  {{ return(adapter.get_relation(database=target.database or none, schema='facts', identifier='int_duplicates')) }}
  {%- else -%}
  {{ return(none) }}
  {%- endif -%}
{%- endmacro %}
