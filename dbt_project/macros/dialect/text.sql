{#
  What two copies of one text share: letters and digits without case, ё, tags and masks' spelling; null for
  texts too short to tell anything by. Compared as a hash, so that staging keeps no text.
#}
{% macro text_key(column) -%}
  {{ adapter.dispatch('text_key', 'otklik')(column) }}
{%- endmacro %}

{% macro duckdb__text_key(column) -%}
  case
    when length({{ letters_of(column) }}) >= 40 then md5({{ letters_of(column) }})
  end
{%- endmacro %}

{% macro letters_of(column) -%}
  regexp_replace(
    replace(lower(regexp_replace({{ column }}, '<[^>]*>', ' ', 'g')), 'ё', 'е'), '[^0-9a-zа-я]+', '', 'g'
  )
{%- endmacro %}

{#
  What near-identical answers share: letters alone, since an answer that differs by its date and number is
  the same answer. Short ones count, too; null for an answer without words.
#}
{% macro answer_key(column) -%}
  {{ adapter.dispatch('answer_key', 'otklik')(column) }}
{%- endmacro %}

{% macro duckdb__answer_key(column) -%}
  case
    when length(regexp_replace({{ letters_of(column) }}, '[0-9]+', '', 'g')) >= 10
      then md5(regexp_replace({{ letters_of(column) }}, '[0-9]+', '', 'g'))
  end
{%- endmacro %}
