{{
    config(
        materialized='incremental',
        incremental_strategy='replace_slices',
        slice_unit='month',
        slice_date='month_start',
        slice_open=true,
        tags=['after_gate'],
        pre_hook="{{ note_touched_slices() }}",
        post_hook="{{ slices_are_built() }}",
    )
}}

{{ response_time_sums('month') }}
