-- Statements that have been running for long.
--
-- Only of client sessions: walsenders, autovacuum and background workers have no end by nature, and
-- a parallel worker is its leader's. VACUUM, ANALYZE, CLUSTER and the building of indexes take
-- their time and show their progress; a statement that waits for a lock is in blocked_session, by
-- who keeps it waiting. Catalogs: pg_stat_activity, pg_stat_progress_*. Threshold:
-- long_query_warning (30 minutes). Source: pganalyze (30 and 60 minutes). Needs pg_read_all_stats
-- (pg_monitor) to see other roles' sessions.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_long_query_warning')::interval as warning
),

running as (
    select
        a.*,
        l.warning,
        extract(epoch from pg_catalog.clock_timestamp() - a.query_start) as seconds
    from pg_catalog.pg_stat_activity as a
    cross join limits as l
    where a.state = 'active'
        and a.backend_type = 'client backend'
        and a.pid <> pg_catalog.pg_backend_pid()
        and a.wait_event_type is distinct from 'Lock'
        and pg_catalog.clock_timestamp() - a.query_start >= l.warning
        and a.pid not in (
            select p.pid from pg_catalog.pg_stat_progress_vacuum as p
            union all
            select p.pid from pg_catalog.pg_stat_progress_analyze as p
            union all
            select p.pid from pg_catalog.pg_stat_progress_cluster as p
            union all
            select p.pid from pg_catalog.pg_stat_progress_create_index as p
        )
)

select
    'warning' as severity,
    pg_catalog.format(
        'session %s of %s in %s', r.pid,
        coalesce(pg_catalog.quote_ident(r.usename), r.usesysid::text),
        pg_catalog.quote_ident(r.datname)
    ) as object,
    pg_catalog.round(r.seconds, 1)::double precision as value,
    's' as unit,
    r.warning::text as threshold,
    pg_catalog.format(
        'its statement has been running for %s s%s', pg_catalog.round(r.seconds),
        case
            when r.wait_event_type = 'Client' then ', and waits for its client'
            when r.wait_event is not null then
                pg_catalog.format(', and waits for %s %s', r.wait_event_type, r.wait_event)
        end
    ) as message,
    -- By the time it is run, the statement may have ended.
    pg_catalog.format(
        'SELECT pg_catalog.pg_cancel_backend(a.pid) FROM pg_catalog.pg_stat_activity AS a '
        'WHERE a.pid = %s AND a.state = ''active'' AND a.query_start = %L;',
        r.pid, pg_catalog.to_jsonb(r.query_start) #>> '{}'
    ) as remediation,
    pg_catalog.jsonb_build_object(
        'pid', r.pid, 'role', r.usename, 'database', r.datname,
        'application', r.application_name, 'client', r.client_addr,
        'statement', pg_catalog.left(r.query, 500), 'statement_begin', r.query_start,
        'transaction_begin', r.xact_start, 'wait_event_type', r.wait_event_type,
        'wait_event', r.wait_event,
        'holds_back_vacuum', r.backend_xmin is not null or r.backend_xid is not null,
        'risk', 'ends_session'
    ) as details
from running as r

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
