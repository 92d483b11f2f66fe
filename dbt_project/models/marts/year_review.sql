{{ config(materialized='table', post_hook=[]) }}

with

cube as (
    select * from {{ ref('int_appeals_daily') }}
),

periods as (
    select * from {{ ref('dim_review_periods') }}
),

heat_rules as (
    select * from {{ ref('dim_heat_rules') }}
),

territories as (
    select * from {{ ref('dim_territories') }}
),

topic_groups as (
    select * from {{ ref('topic_groups') }}
),

channels as (
    select * from {{ ref('dim_channels') }}
),

other_figures as (
    select * from {{ ref('int_review_figures') }}
),

counted as (
    select
        periods.period_from,
        periods.period_to,
        cube.region_id,
        cube.local_date,
        cube.source,
        cube.channel,
        cube.kind,
        cube.topic_group,
        cube.territory_id,
        cube.age_group,
        cube.appeals,
        cube.solved_appeals,
        cube.answered_appeals,
        cube.first_answer_seconds,
        cube.handled_appeals,
        cube.handling_seconds,
        case when channels.is_social then 'social' else cube.channel end as channel_class
    from periods
    inner join cube
        on
            periods.region_id = cube.region_id
            and periods.period_from <= cube.local_date
            and periods.period_to > cube.local_date
    inner join channels on cube.channel = channels.channel
),

-- a deployment of several regions reviews them together, too, over the windows that all of them review
shared_periods as (
    select distinct
        period_from,
        period_to
    from periods
    where is_shared
),

reviewed as (
    select * from counted
    union all
    select
        counted.period_from,
        counted.period_to,
        'all' as region_id,
        counted.local_date,
        counted.source,
        counted.channel,
        counted.kind,
        counted.topic_group,
        counted.territory_id,
        counted.age_group,
        counted.appeals,
        counted.solved_appeals,
        counted.answered_appeals,
        counted.first_answer_seconds,
        counted.handled_appeals,
        counted.handling_seconds,
        counted.channel_class
    from counted
    inner join shared_periods
        on
            counted.period_from = shared_periods.period_from
            and counted.period_to = shared_periods.period_to
),

-- every slice that a figure may be asked for; one row of the cube counts in several
sliced as (
    select
        'all' as slice,
        cast(null as {{ dbt.type_string() }}) as slice_topic_group,
        reviewed.*
    from reviewed
    union all
    select
        'channel=' || channel as slice,
        null as slice_topic_group,
        reviewed.*
    from reviewed
    union all
    select
        'channel=social' as slice,
        null as slice_topic_group,
        reviewed.*
    from reviewed
    where channel_class = 'social'
    union all
    select
        'channel=bot(telegram+viber)' as slice,
        null as slice_topic_group,
        reviewed.*
    from reviewed
    where channel in ('bot_telegram', 'bot_viber')
    union all
    select
        'source=' || source as slice,
        null as slice_topic_group,
        reviewed.*
    from reviewed
    union all
    select
        'kind=' || kind as slice,
        null as slice_topic_group,
        reviewed.*
    from reviewed
    union all
    select
        'channel=' || channel_class || ';kind=' || kind as slice,
        null as slice_topic_group,
        reviewed.*
    from reviewed
    union all
    select
        'topic_group=' || topic_group as slice,
        topic_group as slice_topic_group,
        reviewed.*
    from reviewed
    union all
    select
        'channel=' || channel_class || ';topic_group=' || topic_group as slice,
        topic_group as slice_topic_group,
        reviewed.*
    from reviewed
    union all
    select
        'channel=bot(telegram+viber);topic_group=' || topic_group as slice,
        topic_group as slice_topic_group,
        reviewed.*
    from reviewed
    where channel in ('bot_telegram', 'bot_viber')
    union all
    select
        'channel=' || channel || ';topic_group=' || topic_group as slice,
        topic_group as slice_topic_group,
        reviewed.*
    from reviewed
    where channel <> channel_class
),

totals as (
    select
        region_id,
        period_from,
        period_to,
        slice,
        slice_topic_group,
        sum(appeals) as appeals,
        sum(solved_appeals) as solved_appeals,
        sum(answered_appeals) as answered_appeals,
        sum(first_answer_seconds) as first_answer_seconds
    from sliced
    group by region_id, period_from, period_to, slice, slice_topic_group
),

totals_of_all as (
    select * from totals
    where slice = 'all'
),

daily as (
    select
        region_id,
        period_from,
        period_to,
        local_date,
        sum(appeals) as appeals
    from reviewed
    group by region_id, period_from, period_to, local_date
),

