{{ config(unique_key='appeal_id') }}

{{ ticket_appeals('files') }}
