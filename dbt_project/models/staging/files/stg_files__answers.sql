{{ config(unique_key='response_id') }}

{{ ticket_answers('files') }}
