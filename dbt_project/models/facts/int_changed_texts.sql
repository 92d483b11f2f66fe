with

social as (
    select * from {{ ref('int_social_texts') }}
),

incidents as (
    select * from {{ ref('stg_incident__appeals') }}
),

{% set standing = standing_duplicates() -%}
touched as (
    select
        region_id,
        text_key,
        load_seq
    from social
    where {{ unread_texts('load_seq') }}
    union all
    select
        region_id,
        text_key,
        load_seq
    from incidents
    where
        text_key is not null
        and {{ unread_texts('load_seq') }}
    {% if standing -%}
    -- a text that was edited leaves the pairs of its old wording to be told anew
        union all
        select
            standing.region_id,
            standing.text_key,
            social.load_seq
        from {{ standing }} as standing
        inner join social on standing.appeal_id = social.appeal_id
        where {{ unread_texts('social.load_seq') }}
        union all
        select
            standing.region_id,
            standing.text_key,
            incidents.load_seq
        from {{ standing }} as standing
        inner join incidents on standing.kept_appeal_id = incidents.appeal_id
        where {{ unread_texts('incidents.load_seq') }}
    {%- endif %}
),

final as (
    select
        region_id,
        text_key,
        max(load_seq) as load_seq
    from touched
    group by region_id, text_key
)

select * from final
