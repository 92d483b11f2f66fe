with

channels as (
    select * from {{ ref('channels') }}
),

final as (
    select
        channel,
        label_ru,
        is_social,
        is_bot,
        tells_closing
    from channels
)

select * from final
