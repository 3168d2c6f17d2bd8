-- The key that most documents of the column {column} of {relation} have, in a sample of rows that {rows}
-- picks; of several the one with the most different values.
with sample as materialized (
    select pg_catalog.to_jsonb({column}) as document
    from only {relation}
    {rows}
)

select pair.key
from sample
cross join lateral pg_catalog.jsonb_each(
    case when pg_catalog.jsonb_typeof(sample.document) = 'object' then sample.document end
) as pair
group by pair.key
order by pg_catalog.count(*) desc, pg_catalog.count(distinct pair.value) desc, pair.key
limit 1
