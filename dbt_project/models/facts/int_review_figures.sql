{{ config(materialized='ephemeral') }}

with

periods as (
    select * from {{ ref('dim_review_periods') }}
),

surveys as (
    select * from {{ ref('fct_surveys') }}
),

survey_answers as (
    select * from {{ ref('fct_survey_answers') }}
),

activities as (
    select * from {{ ref('fct_activities') }}
),

territories as (
    select * from {{ ref('dim_territories') }}
),

gospublics as (
    select * from {{ ref('dim_gospublics') }}
    where is_listed
),

page_days as (
    select * from {{ ref('fct_gospublics') }}
),

surveys_held as (
    select
        periods.region_id,
        periods.period_from,
        periods.period_to,
        'surveys' as measure,
        'all' as slice,
        cast(count(*) as double) as value
    from periods
    inner join surveys
        on
            periods.region_id = surveys.region_id
            and periods.period_from <= surveys.starts_on
            and periods.period_to > surveys.starts_on
    group by periods.region_id, periods.period_from, periods.period_to
),

asked as (
    select
        *,
        sum(votes) over (partition by survey_key, question_id, territory_id) as question_votes
    from survey_answers
),

-- equal words asked in equal places are one answer, in however many surveys
answered as (
    select
        periods.region_id,
        periods.period_from,
        periods.period_to,
        coalesce('territory=' || territories.name || ';', '') || 'answer=' || answers.option as slice,
        answers.option,
        territories.name as territory_name,
        sum(answers.votes) as votes,
        sum(answers.question_votes) as question_votes
    from periods
    inner join asked as answers
        on
            periods.region_id = answers.region_id
            and periods.period_from <= answers.starts_on
            and periods.period_to > answers.starts_on
    left join territories
        on
            answers.region_id = territories.region_id
            and answers.territory_id = territories.territory_id
    group by periods.region_id, periods.period_from, periods.period_to, territories.name, answers.option
),

survey_shares as (
    select
        region_id,
        period_from,
        period_to,
        'survey_answer_share' as measure,
        slice,
        {{ share_of('votes', 'question_votes') }} as value,
        'В опросе выбрали «' || option || '»' || coalesce(' (' || territory_name || ')', '') || ': '
        || cast(round(100 * {{ share_of('votes', 'question_votes') }}) as integer) || ' %' as statement_ru
    from answered
    where question_votes > 0
),

held as (
    select
        periods.region_id,
        periods.period_from,
        periods.period_to,
        activities.kind,
        sum(activities.items) as items
    from periods
    inner join activities
        on
            periods.region_id = activities.region_id
            and periods.period_from <= activities.held_on
            and periods.period_to > activities.held_on
    group by periods.region_id, periods.period_from, periods.period_to, activities.kind
),

activities_held as (
    select
        region_id,
        period_from,
        period_to,
        'activities' as measure,
        'kind=' || kind as slice,
        cast(items as double) as value
    from held
    union all
    select
        region_id,
        period_from,
        period_to,
        'management_decisions' as measure,
        'all' as slice,
        cast(items as double) as value
    from held
    where kind = 'decision'
),

-- how the pages stand on the day after the window, by the last reading up to it
last_readings as (
    select
        periods.region_id,
        periods.period_from,
        periods.period_to,
        page_days.page_id,
        {{ last_value_by('page_days.members_count', 'page_days.local_date') }} as members_count,
        {{ last_value_by('page_days.is_dead', 'page_days.local_date') }} as is_dead
    from periods
    inner join page_days
        on
            periods.region_id = page_days.region_id
            and periods.period_to >= page_days.local_date
    group by periods.region_id, periods.period_from, periods.period_to, page_days.page_id
),

-- windows that end on one day ask for one state
ends as (
    select
        region_id,
        period_to,
        max(period_from) as period_from
    from periods
    group by region_id, period_to
),

pages as (
    select
        periods.region_id,
        periods.period_to,
        count(distinct gospublics.page_id) as pages,
        sum(coalesce(last_readings.members_count, 0)) as audience
    from ends as periods
    inner join gospublics on periods.region_id = gospublics.region_id
    left join last_readings
        on
            periods.period_to = last_readings.period_to
            and periods.period_from = last_readings.period_from
            and gospublics.page_id = last_readings.page_id
    where not coalesce(last_readings.is_dead, false)
    group by periods.region_id, periods.period_to
    -- before the first reading nothing can be said
    having count(last_readings.members_count) > 0
),

standing as (
    select
        region_id,
        period_to as period_from,
        period_to,
        'gospublics' as measure,
        'all' as slice,
        cast(pages as double) as value
    from pages
    union all
    select
        region_id,
        period_to as period_from,
        period_to,
        'gospublics_audience' as measure,
        'all' as slice,
        cast(audience as double) as value
    from pages
),

counted as (
    select * from surveys_held
    union all
    select * from activities_held
    union all
    select * from standing
),

shared_windows as (
    select
        period_from,
        period_to
    from periods
    where is_shared
    union
    select
        period_to as period_from,
        period_to
    from periods
    where is_shared
),

-- all regions together; the state of pages only where each of them could tell its own
counted_together as (
    select
        'all' as region_id,
        counted.period_from,
        counted.period_to,
        counted.measure,
        counted.slice,
        sum(counted.value) as value
    from counted
    inner join shared_windows
        on
            counted.period_from = shared_windows.period_from
            and counted.period_to = shared_windows.period_to
    group by counted.period_from, counted.period_to, counted.measure, counted.slice
    having
        counted.measure not in ('gospublics', 'gospublics_audience')
        or count(*) = (select count(distinct periods.region_id) from periods)
),

final as (
    select
        *,
        case
            when measure = 'surveys' then 'Проведено опросов: '
            when measure = 'management_decisions' then 'Принято управленческих решений: '
            when measure = 'gospublics' then 'Официальных страниц: '
            when measure = 'gospublics_audience'
                then 'Подписчиков официальных страниц (подписанный на несколько страниц посчитан на каждой): '
            when slice = 'kind=broadcast' then 'Прямых эфиров: '
            when slice = 'kind=training' then 'Обучений: '
            when slice = 'kind=material' then 'Информационных материалов: '
            else 'Управленческих решений: '
        end || {{ spaced_number('value') }} as statement_ru
    from (
        select * from counted
        union all
        select * from counted_together
    ) as summed
    union all
    select * from survey_shares
)

select * from final
