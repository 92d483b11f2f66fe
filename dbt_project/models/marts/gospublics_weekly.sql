{{ config(slice_unit='week', slice_subject='gospublics', slice_date='week_start') }}

with

page_days as (
    select
        *,
        {{ week_start('local_date') }} as week_start
    from {{ ref('fct_gospublics') }}
),

gospublics as (
    select * from {{ ref('dim_gospublics') }}
),

territories as (
    select * from {{ ref('dim_territories') }}
),

regions as (
    select * from {{ ref('dim_regions') }}
),

-- the newest version rates every week, also past ones: a score compares weeks under one rule
ranked_weights as (
    select
        *,
        rank() over (order by version desc) as age
    from {{ ref('scorecard_weights') }}
),

weights as (
    select
        max(case when part = 'connection' then points end) as connection,
        max(case when part = 'mark' then points end) as mark,
        max(case when part = 'design' then points end) as design,
        max(case when part = 'widgets' then points end) as widgets,
        max(case when part = 'pos_link' then points end) as pos_link,
        max(case when part = 'activity' then points end) as activity,
        max(case when part = 'reach' then points end) as reach,
        max(case when part = 'post_reach' then points end) as post_reach,
        max(version) as version
    from ranked_weights
    where age = 1
),

touched_days as (
    select * from page_days
    where {{ in_touched_slices('week_start') }}
),

weeks as (
    select distinct
        region_id,
        week_start
    from touched_days
),

-- what a reading says holds for the week; the last reading of the week counts
readings as (
    select
        page_id,
        week_start,
        {{ last_value_by('members_count', 'local_date') }} as members_count,
        {{ first_value_by('members_count', 'local_date') }} as members_count_at_start,
        {{ last_value_by('is_connected', 'local_date') }} as is_connected,
        {{ last_value_by('has_mark', 'local_date') }} as has_mark,
        {{ last_value_by('design_percent', 'local_date') }} as design_percent,
        {{ last_value_by('widgets', 'local_date') }} as widgets,
        {{ last_value_by('has_valid_pos_link', 'local_date') }} as has_valid_pos_link,
        {{ last_value_by('is_dead', 'local_date') }} as is_dead,
        sum(posts) as posts,
        sum(comments) as comments,
        sum(likes) as likes,
        sum(reposts) as reposts,
        sum(views) as views,
        sum(reach) as reach
    from touched_days
    group by page_id, week_start
),

pages as (
    select
        gospublics.region_id,
        gospublics.page_id,
        gospublics.network,
        gospublics.name as page_name,
        gospublics.authority_id,
        gospublics.territory_id,
        weeks.week_start,
        readings.members_count,
        readings.members_count - readings.members_count_at_start as members_growth,
        readings.is_connected,
        readings.has_mark,
        readings.design_percent,
        readings.widgets,
        readings.has_valid_pos_link,
        readings.is_dead,
        coalesce(readings.posts, 0) as posts,
        coalesce(readings.views, 0) as views,
        coalesce(readings.likes, 0) + coalesce(readings.comments, 0) + coalesce(readings.reposts, 0)
            as reactions,
        readings.reach
    from weeks
    inner join gospublics on weeks.region_id = gospublics.region_id
    left join readings
        on
            gospublics.page_id = readings.page_id
            and weeks.week_start = readings.week_start
    -- a page that left the registry keeps the weeks it was read in
    where
        gospublics.is_listed
        or readings.page_id is not null
),

rated as (
    select
        pages.*,
        {{ share_of('pages.reach', 'pages.members_count') }} as reach_share,
        {{ share_of('pages.views', 'pages.posts') }} / nullif(pages.members_count, 0) as post_reach_share,
        {{ share_of('pages.reactions', 'pages.views') }} as engagement_rate,
        -- a page of the whole region speaks to all of it
        {{ share_of(
            'pages.members_count',
            'case when pages.territory_id is null then regions.population else territories.population end'
        ) }} as audience_share
    from pages
    left join regions on pages.region_id = regions.region_id
    left join territories
        on
            pages.region_id = territories.region_id
            and pages.territory_id = territories.territory_id
),

final as (
    select
        rated.region_id,
        rated.week_start,
        rated.page_id,
        rated.page_name,
        rated.network,
        rated.authority_id,
        coalesce(rated.territory_id, 'unknown') as territory_id,
        rated.members_count,
        rated.audience_share,
        cast(rated.members_growth as bigint) as members_growth,
        cast(rated.posts as bigint) as posts,
        rated.posts >= 3 as is_active,
        cast(rated.views as bigint) as views,
        cast(rated.reactions as bigint) as reactions,
        cast(rated.reach as bigint) as weekly_reach,
        rated.reach_share,
        rated.post_reach_share,
        rated.engagement_rate,
        rated.is_connected,
        rated.has_mark,
        rated.design_percent,
        cast(rated.widgets as integer) as widgets,
        rated.has_valid_pos_link,
        coalesce(rated.is_dead, false) as is_dead,
        -- a week without a registry reading has no score rather than a low one
        case
            when rated.is_connected is not null
                then
                    weights.connection * case when rated.is_connected then 1 else 0 end
                    + weights.mark * case when rated.has_mark then 1 else 0 end
                    + weights.design * coalesce(rated.design_percent, 0) / 100
                    + weights.widgets * least(coalesce(rated.widgets, 0), 2) / 2.0
                    + weights.pos_link * case when rated.has_valid_pos_link then 1 else 0 end
                    + weights.activity * case when rated.posts >= 3 then 1 else 0 end
                    + weights.reach * case
                        when rated.reach_share > 0.7 then 1
                        when rated.reach_share >= 0.5 then 0.7
                        when rated.reach_share >= 0.3 then 0.5
                        else 0
                    end
                    + weights.post_reach * least(coalesce(rated.post_reach_share, 0) / 0.3, 1)
        end as score,
        cast(weights.version as integer) as score_version
    from rated
    cross join weights
)

select * from final
