-- Transactions that have been open for long and are at work.
--
-- Those that do nothing are in idle_in_transaction. Of client sessions and background workers, for
-- a job that a worker runs holds back VACUUM as any other; VACUUM itself does not. Catalogs:
-- pg_stat_activity, pg_stat_progress_vacuum. Threshold: long_transaction_warning (1 hour). Source:
-- pganalyze (30 and 60 minutes for statements), twice that for the transaction around them. Needs
-- pg_read_all_stats (pg_monitor) to see other roles' sessions.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_long_transaction_warning')::interval
            as warning
),

open as (
    select
        a.*,
        l.warning,
        extract(epoch from pg_catalog.clock_timestamp() - a.xact_start) as seconds
    from pg_catalog.pg_stat_activity as a
    cross join limits as l
    where a.state not like 'idle%'
        and a.datid is not null
        and a.backend_type not in ('walsender', 'autovacuum worker', 'parallel worker')
        and a.pid <> pg_catalog.pg_backend_pid()
        and pg_catalog.clock_timestamp() - a.xact_start >= l.warning
        and a.pid not in (select p.pid from pg_catalog.pg_stat_progress_vacuum as p)
)

select
    'warning' as severity,
    pg_catalog.format(
        'session %s of %s in %s', o.pid,
        coalesce(pg_catalog.quote_ident(o.usename), o.usesysid::text),
        pg_catalog.quote_ident(o.datname)
    ) as object,
    pg_catalog.round(o.seconds, 1)::double precision as value,
    's' as unit,
    o.warning::text as threshold,
    pg_catalog.format(
        'its transaction has been open for %s s, its present statement has been running for %s s',
        pg_catalog.round(o.seconds),
        pg_catalog.round(extract(epoch from pg_catalog.clock_timestamp() - o.query_start))
    ) as message,
    -- By the time it is run, the transaction may have ended. Without its statement, the
    -- transaction has failed, and gives up its locks.
    pg_catalog.format(
        'SELECT pg_catalog.pg_cancel_backend(a.pid) FROM pg_catalog.pg_stat_activity AS a '
        'WHERE a.pid = %s AND a.state = ''active'' AND a.xact_start = %L;',
        o.pid, pg_catalog.to_jsonb(o.xact_start) #>> '{}'
    ) as remediation,
    pg_catalog.jsonb_build_object(
        'pid', o.pid, 'role', o.usename, 'database', o.datname,
        'application', o.application_name, 'client', o.client_addr, 'kind', o.backend_type,
        'statement', pg_catalog.left(o.query, 500), 'statement_begin', o.query_start,
        'transaction_begin', o.xact_start,
        'transactions_behind', pg_catalog.age(coalesce(o.backend_xmin, o.backend_xid)),
        'holds_back_vacuum', o.backend_xmin is not null or o.backend_xid is not null,
        'risk', 'ends_session'
    ) as details
from open as o

union all

select
    'info',
    null,
    null,
    null,
    'pg_read_all_stats',
    'only sessions of the own role could be checked: those of others are not shown to it',
    pg_catalog.format('GRANT pg_monitor TO %I;', current_user),
    '{"ran": false, "risk": "safe"}'
where not pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage')

order by 3 desc nulls last, 2
