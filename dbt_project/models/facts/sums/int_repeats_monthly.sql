{{ config(slice_unit='month', slice_date='month_start', slice_reach=2, slice_clock=false) }}

with

appeals as (
    select * from {{ ref('int_repeats') }}
    where {{ in_touched_slices('month_start') }}
),

final as (
    {{ repeat_counts('appeals') | indent(4) }}
)

select * from final
