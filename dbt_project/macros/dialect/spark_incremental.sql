{#
  Incremental models on Spark, whose Parquet tables know neither update nor delete.

  append          inserted; the table is partitioned by `partition_by`, by which it is pruned.
  replace_keys    a new table of what stands without the batch's keys, and the batch; then the names are
                  exchanged. The cost is a copy of the table; a batch without rows costs nothing.
  replace_slices  the table is partitioned by region and month of its slices. The touched months are built
                  anew and written by insert_overwrite, one folder for another.

  Nothing here is a transaction. How far a model has read (facts.street_progress) is written down after its
  rows, so that a run that died in between is made good by the next, which does it again.
#}
{% materialization incremental, adapter='spark' -%}
  {%- set target = this.incorporate(type='table') -%}
  {%- set strategy = config.get('incremental_strategy') or 'append' -%}
  {%- set builds_on = is_incremental() -%}
  {{ run_hooks(pre_hooks) }}

  {%- if not builds_on -%}
    {%- do adapter.drop_relation(target) -%}
    {%- call statement('main') -%}
      create table {{ target }}
      {{ get_assert_columns_equivalent(compiled_code) if config.get('contract').enforced }}
      using parquet
      {{ spark_partitions(strategy) }}
      location '{{ lake_location(target.schema, target.identifier) }}'
      as {{ spark_batch(strategy, compiled_code) }}
    {%- endcall -%}
  {%- elif strategy == 'append' -%}
    {%- call statement('main') -%}
      insert into {{ target }} by name {{ compiled_code }}
    {%- endcall -%}
  {%- else -%}
    {%- set batch = target.incorporate(path={'identifier': target.identifier ~ '__batch'}) -%}
    {%- do run_query('drop table if exists ' ~ batch) -%}
    {%- call statement('main') -%}
      create table {{ batch }}
      using parquet
      location '{{ lake_location(batch.schema, batch.identifier) }}'
      as {{ spark_batch(strategy, compiled_code) }}
    {%- endcall -%}
    {%- if strategy == 'replace_slices' -%}
      {%- do spark_replace_slices(target, batch) -%}
    {%- else -%}
      {%- do spark_replace_keys(target, batch) -%}
    {%- endif -%}
    {%- do run_query('drop table if exists ' ~ batch) -%}
  {%- endif -%}

  {{ run_hooks(post_hooks) }}
  {{ return({'relations': [target]}) }}
{%- endmaterialization %}

{% macro spark_partitions(strategy) -%}
  {%- if strategy == 'replace_slices' -%} partitioned by (region_id, slice_month)
  {%- elif config.get('partition_by') -%} partitioned by ({{ config.get('partition_by') }})
  {%- endif -%}
{%- endmacro %}

{# The model's rows, with the month of their slice where tables are partitioned by it. #}
{% macro spark_batch(strategy, compiled_code) -%}
  {%- if strategy == 'replace_slices' -%}
  select
    batch.*,
    date_format(batch.{{ config.get('slice_date', 'local_date') }}, 'yyyy-MM') as slice_month
  from ({{ compiled_code }}) as batch
  {%- else -%}
  {{ compiled_code }}
  {%- endif -%}
{%- endmacro %}

{% macro spark_replace_keys(target, batch) -%}
  {%- set keys = config.get('replace_by') or config.get('unique_key') -%}
  {%- set keys = [keys] if keys is string else keys -%}
  {%- set replaced = ref(config.get('replace_batch')) if config.get('replace_batch') else batch -%}
  {%- if run_query('select 1 from ' ~ replaced ~ ' limit 1').rows -%}
    {%- set columns = adapter.get_columns_in_relation(target) | map(attribute='name') | join(', ') -%}
    {%- set next = target.incorporate(path={'identifier': target.identifier ~ '__next'}) -%}
    {%- do run_query('drop table if exists ' ~ next) -%}
    {%- set copy -%}
      create table {{ next }}
      using parquet
      location '{{ lake_location(target.schema, target.identifier) }}'
      as
      select {{ columns }} from {{ target }} as standing
      where not exists (
        select 1 from {{ replaced }} as replaced
        where {% for key in keys %}standing.{{ key }} = replaced.{{ key }}{{ ' and ' if not loop.last }}{% endfor %}
      )
      union all
      select {{ columns }} from {{ batch }}
    {%- endset -%}
    {%- do run_query(copy) -%}
    {#- a death between these two leaves no table, and the next run builds it from all there is -#}
    {%- do run_query('drop table ' ~ target) -%}
    {%- do run_query('alter table ' ~ next ~ ' rename to ' ~ target) -%}
  {%- endif -%}
{%- endmacro %}

{% macro spark_replace_slices(target, batch) -%}
  {%- set touched -%}
    select distinct slices.region_id, date_format(slices.slice_date, 'yyyy-MM') as slice_month
    from {{ touched_slices() }} as slices
  {%- endset -%}
  {%- set filled = run_query('select distinct region_id, slice_month from ' ~ batch).rows | map('join', '|') | list -%}
  {%- set standing = run_query('show partitions ' ~ target).rows | map(attribute=0) | list -%}
  {%- for region_id, slice_month in run_query(touched).rows -%}
    {%- if region_id ~ '|' ~ slice_month not in filled
      and 'region_id=' ~ region_id ~ '/slice_month=' ~ slice_month in standing -%}
      {%- do spark_drop_partition(target, {'region_id': region_id, 'slice_month': slice_month}) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if filled -%}
    {%- do run_query('insert overwrite ' ~ target ~ ' by name select * from ' ~ batch) -%}
  {%- endif -%}
{%- endmacro %}

{# Of an external table `drop partition` forgets the folder only: it is emptied before. #}
{% macro spark_drop_partition(relation, values) -%}
  {%- set spec = [] -%}
  {%- for column, value in values.items() -%}
    {%- do spec.append(column ~ "='" ~ value ~ "'") -%}
  {%- endfor -%}
  {%- set nothing = [] -%}
  {%- for column in adapter.get_columns_in_relation(relation) if column.name not in values -%}
    {%- do nothing.append('cast(null as ' ~ column.dtype ~ ')') -%}
  {%- endfor -%}
  {%- do run_query(
    'insert overwrite ' ~ relation ~ ' partition (' ~ spec | join(', ') ~ ') select ' ~ nothing | join(', ')
    ~ ' where false'
  ) -%}
  {%- do run_query('alter table ' ~ relation ~ ' drop if exists partition (' ~ spec | join(', ') ~ ')') -%}
{%- endmacro %}
