-- min and max aggregates: the ones for which the first row of an order is the answer.
select
    a.aggfnoid::pg_catalog.oid::bigint,
    a.aggsortop::bigint
from pg_catalog.pg_aggregate as a
where a.aggsortop <> 0
order by 1
