{#
  Cost follows the change (DESIGN.md nr 5). Three kinds of incremental models:

  staging         replace_keys. Rows carry `load_seq`, the order in which loads were committed; a model reads
                  what came after its own newest row and replaces those keys.
  facts           replace_keys, from the batches that int_changed_appeals and int_gospublics_batch make of the
                  loads a fact has not read yet.
  marts           replace_slices. A slice is (region_id, local_date), or a whole week, month or year. A mart and
                  the sums it is made of replace every slice that the log
                  facts.int_slice_changes names since their own last build, also slices that became empty.

  How far facts have read the loads and marts the log stands in facts.street_progress. It moves in the same
  transaction as the rows, so a run that dies anywhere is made good by the next: the batch is what the fact
  that is furthest behind has not read.
#}

{# The newest load this table holds; -1 before the first. #}
{% macro last_load_seq(relation=none) -%}
  (select coalesce(max(load_seq), -1) from {{ relation if relation else this }})
{%- endmacro %}

{% macro get_incremental_replace_keys_sql(arg_dict) %}
  {%- set keys = config.get('replace_by') or arg_dict['unique_key'] -%}
  {%- set keys = [keys] if keys is string else keys -%}
  {%- set batch = config.get('replace_batch') -%}
  {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
  delete from {{ arg_dict['target_relation'] }}
  where ({{ keys | join(', ') }}) in (
    select {{ keys | join(', ') }}
    from {{ ref(batch) if batch else arg_dict['temp_relation'] }}
  );
  insert into {{ arg_dict['target_relation'] }} ({{ columns }})
  select {{ columns }} from {{ arg_dict['temp_relation'] }}
{% endmacro %}

{% macro get_incremental_replace_slices_sql(arg_dict) %}
  {%- set slice_date = config.get('slice_date', 'local_date') -%}
  {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
  delete from {{ arg_dict['target_relation'] }}
  where (region_id, {{ slice_date }}) in (
    select slices.region_id, slices.slice_date from {{ touched_slices() }} as slices
  );
  insert into {{ arg_dict['target_relation'] }} ({{ columns }})
  select {{ columns }} from {{ arg_dict['temp_relation'] }}
{% endmacro %}

{#
  The slices this mart has to rebuild: a relation with columns region_id, slice_date. Where the engine can, the
  pre-hook `note_touched_slices` has found them once for all places of the model that ask for them.
#}
{% macro touched_slices() -%} {{ adapter.dispatch('touched_slices', 'otklik')() }} {%- endmacro %}

{% macro duckdb__touched_slices() -%} temp.main.touched_slices {%- endmacro %}

{# Pre-hook of a mart and of the sums it is made of. #}
{% macro note_touched_slices() -%}
  {#- read by incremental runs only, and known to dbt from the first -#}
  {%- do ref('int_slice_changes') -%}
  {%- do ref('int_clock_changes') -%}
  {%- do ref('fct_appeals') -%}
  {%- if is_incremental() -%} {{ adapter.dispatch('note_touched_slices', 'otklik')() }} {%- endif -%}
{%- endmacro %}

{# Of the connection: models that are built side by side do not see each other's. #}
{% macro duckdb__note_touched_slices() -%}
  create or replace temporary table touched_slices as select * from {{ touched_slices_query() }}
{%- endmacro %}

{#
  Model config: `slice_unit` day|week|month|year (a slice is the whole period, named by its first day),
  `slice_reach` (a mart whose period quotes the one before is touched by it: 1), `slice_subject`
  appeals|gospublics, `slice_open` (the figures depend on how long open appeals have been waiting),
  `slice_clock` (false where they depend on rows alone, and on no deadline).
  Open appeals pass their deadlines without any new row, so the slices of deadlines that lie between the
  last build's as_of and this one's count as touched; facts.int_clock_changes has looked for them.
  A mart that stands without a place in the log has nothing to go by: all it holds and could hold is touched.
#}
{% macro touched_slices_query() -%}
  {%- set unit = config.get('slice_unit', 'day') -%}
  {%- set subject = config.get('slice_subject', 'appeals') -%}
  {%- set fact = ref('fct_appeals') if subject == 'appeals' else ref('fct_gospublics') -%}
  {%- set reach = config.get('slice_reach', 0) -%}
  (
    {%- set moved = namespace(change='changes.local_date', clock='clock.local_date') %}
    {%- set earlier, later = 'least(' ~ as_of() ~ ', ' ~ progress('as_of') ~ ')', 'greatest(' ~ as_of() ~ ', ' ~ progress('as_of') ~ ')' %}
    select distinct region_id, slice_date
    from (
      {%- for step in range(reach + 1) %}
      select changes.region_id, {{ period_start(unit, moved.change) }} as slice_date
      from {{ ref('int_slice_changes') }} as changes
      where
        changes.subject = '{{ subject }}'
        and changes.change_seq > {{ progress('read_to') }}
      {%- if subject == 'appeals' and config.get('slice_clock', true) %}
      union all
      select clock.region_id, {{ period_start(unit, moved.clock) }} as slice_date
      from {{ clock_changes_of_this_run() }} as clock
      where
        (clock.kind = 'deadline' and clock.moves_at >= {{ earlier }} and clock.moves_at <= {{ later }})
      {%- if config.get('slice_open') %}
        or (
          clock.kind = 'waiting'
          and {{ as_of() }} <> {{ progress('as_of') }}
          and {{ seconds_between('clock.moves_at', earlier) }} <= clock.longest_answer_seconds
        )
      {%- endif %}
      {%- endif %}
      union all
      {%- set moved.change = next_period(unit, moved.change) %}
      {%- set moved.clock = next_period(unit, moved.clock) %}
      {%- endfor %}
      select facts.region_id, {{ period_start(unit, 'facts.local_date') }} as slice_date
      from {{ fact }} as facts
      where {{ progress('read_to') }} is null
      union all
      select standing.region_id, standing.{{ config.get('slice_date', 'local_date') }} as slice_date
      from {{ this }} as standing
      where {{ progress('read_to') }} is null
    ) as touched
  )
{%- endmacro %}

{#
  What facts.int_clock_changes holds: slices that the clock alone moves between the marts' last as_of and this one.
  A mart that is built without it, by hand or from Dagster's page, looks for them itself: the table tells of the
  as_of that it was made for, and what lies after would be passed over for good.
#}
{% macro clock_changes() -%}
with

appeals as (
  select * from {{ ref('fct_appeals') }}
),

-- from the mart that is furthest behind to the one that is furthest ahead
moments as (
  select
    least(min(as_of), {{ as_of() }}) as since,
    greatest(max(as_of), {{ as_of() }}) as until
  from {{ progress_relation() }}
  where model in ('{{ slice_readers() | join("', '") }}')
),

longest as (
  select max(60 * first_answer_minutes) as answer_seconds
  from appeals
),

-- once it has waited longer than any answer took, its further waiting tells nothing new
beginnings as (
  select {{ add_seconds('moments.since', '-1 - cast(longest.answer_seconds as bigint)') }} as waiting_since
  from moments
  cross join longest
),

deadlines as (
  select
    region_id,
    local_date,
    due_at as moves_at
  from appeals
  where
    due_at >= (select moments.since from moments)
    and due_at <= (select moments.until from moments)
  union
  select
    region_id,
    local_date,
    final_due_at as moves_at
  from appeals
  where
    final_due_at >= (select moments.since from moments)
    and final_due_at <= (select moments.until from moments)
),

-- of a day's open appeals the newest says how many of them the clock still moves
waiting as (
  select
    region_id,
    local_date,
    max(registered_at) as moves_at
  from appeals
  where
    first_response_at is null
    and registered_at >= (select beginnings.waiting_since from beginnings)
  group by region_id, local_date
),

final as (
  select
    region_id,
    local_date,
    'deadline' as kind,
    moves_at,
    cast(null as double) as longest_answer_seconds
  from deadlines
  union all
  select
    waiting.region_id,
    waiting.local_date,
    'waiting' as kind,
    waiting.moves_at,
    longest.answer_seconds as longest_answer_seconds
  from waiting
  cross join longest
)

select * from final
{%- endmacro %}

{# The table where it was made for this as_of, else its query. #}
{% macro clock_changes_of_this_run() -%}
  {%- set made = "select count(*) from " ~ progress_relation() ~ " where model = 'int_clock_changes' and as_of = " ~ as_of() -%}
  {%- if execute and not run_query(made).rows[0][0] | int -%}
  ({{ clock_changes() }})
  {%- else -%}
  {{ ref('int_clock_changes') }}
  {%- endif -%}
{%- endmacro %}

{# `where` condition of a mart: only the touched slices when building on what stands. #}
{% macro in_touched_slices(date_expression='local_date', table_alias=none) -%}
  {%- if is_incremental() -%}
  {{ adapter.dispatch('is_in_touched_slices', 'otklik')(
    (table_alias ~ '.' if table_alias else '') ~ 'region_id', date_expression
  ) }}
  {%- else -%}
  true
  {%- endif -%}
{%- endmacro %}

{#
  `where` condition beside it, on the column of days of which the slices are made: bounds by which an engine
  passes over the rest of a table that lies in order of days. It holds for all rows of touched slices, and for
  those of `back` periods before them.
#}
{% macro in_days_of_touched_slices(day='local_date', back=0) -%}
  {%- if is_incremental() -%}
  {{ adapter.dispatch('is_in_days_of_touched_slices', 'otklik')(day, back) }}
  {%- else -%}
  true
  {%- endif -%}
{%- endmacro %}

{#
  What one run of the street is about. Orchestration hands both over in the environment, because a changed
  --vars makes dbt parse the whole project anew, at every run; by hand, --vars works and wins. They are asked
  for at execution only: what parsing asks for, a changed value makes dbt parse again.
#}

{# The moment the figures are stated for, naive UTC: an input, so that any release can be rebuilt. #}
{% macro as_of() -%}
  cast('{{ var("as_of") or (env_var("OTKLIK_RUN_AS_OF", "") if execute) or "1970-01-01 00:00:00" }}' as timestamp)
{%- endmacro %}

{# Stands for every rule the figures depend on; orchestration rebuilds all when it changes. #}
{% macro fingerprint() -%}
  {{ var("fingerprint") or (env_var("OTKLIK_RUN_FINGERPRINT", "") if execute) or "none" }}
{%- endmacro %}

{% macro duckdb__is_in_touched_slices(region_id, date_expression) -%}
  ({{ region_id }}, {{ date_expression }}) in (
    select slices.region_id, slices.slice_date from {{ touched_slices() }} as slices
  )
{%- endmacro %}

{#
  As literals: what a subquery gives is compared with every row, and a literal passes over whole row groups. Asked
  for before the pre-hook has run, therefore of the query. More than a dozen spans are one from first to last.
#}
{% macro duckdb__is_in_days_of_touched_slices(day, back) -%}
  {%- if not execute -%}
  true
  {%- else -%}
    {%- set unit = config.get('slice_unit', 'day') -%}
    {%- set first = namespace(day='slices.slice_date') -%}
    {%- for _ in range(back) %}{% set first.day = previous_period(unit, first.day) %}{% endfor -%}
    {%- set asked -%}
      select distinct
        {{ first.day }} as first_day,
        {{ next_period(unit, 'slices.slice_date') }} as day_after
      from {{ touched_slices_query() }} as slices
      order by first_day
    {%- endset -%}
    {%- set spans = [] -%}
    {%- for span in run_query(asked).rows -%}
      {%- set begins = spans.pop()[0] if spans and span | first <= spans[-1][1] else span | first -%}
      {%- do spans.append((begins, span | last)) -%}
    {%- endfor -%}
    {%- set spans = [(spans[0][0], spans[-1][1])] if spans | length > 12 else spans -%}
  (
    {%- for begins, day_after in spans %}
    ({{ day }} >= cast('{{ begins }}' as date) and {{ day }} < cast('{{ day_after }}' as date)){{ ' or' if not loop.last }}
    {%- else %}
    false
    {%- endfor %}
  )
  {%- endif -%}
{%- endmacro %}

{# Post-hook of the same models: their touched slices have been built. #}
{% macro slices_are_built() -%} {{ advance_progress(ref('int_slice_changes'), 'change_seq') }} {%- endmacro %}