-- how much faster appeals are settled at the window's end than at its beginning, month against month
paces as (
    select
        region_id,
        period_from,
        period_to,
        {{ share_of(
            "sum(case when month_start = first_month then handling_seconds else 0 end)",
            "sum(case when month_start = first_month then handled_appeals else 0 end)"
        ) }}
        / nullif({{ share_of(
            "sum(case when month_start = last_month then handling_seconds else 0 end)",
            "sum(case when month_start = last_month then handled_appeals else 0 end)"
        ) }}, 0) as ratio
    from (
        select
            *,
            cast(date_trunc('month', local_date) as date) as month_start,
            cast(date_trunc('month', period_from) as date) as first_month,
            cast(date_trunc('month', {{ add_days('period_to', -1) }}) as date) as last_month
        from reviewed
    ) as monthly
    where first_month < last_month
    group by region_id, period_from, period_to
),

ages as (
    select
        region_id,
        period_from,
        period_to,
        'channel=' || channel as slice,
        age_group,
        row_number() over (
            partition by region_id, period_from, period_to, channel order by sum(appeals) desc, age_group asc
        ) as position
    from reviewed
    where age_group <> 'unknown'
    group by region_id, period_from, period_to, channel, age_group
),

top_groups as (
    select
        totals.region_id,
        totals.period_from,
        totals.period_to,
        case
            when totals.slice like 'channel=social;%' then 'channel=social'
            else 'all'
        end as slice,
        totals.slice_topic_group as topic_group,
        topic_groups.label_ru,
        row_number() over (
            partition by
                totals.region_id, totals.period_from, totals.period_to,
                case when totals.slice like 'channel=social;%' then 'channel=social' else 'all' end
            order by totals.appeals desc, totals.slice_topic_group asc
        ) as position
    from totals
    inner join topic_groups on totals.slice_topic_group = topic_groups.topic_group
    where
        totals.slice like 'topic_group=%'
        or totals.slice like 'channel=social;topic_group=%'
),

heat as (
    select
        reviewed_places.region_id,
        reviewed_places.period_from,
        reviewed_places.period_to,
        {{ heat_level(
            'reviewed_places.position', 'reviewed_places.territories', 'reviewed_places.appeals',
            'reviewed_places.measure'
        ) }} as heat_level
    from (
        select
            *,
            rank() over (
                partition by region_id, period_from, period_to order by measure desc nulls last
            ) as position,
            count(*) over (partition by region_id, period_from, period_to) as territories
        from (
            select
                periods.region_id,
                periods.period_from,
                periods.period_to,
                territories.territory_id,
                coalesce(sum(reviewed.appeals), 0) as appeals,
                case
                    when heat_rules.heat_measure = 'rate'
                        then
                            cast(coalesce(sum(reviewed.appeals), 0) as double) * 10000
                            / nullif(territories.population, 0)
                    else coalesce(sum(reviewed.appeals), 0)
                end as measure
            from periods
            inner join heat_rules on {{ rule_in_force('periods', 'periods.period_from') }}
            inner join territories on periods.region_id = territories.region_id
            left join reviewed
                on
                    periods.region_id = reviewed.region_id
                    and periods.period_from = reviewed.period_from
                    and periods.period_to = reviewed.period_to
                    and territories.territory_id = reviewed.territory_id
            group by
                periods.region_id, periods.period_from, periods.period_to, territories.territory_id,
                territories.population, heat_rules.heat_measure
        ) as places
    ) as reviewed_places
    inner join heat_rules on {{ rule_in_force('reviewed_places', 'reviewed_places.period_from') }}
),

heat_levels as (
    select distinct
        region_id,
        period_from,
        period_to,
        heat_level,
        case heat_level when 'red' then 1 when 'yellow' then 2 else 3 end as position
    from heat
),

