-- Outside the production calendar an appeal has no deadline and no working time. A warning: the appeals are still
-- counted. The remedy is a longer seeds/production_calendar.csv.
{{ config(severity='warn') }}

select
    appeals.region_id,
    appeals.local_date,
    count(*) as appeals
from {{ ref('fct_appeals') }} as appeals
left join {{ ref('dim_calendar') }} as calendar
    on
        appeals.region_id = calendar.region_id
        and appeals.local_date = calendar.local_date
where calendar.local_date is null
group by appeals.region_id, appeals.local_date
