{#
  facts.street_progress: how far each fact and mart has read. `read_to` is a load_seq for facts, which read
  loads, and a change_seq for marts, which read facts.int_slice_changes.
#}

{% macro progress_relation() -%}
  {{ api.Relation.create(database=target.database or none, schema='facts', identifier='street_progress') }}
{%- endmacro %}

{# A column of this model's own row; null before its first build. #}
{% macro progress(column) -%}
  (select {{ column }} from {{ progress_relation() }} where model = '{{ this.identifier }}')
{%- endmacro %}

{#
  The furthest that all of `models` have read; -1 where one of them has read nothing yet.
#}
{% macro read_by_all(models) -%}
  (
    select case when count(*) = {{ models | length }} then min(read_to) else -1 end
    from {{ progress_relation() }}
    where model in ('{{ models | join("', '") }}')
  )
{%- endmacro %}

{% macro create_street_progress() %}
  {{ adapter.dispatch('create_street_progress', 'otklik')() }}
{% endmacro %}

{% macro duckdb__create_street_progress() %}
  create schema if not exists facts;
  create table if not exists {{ progress_relation() }} (
    model varchar not null,
    read_to bigint not null,
    as_of timestamp not null,
    fingerprint varchar not null
  );
  -- warehouses from before facts stood here too kept marts' places under another name; its rows' fingerprint
  -- is an old one, so everything is rebuilt
  alter table {{ progress_relation() }} drop column if exists load_seq;
  alter table {{ progress_relation() }} add column if not exists read_to bigint default -1;
  -- the row of a model that is no more would for ever look like one built under other rules
  delete from {{ progress_relation() }}
  where model not in ('' {%- for node in (graph.nodes.values() if execute else []) -%}
    {%- if node.resource_type == 'model' %}, '{{ node.name }}'{% endif -%}
  {%- endfor %})
{% endmacro %}

{#
  Post-hook of every fact and mart, inside its transaction: `log` has been read as far as its newest `column`.
  Never goes back, or what was pruned from the log in between would be missed; only a full refresh of a fact
  states its place anew, because raw may have been loaded anew, too.
#}
{% macro advance_progress(log, column) %}
  {{ adapter.dispatch('advance_progress', 'otklik')(log, column) }}
{% endmacro %}

{% macro duckdb__advance_progress(log, column) %}
  {%- set newest -%} (select coalesce(max({{ column }}), -1) from {{ log }}) {%- endset -%}
  update {{ progress_relation() }}
  set
    read_to = {% if flags.FULL_REFRESH and column == 'load_seq' %}{{ newest }}{% else %}greatest(read_to, {{ newest }}){% endif %},
    as_of = {{ as_of() }},
    fingerprint = '{{ fingerprint() }}'
  where model = '{{ this.identifier }}';
  insert into {{ progress_relation() }} (model, read_to, as_of, fingerprint)
  select '{{ this.identifier }}', {{ newest }}, {{ as_of() }}, '{{ fingerprint() }}'
  where not exists (select 1 from {{ progress_relation() }} where model = '{{ this.identifier }}')
{% endmacro %}

{# Names of the marts that read facts.int_slice_changes. #}
{% macro slice_readers() -%}
  {%- set names = [] -%}
  {%- for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' -%}
    {%- if node.config.materialized == 'incremental' and node.config.incremental_strategy == 'replace_slices' -%}
      {%- do names.append(node.name) -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(names) }}
{%- endmacro %}

{# Number of this run's entries in facts.int_slice_changes: past every entry and every reader. #}
{% macro next_change_seq() -%}
  1 + greatest(
    {% if is_incremental() -%} (select coalesce(max(change_seq), -1) from {{ this }}) {%- else -%} -1 {%- endif %},
    (
      select coalesce(max(read_to), -1) from {{ progress_relation() }}
      where model in ('{{ slice_readers() | join("', '") }}')
    )
  )
{%- endmacro %}

{#
  Post-hook of the log: what every mart has read is not needed again. A mart that has never been built reads
  no log but everything, and until then nothing is pruned.
#}
{% macro prune_slice_changes() %}
  {{ adapter.dispatch('prune_slice_changes', 'otklik')() }}
{% endmacro %}

{% macro duckdb__prune_slice_changes() %}
  delete from {{ this }} where change_seq <= {{ read_by_all(slice_readers()) }}
{% endmacro %}

{#
  How far all of `models` have read, where they stand; nothing on a full refresh or before a first build, when all
  is to be read.
#}
{% macro read_until(models) -%}
  {%- set unbuilt = [] -%}
  {%- for model in models if execute -%}
    {%- if not adapter.get_relation(database=target.database or none, schema='facts', identifier=model) -%}
      {%- do unbuilt.append(model) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if not (unbuilt or flags.FULL_REFRESH) -%}
  {{ read_by_all(models) }}
  {%- endif -%}
{%- endmacro %}

{# Condition of the changed rows that one of the facts has not read; all on a full refresh or a first build. #}
{% macro unread_by(models, column='load_seq') -%}
  {%- set read = read_until(models) | trim -%}
  {{ column ~ ' > ' ~ read if read else 'true' }}
{%- endmacro %}

{# The facts that int_changed_appeals makes batches for. #}
{% macro unread_appeals(column='load_seq') -%}
  {{ unread_by(['fct_appeals', 'fct_responses', 'fct_appeal_events'], column) }}
{%- endmacro %}

{#
  A condition that all rows fulfil which unread_appeals asks for, or which a mapping of `regions` that is unread itself
  may ask for. One comparison with one number, so that the engine passes over the loads before it.
#}
{% macro may_be_unread_appeals(regions, column='load_seq') -%}
  {%- set read = read_until(['fct_appeals', 'fct_responses', 'fct_appeal_events']) | trim -%}
  {%- if read -%}
  {{ column }} > (select case when max(mapping_seq) > {{ read }} then -1 else {{ read }} end from {{ regions }})
  {%- else -%}
  true
  {%- endif -%}
{%- endmacro %}

{# Texts are compared before the facts are built, and again when a run died before they were. #}
{% macro unread_texts(column='load_seq') -%}
  {{ unread_by(['int_duplicates', 'fct_appeals', 'fct_responses', 'fct_appeal_events'], column) }}
{%- endmacro %}

{% macro unread_gospublics(column='load_seq') -%}
  {{ unread_by(['fct_gospublics'], column) }}
{%- endmacro %}
