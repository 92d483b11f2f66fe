{#
  What two copies of one text share: letters and digits without case, ё, tags and masks' spelling; null for
  texts too short to tell anything by. Compared as a hash, so that staging keeps no text.
#}
{% macro text_key(column) -%}
  case
    when length({{ letters_of(column) }}) >= 40 then md5({{ letters_of(column) }})
  end
{%- endmacro %}

{% macro letters_of(column) -%}
  {{ replaced_all("replace(lower(" ~ replaced_all(column, "'<[^>]*>'", "' '") ~ "), 'ё', 'е')", "'[^0-9a-zа-я]+'", "''") }}
{%- endmacro %}

{# Every match of a regular expression replaced; pattern and replacement are quoted SQL texts. #}
{% macro replaced_all(text, pattern, replacement) -%}
  {{ adapter.dispatch('replaced_all', 'otklik')(text, pattern, replacement) }}
{%- endmacro %}

{% macro duckdb__replaced_all(text, pattern, replacement) -%}
  regexp_replace({{ text }}, {{ pattern }}, {{ replacement }}, 'g')
{%- endmacro %}

{% macro spark__replaced_all(text, pattern, replacement) -%}
  regexp_replace({{ text }}, {{ pattern }}, {{ replacement }})
{%- endmacro %}

{#
  What near-identical answers share: letters alone, since an answer that differs by its date and number is
  the same answer. Short ones count, too; null for an answer without words.
#}
{% macro answer_key(column) -%}
  {%- set words = replaced_all(letters_of(column), "'[0-9]+'", "''") -%}
  case
    when length({{ words }}) >= 10 then md5({{ words }})
  end
{%- endmacro %}
