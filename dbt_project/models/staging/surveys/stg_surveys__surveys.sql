{{ config(unique_key='survey_key') }}

{{ survey_rows('surveys') }}
