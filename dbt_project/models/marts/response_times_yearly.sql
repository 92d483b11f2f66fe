{{ config(materialized='table', post_hook=[]) }}

{{ response_times_of('year') }}
