{#
  A region need not have every source. Raw tables that no load has made yet are made empty, from the types
  documented beside the source, so that a deployment without ПОС or VK still builds.
#}
{% macro create_missing_sources() %}
  {%- if execute %}
    {%- for source in graph.sources.values() if source.source_name == 'raw' %}
  create schema if not exists {{ source.schema }};
  create table if not exists {{ source.schema }}.{{ source.identifier }} (
      {%- for column in source.columns.values() %}
    {{ column.name }} {{ column.data_type }}{{ ',' if not loop.last }}
      {%- endfor %}
  );
    {%- endfor %}
  {%- endif %}
{% endmacro %}

{#
  Rows of finished loads only, each with its load_seq. A load that died half-way leaves rows in raw; they
  are never read. Incremental models see what came after their newest row.
#}
{% macro received_rows(table_name, key_columns, newest_first=[]) -%}
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
  {%- endif %}
{%- endmacro %}

{#
  Rows of a small registry with their whole history: newest version first, and `mapping_seq`, the load that
  last changed a column on which facts depend (a page that moved to another authority, a new spelling of a
  municipality). Facts rebuild a region's appeals when its mapping_seq passes their own newest load.
#}
{% macro versioned_rows(table_name, key_columns, mapped_columns) -%}
  {%- set keys = key_columns | join(', ') -%}
  select
    hashed.*,
    max(case when mapping_hash = previous_mapping_hash then null else load_seq end)
      over (partition by {{ keys }}) as mapping_seq,
    max(load_seq) over (partition by region_id) as newest_load_seq,
    row_number() over (partition by {{ keys }} order by load_seq desc, fetched_at desc) as version_rank
  from (
    select
      versions.*,
      lag(mapping_hash) over (partition by {{ keys }} order by load_seq, fetched_at) as previous_mapping_hash
    from (
      select
        received.*,
        loads.load_seq,
        {{ surrogate_key(mapped_columns) }} as mapping_hash
      from {{ source('raw', table_name) }} as received
      inner join {{ ref('stg_operations__loads') }} as loads on received._dlt_load_id = loads.load_id
    ) as versions
  ) as hashed
{%- endmacro %}
