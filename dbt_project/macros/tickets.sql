{#
  Sources of ready-made appeals with answers whose raw tables have the common shape (ingestion/tickets.py). A
  further one needs two staging models, one line each, and its name here: words of a text, as in networks_with.
#}
{% macro ticket_sources() -%}
  files
{%- endmacro %}

{# All such sources' rows of `appeals` or `answers`, with the source's name. #}
{% macro ticket_union(entity) -%}
  {%- for source in ticket_sources().split() %}
  select
    '{{ source }}' as source,
    rows_{{ source }}.*
  from {{ ref('stg_' ~ source ~ '__' ~ entity) }} as rows_{{ source }}
  {{ 'union all' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{# Staging of <source>_appeals: newest version of each, without its text. #}
{% macro ticket_appeals(source) -%}
with

received as (
    {{ received_rows(source ~ '_appeals', ['region_id', 'ticket_id']) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', "'" ~ source ~ "'", 'ticket_id']) }} as appeal_id,
        region_id,
        channel,
        intake,
        kind,
        created_at,
        registered_at,
        closed_at,
        status,
        outcome,
        topic_group as topic_group_label,
        topic as topic_label,
        municipality as territory_label,
        {{ place_key('locality', 'street', 'house', 'latitude', 'longitude') }} as place_key,
        authority as authority_label,
        ogrn,
        author_key,
        age_group,
        rating,
        fast_track as is_fast_track,
        load_seq
    from received
    where version_rank = 1
)

select * from final
order by load_seq
{%- endmacro %}

{# Staging of <source>_answers: newest version of each, without its text. #}
{% macro ticket_answers(source) -%}
with

received as (
    {{ received_rows(source ~ '_answers', ['region_id', 'ticket_id', 'answer_id']) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', "'" ~ source ~ "_answer'", 'ticket_id', 'answer_id']) }} as response_id,
        {{ surrogate_key(['region_id', "'" ~ source ~ "'", 'ticket_id']) }} as appeal_id,
        region_id,
        answered_at,
        kind as answer_kind,
        authority as authority_label,
        ogrn,
        length(text) as text_length,
        {{ answer_key('text') }} as answer_key,
        load_seq
    from received
    where version_rank = 1
)

select * from final
order by load_seq
{%- endmacro %}
