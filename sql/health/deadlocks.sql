-- Deadlocks of this database, a day.
--
-- Since the counters began, which is their last reset, or for a database whose counters never were,
-- the oldest of the server's own resets: a crash sets all of those. Less than a day counts as one.
-- Catalogs: pg_stat_database, pg_stat_bgwriter, pg_stat_archiver, pg_stat_wal. Threshold:
-- deadlocks_info (5 a day). Source: check_pgactivity counts them without a limit of its own; some
-- are normal where an application repeats transactions. Needs no privilege.
with counted as (
    select
        d.deadlocks,
        d.datname,
        coalesce(d.stats_reset, least(b.stats_reset, a.stats_reset, w.stats_reset)) as since,
        pg_catalog.current_setting('mcp_advisor.health_deadlocks_info')::double precision as most
    from pg_catalog.pg_stat_database as d
    cross join pg_catalog.pg_stat_bgwriter as b
    cross join pg_catalog.pg_stat_archiver as a
    cross join pg_catalog.pg_stat_wal as w
    where d.datname = pg_catalog.current_database()
),

rated as (
    select
        c.*,
        greatest(
            extract(epoch from pg_catalog.clock_timestamp() - c.since) / 86400, 1
        ) as days
    from counted as c
)

select
    'info' as severity,
    pg_catalog.quote_ident(r.datname) as object,
    pg_catalog.round(r.deadlocks / r.days, 1)::double precision as value,
    'deadlocks a day' as unit,
    r.most || ' a day' as threshold,
    pg_catalog.format(
        '%s deadlocks since %s: let transactions take their locks in one order; the server''s log '
        'has each with its statements',
        r.deadlocks, pg_catalog.date_trunc('second', r.since)
    ) as message,
    null as remediation,
    pg_catalog.jsonb_build_object(
        'deadlocks', r.deadlocks, 'since', r.since,
        'deadlock_timeout', pg_catalog.current_setting('deadlock_timeout')
    ) as details
from rated as r
where r.deadlocks > 0
    and r.deadlocks / r.days >= r.most
