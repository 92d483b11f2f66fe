{# The folder is the schema: staging, facts, marts, seeds. No user prefix: one deployment, one warehouse. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
  {{ custom_schema_name if custom_schema_name else target.schema }}
{%- endmacro %}
