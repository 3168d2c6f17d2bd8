-- Extended statistics of kind ndistinct on the tables with the given oids ($1, oid[]).
--
-- Returns (table oid, the counts as JSON: {"1, 2": 100, …} by attribute number). Data are visible
-- to those who may read the columns, as in pg_stats_ext.
select
    (c.oid)::bigint,
    x.n_distinct::text
from pg_catalog.pg_stats_ext as x
join pg_catalog.pg_namespace as n
    on n.nspname = x.schemaname
join pg_catalog.pg_class as c
    on c.relnamespace = n.oid and c.relname = x.tablename
where c.oid = any ($1) and x.n_distinct is not null
order by 1, x.statistics_schemaname, x.statistics_name
