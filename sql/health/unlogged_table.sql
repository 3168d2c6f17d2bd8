-- Unlogged tables that hold rows.
--
-- They are emptied after a crash, are not on standbys and not in what is restored from a base
-- backup and WAL. That may be meant, so it is for information. Rows are those that the planner or
-- the statistics know of. Catalogs: pg_class, pg_stat_get_live_tuples. Threshold:
-- unlogged_table_rows (1). Source: CREATE TABLE in the manual. Privileges: none.
select
    'info' as severity,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as object,
    r.rows as value,
    'rows' as unit,
    pg_catalog.current_setting('mcp_advisor.health_unlogged_table_rows') || ' rows' as threshold,
    pg_catalog.format(
        'is unlogged: its %s rows are gone after a crash, and are on no standby', r.rows
    ) as message,
    pg_catalog.format('ALTER TABLE %I.%I SET LOGGED;', n.nspname, c.relname) as remediation,
    pg_catalog.jsonb_build_object(
        'risk', 'rewrites',
        'bytes', c.relpages * pg_catalog.current_setting('block_size')::bigint
    ) as details
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
cross join lateral (
    select case
        when c.reltuples > 0 then c.reltuples::double precision
        else pg_catalog.pg_stat_get_live_tuples(c.oid)
    end as rows
) as r
where c.relpersistence = 'u'
    and c.relkind = 'r'
    and r.rows >= pg_catalog.current_setting('mcp_advisor.health_unlogged_table_rows')::bigint
order by 3 desc, 2
