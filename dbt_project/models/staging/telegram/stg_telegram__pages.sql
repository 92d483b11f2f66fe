{{ config(unique_key=['region_id', 'network_page_id', 'read_on']) }}

{{ network_pages('telegram') }}
