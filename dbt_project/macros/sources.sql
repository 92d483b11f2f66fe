{#
  A region need not have every source. Raw tables that no load has made yet are made empty, from the types
  documented beside the source, so that a deployment without ПОС or VK still builds; columns that came with a
  newer version of the platform are added, null in what was received before.
#}
{% macro create_missing_sources() %}
  {{ adapter.dispatch('create_missing_sources', 'otklik')() }}
{% endmacro %}

{% macro duckdb__create_missing_sources() %}
  {%- if execute %}
    {%- set standing = {} %}
    {%- set known = run_query("select table_schema, table_name, column_name from information_schema.columns") %}
    {%- for row in known.rows %}
      {%- do standing.update({(row[0] ~ '.' ~ row[1] ~ '.' ~ row[2]) | lower: true}) %}
    {%- endfor %}
    {%- for source in graph.sources.values() if source.source_name == 'raw' %}
      {%- set table = source.schema ~ '.' ~ source.identifier %}
      {%- set lacking = [] %}
      {%- for column in source.columns.values() if (table ~ '.' ~ column.name) | lower not in standing %}
        {%- do lacking.append(column) %}
      {%- endfor %}
      {%- if lacking | length == source.columns | length %}
  create schema if not exists {{ source.schema }};
  create table if not exists {{ table }} (
        {%- for column in source.columns.values() %}
    {{ column.name }} {{ column.data_type }}{{ ',' if not loop.last }}
        {%- endfor %}
  );
      {%- else %}
        {%- for column in lacking %}
  alter table {{ table }} add column if not exists {{ column.name }} {{ column.data_type }};
        {%- endfor %}
      {%- endif %}
    {%- endfor %}
  {%- endif %}
{% endmacro %}

{#
  Rows of finished loads only, each with its load_seq. A load that died half-way leaves rows in raw; they
  are never read. Incremental models see what came after their newest row. `portion` is a key by which the model is
  built in portions (in_portion).
#}
{% macro received_rows(table_name, key_columns, newest_first=[], portion=none) -%}
  select
    received.*,
    loads.load_seq,
    row_number() over (
      partition by {% for key in key_columns %}received.{{ key }}{{ ', ' if not loop.last }}{% endfor %}
      order by loads.load_seq desc
      {%- for column in newest_first %}, received.{{ column }} desc nulls last{% endfor %}, received.fetched_at desc
    ) as version_rank
  from {{ source('raw', table_name) }} as received
  inner join {{ ref('stg_operations__loads') }} as loads on received._dlt_load_id = loads.load_id
  {% if is_incremental() -%}
  where loads.load_seq > {{ last_load_seq() }}
  {%- elif portion -%}
  where {{ in_portion('received.' ~ portion, 'raw.' ~ table_name) }}
  {%- endif %}
{%- endmacro %}

{#
  Rows of a registry table as the newest load of their region carries them: every load of the registry holds
  the whole set, so what is missing from the newest one has left the registry.
#}
{% macro listed_rows(table_name) -%}
  select received.*
  from {{ source('raw', table_name) }} as received
  inner join {{ ref('stg_registry__loads') }} as registry
    on
      received.region_id = registry.region_id
      and received._dlt_load_id = registry.newest_load_id
{%- endmacro %}

{#
  Last reading of each object and local day. A region whose registry came after its readings is read whole
  once its time zone is known.
#}
{% macro daily_readings(table_name, key_columns) -%}
  {%- set keys = key_columns | join(', ') -%}
  select
    readings.*,
    row_number() over (partition by {{ keys }}, read_on order by load_seq desc, fetched_at desc) as version_rank
  from (
    select
      received.*,
      loads.load_seq,
      cast({{ local_time('received.fetched_at', 'regions.time_zone') }} as date) as read_on
    from {{ source('raw', table_name) }} as received
    inner join {{ ref('stg_operations__loads') }} as loads on received._dlt_load_id = loads.load_id
    inner join {{ ref('stg_registry__regions') }} as regions on received.region_id = regions.region_id
    {% if is_incremental() -%}
    where
      loads.load_seq > {{ last_load_seq() }}
      or received.region_id not in (select known.region_id from {{ this }} as known)
    {%- endif %}
  ) as readings
{%- endmacro %}
