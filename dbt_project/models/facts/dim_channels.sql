with

channels as (
    select * from {{ ref('channels') }}
),

final as (
    select
        channel,
        label_ru,
        is_social,
        is_bot
    from channels
)

select * from final
