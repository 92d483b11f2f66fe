{#
  Networks whose raw tables have the common shape (ingestion/networks.py). A further network needs its staging
  models, one line each, and its name here; everything after staging reads these lists. They are words of a text
  (`.split()`): sqlfluff lets no macro that others call return a list.
#}
{% macro networks_with(entity) -%}
  {{ {
    'messages': 'vk ok telegram max viber',
    'posts': 'ok telegram max',
    'pages': 'ok telegram max',
  }[entity] }}
{%- endmacro %}

{# All networks' rows of one entity, with the network's name in `source`. #}
{% macro network_union(entity, where='true') -%}
  {%- for network in networks_with(entity).split() %}
  select
    '{{ network }}' as source,
    rows_{{ network }}.*
  from {{ ref('stg_' ~ network ~ '__' ~ entity) }} as rows_{{ network }}
  where {{ where }}
  {{ 'union all' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{# Staging of <source>_messages: newest version of each, without its text. #}
{% macro network_messages(source) -%}
with

received as (
  {{ received_rows(
    source ~ '_messages', ['region_id', 'page_id', 'chat_id', 'message_id'], newest_first=['edited_at']
  ) | indent(2) }}
),

final as (
  select
    {{ surrogate_key(['region_id', "'" ~ source ~ "_message'", 'page_id', 'chat_id', 'message_id']) }} as message_key,
    {{ surrogate_key(['region_id', "'" ~ source ~ "_post'", 'page_id', 'chat_id']) }} as thread_key,
    case
      when reply_to is not null
        then {{ surrogate_key(['region_id', "'" ~ source ~ "_message'", 'page_id', 'chat_id', 'reply_to']) }}
    end as parent_key,
    region_id,
    page_id as network_page_id,
    place,
    author_kind,
    author_page_id,
    author_key,
    created_at,
    length(text) as text_length,
    {{ text_key('text') }} as text_key,
    case when author_kind <> 'citizen' then {{ answer_key('text') }} end as answer_key,
    is_deleted,
    load_seq
  from received
  where version_rank = 1
)

select * from final
order by load_seq
{%- endmacro %}

{# Staging of <source>_posts: newest version of each, without its text. #}
{% macro network_posts(source) -%}
with

received as (
  {{ received_rows(source ~ '_posts', ['region_id', 'page_id', 'post_id']) | indent(2) }}
),

final as (
  select
    {{ surrogate_key(['region_id', "'" ~ source ~ "_post'", 'page_id', 'post_id']) }} as post_key,
    region_id,
    page_id as network_page_id,
    author_kind,
    author_key,
    created_at,
    comments_count,
    likes_count,
    reposts_count,
    views_count,
    {{ text_key('text') }} as text_key,
    is_deleted,
    load_seq
  from received
  where version_rank = 1
)

select * from final
order by load_seq
{%- endmacro %}

{# Staging of <source>_pages: last reading of each page and day. #}
{% macro network_pages(source) -%}
with

readings as (
  {{ daily_readings(source ~ '_pages', ['region_id', 'page_id']) | indent(2) }}
),

final as (
  select
    region_id,
    page_id as network_page_id,
    read_on,
    link_name,
    kind as page_kind,
    members_count,
    has_description,
    has_avatar,
    pos_link,
    deactivated,
    load_seq
  from readings
  where version_rank = 1
)

select * from final
order by load_seq
{%- endmacro %}

{# How long a chat with a bot must have been silent for a citizen's next words to be a new appeal: a day. #}
{% macro session_gap_seconds() -%}
  86400
{%- endmacro %}
