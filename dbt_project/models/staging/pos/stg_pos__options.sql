{{ config(unique_key='answer_key') }}

{{ survey_option_rows('pos') }}
