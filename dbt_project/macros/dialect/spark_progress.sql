{# facts.street_progress on Spark: a partition for each model, since that is what can be replaced. #}

{% macro spark__create_street_progress() %}
  {%- if execute -%}
    {%- do run_query('create schema if not exists facts') -%}
    {%- set create -%}
      create table if not exists {{ progress_relation() }} (
        read_to bigint, as_of timestamp, fingerprint string, model string
      )
      using parquet
      partitioned by (model)
      location '{{ lake() }}/tables/facts/street_progress/standing'
    {%- endset -%}
    {%- do run_query(create) -%}
    {%- set known = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | map(attribute='name') | list -%}
    {%- for row in run_query('show partitions ' ~ progress_relation()).rows -%}
      {%- set name = row[0].split('=')[1] -%}
      {%- if name not in known -%}
        {%- do spark_drop_partition(progress_relation(), {'model': name}) -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endif -%}
{% endmacro %}

{% macro spark__advance_progress(log, column) %}
  {%- if execute -%}
    {%- set newest = run_query('select coalesce(max(' ~ column ~ '), -1) from ' ~ log).rows[0][0] | int -%}
    {%- if not (flags.FULL_REFRESH and column == 'load_seq') -%}
      {%- set before = run_query(
        "select max(read_to) from " ~ progress_relation() ~ " where model = '" ~ this.identifier ~ "'"
      ).rows[0][0] -%}
      {%- set newest = [newest, newest if before is none else before | int] | max -%}
    {%- endif -%}
    {%- set write -%}
      insert overwrite {{ progress_relation() }} partition (model = '{{ this.identifier }}')
      select cast({{ newest }} as bigint), {{ as_of() }}, '{{ fingerprint() }}'
    {%- endset -%}
    {%- do run_query(write) -%}
  {%- endif -%}
{% endmacro %}

{% macro spark__prune_slice_changes() %}
  {%- if execute -%}
    {%- set read = run_query('select ' ~ read_by_all(slice_readers())).rows[0][0] | int -%}
    {%- for row in run_query('show partitions ' ~ this).rows -%}
      {%- set change_seq = row[0].split('=')[1] | int -%}
      {%- if change_seq <= read -%}
        {%- do spark_drop_partition(this, {'change_seq': change_seq}) -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endif -%}
{% endmacro %}

{# Spark's tables for one connection are views: they would be asked anew each time. #}
{% macro spark__touched_slices() -%} {{ touched_slices_query() }} {%- endmacro %}

{% macro spark__note_touched_slices() -%} {%- endmacro %}

{# Whole months of a region are what Spark replaces. #}
{% macro spark__is_in_touched_slices(region_id, date_expression) -%}
  ({{ region_id }}, date_format({{ date_expression }}, 'yyyy-MM')) in (
    select slices.region_id, date_format(slices.slice_date, 'yyyy-MM') from {{ touched_slices() }} as slices
  )
{%- endmacro %}

{#
  raw.* as external tables on what dlt landed below OTKLIK_LAKE (ingestion/lake.py). The columns are those documented beside the
  source: files of before a column came read as null there, and a source without files is an empty table.
#}
{% macro spark__create_missing_sources() %}
  {%- if execute -%}
    {%- do run_query('create schema if not exists raw') -%}
    {%- set standing = {} -%}
    {%- for row in run_query("show table extended in raw like '*'").rows -%}
      {%- do standing.update({row[1] | lower: row[3]}) -%}
    {%- endfor -%}
    {%- for source in graph.sources.values() if source.source_name == 'raw' -%}
      {%- set lacking = [] -%}
      {%- for column in source.columns.values()
        if '-- ' ~ column.name | lower ~ ':' not in standing.get(source.identifier, '') -%}
        {%- do lacking.append(column.name) -%}
      {%- endfor -%}
      {%- if lacking -%}
        {%- do run_query('drop table if exists raw.' ~ source.identifier) -%}
        {%- set create -%}
          create table raw.{{ source.identifier }} (
          {%- for column in source.columns.values() %}
            {{ column.name }} {{ spark_type(column.data_type) }}{{ ',' if not loop.last }}
          {%- endfor %}
          )
          using parquet
          location '{{ lake() }}/raw/{{ 'finished_loads' if source.identifier == '_dlt_loads' else source.identifier }}'
        {%- endset -%}
        {%- do run_query(create) -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endif -%}
{% endmacro %}

{# Partitions of the facts are none of days. #}
{% macro spark__is_in_days_of_touched_slices(day, back) -%} true {%- endmacro %}
