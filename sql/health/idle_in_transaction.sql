-- Sessions that have a transaction open and do nothing.
--
-- They keep locks, and keep VACUUM from removing what was deleted since they began; a transaction
-- that failed ("aborted") has given both back and only takes a slot. The time is that since the
-- last statement ended, not since the transaction began. Catalogs: pg_stat_activity, pg_locks,
-- pg_blocking_pids(), which is asked only for sessions that wait. Thresholds:
-- idle_in_transaction_warning (5 minutes); idle_in_transaction_critical (1 hour), which is
-- critical, as is idle_in_transaction_warning with others waiting; idle_in_transaction_blocking
-- (10 s): a warning already when others wait. Source: pganalyze (30 and 60 minutes), the manual on
-- idle_in_transaction_session_timeout; shorter, for each such session is a fault of its
-- application. Needs pg_read_all_stats (pg_monitor) to see other roles' sessions.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_idle_in_transaction_warning')::interval
            as warning,
        pg_catalog.current_setting('mcp_advisor.health_idle_in_transaction_critical')::interval
            as critical,
        pg_catalog.current_setting('mcp_advisor.health_idle_in_transaction_blocking')::interval
            as blocking
),

locked as materialized (
    select
        l.pid,
        l.relation,
        l.mode,
        l.granted,
        l.database
    from pg_catalog.pg_locks as l
    where l.pid is not null
),

waiting as materialized (
    select b.pid, pg_catalog.count(distinct w.pid) as waiters
    from (select distinct l.pid from locked as l where not l.granted) as w
    cross join lateral pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) as b (pid)
    group by b.pid
),

idle as (
    select
        a.*,
        coalesce(w.waiters, 0) as waiters,
        l.*,
        pg_catalog.clock_timestamp() - a.state_change as duration,
        extract(epoch from pg_catalog.clock_timestamp() - a.state_change) as seconds
    from pg_catalog.pg_stat_activity as a
    cross join limits as l
    left join waiting as w
        on w.pid = a.pid
    where a.state like 'idle in transaction%'
        and a.pid <> pg_catalog.pg_backend_pid()
),

late as (
    select i.*
    from idle as i
    where i.duration >= i.warning
        or i.waiters > 0 and i.duration >= i.blocking
)

select
    case
        when i.duration >= i.critical or i.duration >= i.warning and i.waiters > 0 then 'critical'
        else 'warning'
    end as severity,
    pg_catalog.format(
        'session %s of %s in %s', i.pid,
        coalesce(pg_catalog.quote_ident(i.usename), i.usesysid::text),
        pg_catalog.quote_ident(i.datname)
    ) as object,
    pg_catalog.round(i.seconds, 1)::double precision as value,
    's' as unit,
    pg_catalog.format('%s, or %s while others wait', i.warning, i.blocking) as threshold,
    pg_catalog.format(
        'has been %s for %s s%s', i.state, pg_catalog.round(i.seconds),
        case
            when i.waiters > 0
                then pg_catalog.format(', and %s sessions wait for its locks', i.waiters)
        end
    ) as message,
    -- By the time it is run, the transaction may have ended. One that failed has no beginning.
    pg_catalog.format(
        'SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity AS a '
        'WHERE a.pid = %s AND a.%I = %L;',
        i.pid,
        case when i.xact_start is null then 'state_change' else 'xact_start' end,
        pg_catalog.to_jsonb(coalesce(i.xact_start, i.state_change)) #>> '{}'
    ) as remediation,
    pg_catalog.jsonb_build_object(
        'pid', i.pid, 'role', i.usename, 'database', i.datname,
        'application', i.application_name, 'client', i.client_addr, 'state', i.state,
        'waiters', i.waiters, 'transaction_begin', i.xact_start, 'idle_since', i.state_change,
        'last_statement', pg_catalog.left(i.query, 500), 'locks', h.locks,
        'lock_modes', h.modes, 'relations', h.relations,
        'holds_back_vacuum', i.backend_xmin is not null or i.backend_xid is not null,
        'risk', 'ends_session'
    ) as details
from late as i
cross join lateral (
    select
        pg_catalog.count(*) as locks,
        pg_catalog.jsonb_agg(distinct k.mode) as modes,
        (pg_catalog.array_agg(distinct k.relation::regclass::text)
            filter (where k.relation is not null and k.database in (0, d.oid)))[:5] as relations
    from locked as k
    left join pg_catalog.pg_database as d
        on d.datname = pg_catalog.current_database()
    where k.pid = i.pid
        and k.granted
) as h

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
