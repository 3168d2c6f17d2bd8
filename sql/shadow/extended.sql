-- The extended statistics that were just made, with the expressions of each in its order.
select
    n.nspname::text,
    s.stxname::text,
    s.oid::bigint,
    s.stxrelid::bigint,
    pg_catalog.pg_get_statisticsobjdef_expressions(s.oid)
from pg_catalog.pg_statistic_ext as s
join pg_catalog.pg_namespace as n
    on n.oid = s.stxnamespace
where pg_catalog.pg_has_role(s.stxowner, 'usage')
