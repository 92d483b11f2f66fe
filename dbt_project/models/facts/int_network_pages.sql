with

readings as (
    {{ network_union('pages') | indent(4) }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by source, region_id, network_page_id order by read_on desc, load_seq desc
        ) as newest_rank
    from readings
    where page_kind = 'page'
),

-- a name that passed to another page leads to the page that bears it now
named as (
    select
        *,
        row_number() over (
            partition by source, region_id, link_name order by read_on desc, load_seq desc, network_page_id asc
        ) as bearer_rank
    from ranked
    where newest_rank = 1
),

final as (
    select
        source,
        region_id,
        network_page_id,
        case when bearer_rank = 1 then link_name end as link_name
    from named
)

select * from final
