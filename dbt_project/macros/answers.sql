{#
  response_id as facts know it, of a row of raw.answer_features: the answer's own key, or that of its appeal and the
  part of the appeal that it is (`_answer` tables number their answers; a row of «Инцидент» and Open311 holds one).
#}
{% macro response_id_of(object_ref, part) -%}
  case
    when {{ part }} is null then {{ surrogate_key(['region_id', object_ref]) }}
    when source in ('incident', 'open311')
      then {{ surrogate_key([surrogate_key(['region_id', object_ref]), part]) }}
    else {{ surrogate_key(['region_id', "source || '_answer'", 'substr(' ~ object_ref ~ ', length(source) + 2)', part]) }}
  end
{%- endmacro %}
