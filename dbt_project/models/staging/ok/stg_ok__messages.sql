{{ config(unique_key='message_key') }}

{{ network_messages('ok') }}
