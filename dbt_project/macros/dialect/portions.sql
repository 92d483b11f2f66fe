{#
  What is built from all there is (a first build, a full refresh, a registry that maps all anew) is built in portions
  of its keys, one after the other, each of so many rows that memory holds them: what an engine writes aside it
  reads again, and joins, windows and sorts that all have to at the same time can end for want of memory.

  A model asks for it by `where in_portion(key, table)` on each import that is as large as `table`, whose rows say
  how many portions there are. Rows of one key may meet those of another only in what is not asked for so. The
  table's own rows lie in order within a portion.
#}
{% macro in_portion(key, table) -%} {{ adapter.dispatch('in_portion', 'otklik')(key, table) }} {%- endmacro %}

{% macro default__in_portion(key, table) -%} true {%- endmacro %}

{% macro duckdb__in_portion(key, table) -%}
  {%- set portions = duckdb_portions(table) if execute else 1 -%}
  {%- if portions > 1 -%} hash({{ key }}) % {{ portions }} = 0 {{ portion_mark(portions) }} {%- else -%} true {%- endif -%}
{%- endmacro %}

{# Stands behind the number of the portion, for duckdb__create_table_as to find. #}
{% macro portion_mark(portions) -%} /* of {{ portions }} portions */ {%- endmacro %}

{#
  One for each 1,400 bytes a row that memory does not hold: what an appeal takes in a window, a join and a sort at
  once (python -m benchmarks.refresh --rows 50000000). What staging reads of raw in an incremental run is little.
#}
{% macro duckdb_portions(table) -%}
  {%- if table.startswith('raw.') and is_incremental() -%}
  {{ return(1) }}
  {%- endif -%}
  {%- set asked -%}
    with allowed as (
      select
        regexp_extract(current_setting('memory_limit'), '[0-9.]+') as amount,
        regexp_extract(current_setting('memory_limit'), '[A-Za-z]') as unit
    )
    select cast(ceil(
      tables.estimated_size * 1400 / (cast(allowed.amount as double) * pow(1024, instr('KMGT', allowed.unit)))
    ) as integer)
    from duckdb_tables() as tables
    cross join allowed
    where
      tables.database_name = current_database()
      and tables.schema_name || '.' || tables.table_name = '{{ table }}'
  {%- endset -%}
  {%- set found = run_query(asked).rows -%}
  {{ return(found[0][0] if found else 1) }}
{%- endmacro %}

{# dbt's own statement, and once more for each further portion. #}
{% macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none) -%}
  {{ dbt.duckdb__create_table_as(temporary, relation, compiled_code, language, partitioned_by, sorted_by) }}
  {%- set marked = modules.re.search('= 0 /\\* of ([0-9]+) portions \\*/', compiled_code) if language == 'sql' -%}
  {%- if marked -%}
    {%- for portion in range(1, marked.group(1) | int) %}
  ;
  insert into {{ relation.include(database=(not temporary), schema=(not temporary)) }} by name (
    {{ compiled_code | replace(marked.group(0), '= ' ~ portion ~ ' ' ~ portion_mark(marked.group(1))) }}
  )
    {%- endfor -%}
  {%- endif -%}
{%- endmacro %}
