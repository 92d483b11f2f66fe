{{ config(unique_key='post_key') }}

{{ network_posts('ok') }}
