{{
    config(
        materialized='incremental',
        incremental_strategy='replace_slices',
        slice_unit='year',
        slice_date='year_start',
        slice_open=true,
        tags=['after_gate'],
        post_hook="{{ advance_progress(ref('int_slice_changes'), 'change_seq') }}",
    )
}}

{{ response_time_sums('year') }}
