{{ config(slice_unit='year', slice_date='year_start', slice_open=true) }}

{{ response_time_sums('year') }}