figures as (
    select
        region_id,
        period_from,
        period_to,
        'appeals' as measure,
        slice,
        cast(appeals as double) as value,
        cast(null as {{ dbt.type_string() }}) as value_text,
        'Обращений: ' || {{ spaced_number('appeals') }} as statement_ru
    from totals
    union all
    select
        region_id,
        period_from,
        period_to,
        'appeals_solved' as measure,
        slice,
        cast(solved_appeals as double) as value,
        null as value_text,
        'Решено обращений: ' || {{ spaced_number('solved_appeals') }} as statement_ru
    from totals
    where slice_topic_group is null
    union all
    select
        totals.region_id,
        totals.period_from,
        totals.period_to,
        'appeals_share' as measure,
        totals.slice,
        {{ share_of('totals.appeals', 'totals_of_all.appeals') }} as value,
        null as value_text,
        'Доля обращений: '
        || cast(round(100 * {{ share_of('totals.appeals', 'totals_of_all.appeals') }}) as integer)
        || ' %' as statement_ru
    from totals
    inner join totals_of_all
        on
            totals.region_id = totals_of_all.region_id
            and totals.period_from = totals_of_all.period_from
            and totals.period_to = totals_of_all.period_to
    where totals.slice like 'channel=%' and totals.slice not like '%;%'
    union all
    select
        region_id,
        period_from,
        period_to,
        'mean_first_answer_minutes' as measure,
        slice,
        {{ share_of('first_answer_seconds', 'answered_appeals') }} / 60 as value,
        null as value_text,
        'Среднее время первого ответа, минут: '
        || {{ spaced_number('round(cast(first_answer_seconds as double) / answered_appeals / 60)') }} as statement_ru
    from totals
    where answered_appeals > 0 and slice_topic_group is null
    union all
    select
        region_id,
        period_from,
        period_to,
        'appeals_per_day_max' as measure,
        'all' as slice,
        cast(max(appeals) as double) as value,
        null as value_text,
        'Больше всего обращений за день: ' || {{ spaced_number('max(appeals)') }} as statement_ru
    from daily
    group by region_id, period_from, period_to
    union all
    select
        region_id,
        period_from,
        period_to,
        'most_active_age_group' as measure,
        slice,
        cast(null as double) as value,
        age_group as value_text,
        'Самый активный возраст: ' || age_group as statement_ru
    from ages
    where position = 1
    union all
    select
        region_id,
        period_from,
        period_to,
        'top_topic_groups' as measure,
        slice,
        cast(null as double) as value,
        {{ joined_text('topic_group', '|', 'position') }} as value_text,
        'Чаще всего писали о темах: ' || {{ joined_text('label_ru', ', ', 'position') }} as statement_ru
    from top_groups
    where position <= 3
    group by region_id, period_from, period_to, slice
    union all
    select
        region_id,
        period_from,
        period_to,
        'heat_levels' as measure,
        'territory' as slice,
        cast(null as double) as value,
        {{ joined_text('heat_level', '|', 'position') }} as value_text,
        'Уровни тепловой карты: '
        || {{ joined_text(
            "case heat_level when 'red' then 'красный' when 'yellow' then 'жёлтый' else 'зелёный' end",
            ', ', 'position'
        ) }} as statement_ru
    from heat_levels
    group by region_id, period_from, period_to
    union all
    select
        region_id,
        period_from,
        period_to,
        'handling_time_first_month_over_last_month' as measure,
        'all' as slice,
        ratio as value,
        null as value_text,
        'Во сколько раз быстрее решают обращения в последний месяц, чем в первый: '
        || replace(cast(cast(ratio as decimal(12, 1)) as {{ dbt.type_string() }}), '.', ',') as statement_ru
    from paces
    where ratio is not null
    union all
    select
        region_id,
        period_from,
        period_to,
        measure,
        slice,
        value,
        cast(null as {{ dbt.type_string() }}) as value_text,
        statement_ru
    from other_figures
),

-- a slice is up to two parts `dimension=value`, joined by a semicolon
slice_labels as (
    select
        'channel=' || channel as part,
        label_ru
    from channels
    union all
    select
        'topic_group=' || topic_group as part,
        'тема «' || label_ru || '»' as label_ru
    from topic_groups
    union all
    select
        fixed.part,
        fixed.label_ru
    from (
        values
        ('channel=social', 'соцсети и мессенджеры'),
        ('channel=bot(telegram+viber)', 'чат-боты в Telegram и Viber'),
        ('source=pos', 'источник ПОС'),
        ('source=ok', 'источник Одноклассники'),
        ('source=telegram', 'источник Telegram'),
        ('source=max', 'источник MAX'),
        ('source=viber', 'источник Viber'),
        ('source=files', 'источник: файлы'),
        ('source=open311', 'источник Open311'),
        ('source=vk', 'источник ВКонтакте'),
        ('source=incident', 'источник «Инцидент Менеджмент»'),
        ('topic_group=unknown', 'тема не определена'),
        ('kind=complaint', 'жалобы'),
        ('kind=question', 'вопросы'),
        ('kind=proposal', 'предложения'),
        ('kind=thanks', 'благодарности'),
        ('kind=other', 'прочее'),
        ('kind=unknown', 'вид не определён')
    ) as fixed (part, label_ru)
),

explained as (
    select
        figures.*,
        first_labels.label_ru || coalesce(', ' || second_labels.label_ru, '') as slice_label_ru
    from figures
    left join slice_labels as first_labels
        on {{ dbt.split_part('figures.slice', "';'", 1) }} = first_labels.part
    left join slice_labels as second_labels
        on {{ dbt.split_part('figures.slice', "';'", 2) }} = second_labels.part
),

final as (
    select
        region_id,
        period_from,
        period_to,
        measure,
        slice,
        value,
        value_text,
        case
            when period_from = period_to then 'На ' || {{ russian_date('period_to') }}
            else 'С ' || {{ russian_date('period_from') }} || ' по ' || {{ russian_date(add_days('period_to', -1)) }}
        end
        || coalesce(', ' || slice_label_ru, '') || '. ' || statement_ru || '.' as sentence_ru
    from explained
)

select * from final
