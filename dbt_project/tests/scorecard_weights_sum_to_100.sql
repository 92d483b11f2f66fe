-- Every version of the score is out of 100, or weeks under different versions cannot be compared.
select
    version,
    sum(points) as points
from {{ ref('scorecard_weights') }}
group by version
having sum(points) <> 100
