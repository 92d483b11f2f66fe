-- Every version of the score is out of 100.
select
    version,
    sum(points) as points
from {{ ref('answer_quality_weights') }}
group by version
having sum(points) <> 100
