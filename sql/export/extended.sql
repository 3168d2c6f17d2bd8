-- The content of extended statistics, as pg_stats_ext shows it: only to who may read all of their
-- columns. columns: the names behind the numbers in n_distinct and dependencies.
select
    s.statistics_schemaname as schema,
    s.statistics_name as name,
    {inherited} as inherited,
    (
        select pg_catalog.json_object_agg(a.attnum, a.attname)
        from pg_catalog.pg_statistic_ext as x
        join pg_catalog.pg_namespace as m
            on m.oid = x.stxnamespace
        join pg_catalog.pg_attribute as a
            on a.attrelid = x.stxrelid and a.attnum = any (x.stxkeys)
        where x.stxname = s.statistics_name and m.nspname = s.statistics_schemaname
    ) as columns,
    s.n_distinct::text as n_distinct,
    s.dependencies::text as dependencies,
    case when {values} then s.most_common_vals end as mcv,
    case when {values} then s.most_common_freqs end as mcv_freqs,
    case when {values} then s.most_common_base_freqs end as mcv_base_freqs
from pg_catalog.pg_stats_ext as s
join own_schema as n
    on n.name = s.schemaname
order by 1, 2, 3
