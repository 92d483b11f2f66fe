{{
    config(
        materialized='table',
        tags=['after_gate'],
        post_hook="{{ advance_progress(ref('int_slice_changes'), 'change_seq') }}",
    )
}}

-- depends_on: {{ ref('fct_appeals') }}

{{ clock_changes() }}
