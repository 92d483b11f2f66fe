{{ config(slice_unit='month', slice_date='month_start', slice_open=true) }}

{{ response_time_sums('month') }}
