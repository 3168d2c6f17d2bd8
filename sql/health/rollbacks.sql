-- The share of this database's transactions that are rolled back.
--
-- Since the counters began; see deadlocks. Catalogs: pg_stat_database, pg_stat_bgwriter,
-- pg_stat_archiver, pg_stat_wal. Thresholds: rollbacks_info (30 %), rollbacks_least (1000
-- transactions, fewer say nothing). Source: check_postgres and check_pgactivity measure the commit
-- ratio; drivers that end each read by ROLLBACK reach high shares without harm, so it is
-- information. Needs no privilege.
with counted as (
    select
        d.datname,
        d.xact_rollback,
        d.xact_commit + d.xact_rollback as transactions,
        100.0 * d.xact_rollback / nullif(d.xact_commit + d.xact_rollback, 0) as percent,
        coalesce(d.stats_reset, least(b.stats_reset, a.stats_reset, w.stats_reset)) as since,
        pg_catalog.current_setting('mcp_advisor.health_rollbacks_info')::double precision as most,
        pg_catalog.current_setting('mcp_advisor.health_rollbacks_least')::bigint as least
    from pg_catalog.pg_stat_database as d
    cross join pg_catalog.pg_stat_bgwriter as b
    cross join pg_catalog.pg_stat_archiver as a
    cross join pg_catalog.pg_stat_wal as w
    where d.datname = pg_catalog.current_database()
)

select
    'info' as severity,
    pg_catalog.quote_ident(c.datname) as object,
    pg_catalog.round(c.percent, 1)::double precision as value,
    '%' as unit,
    c.most || ' %' as threshold,
    pg_catalog.format(
        '%s of %s transactions since %s were rolled back: the server''s log has their errors, '
        'unless the application itself rolls back',
        c.xact_rollback, c.transactions, pg_catalog.date_trunc('second', c.since)
    ) as message,
    null as remediation,
    pg_catalog.jsonb_build_object(
        'rolled_back', c.xact_rollback, 'transactions', c.transactions, 'since', c.since
    ) as details
from counted as c
where c.transactions >= c.least
    and c.percent >= c.most
