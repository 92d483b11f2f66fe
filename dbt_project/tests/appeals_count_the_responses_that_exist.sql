-- The answers an appeal counts are the rows of fct_responses: one of the two facts built alone would differ.
with

appeals as (
    select
        region_id,
        source,
        sum(responses_count) as responses
    from {{ ref('fct_appeals') }}
    where {{ came_since_tested() }}
    group by region_id, source
),

responses as (
    select
        region_id,
        source,
        count(*) as responses
    from {{ ref('fct_responses') }}
    where {{ came_since_tested() }}
    group by region_id, source
),

final as (
    select
        coalesce(appeals.region_id, responses.region_id) as region_id,
        coalesce(appeals.source, responses.source) as source,
        coalesce(appeals.responses, 0) as counted,
        coalesce(responses.responses, 0) as standing
    from appeals
    full outer join responses
        on
            appeals.region_id = responses.region_id
            and appeals.source = responses.source
    where coalesce(appeals.responses, 0) <> coalesce(responses.responses, 0)
)

select * from final
