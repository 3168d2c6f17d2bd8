-- Sessions that have a transaction open and do nothing.
--
-- They keep locks, and keep VACUUM from removing what was deleted since they began. Catalogs:
-- pg_stat_activity, pg_locks through pg_blocking_pids, which is asked only for sessions that wait.
-- Thresholds: idle_in_transaction_warning (5 minutes), or as soon as another session waits for it;
-- idle_in_transaction_critical (1 hour), or idle_in_transaction_warning with others waiting. Needs pg_read_all_stats (pg_monitor) to see
-- other roles' sessions.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_idle_in_transaction_warning')::interval
            as warning,
        pg_catalog.current_setting('mcp_advisor.health_idle_in_transaction_critical')::interval
            as critical
),

waiting as materialized (
    select b.pid, pg_catalog.count(*) as waiters
    from pg_catalog.pg_stat_activity as a
    cross join lateral pg_catalog.unnest(pg_catalog.pg_blocking_pids(a.pid)) as b (pid)
    where a.pid in (select l.pid from pg_catalog.pg_locks as l where not l.granted)
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
)

select
    case
        when i.duration >= i.critical or i.duration >= i.warning and i.waiters > 0 then 'critical'
        else 'warning'
    end as severity,
    pg_catalog.format('session %s of %I in %I', i.pid, i.usename, i.datname) as object,
    pg_catalog.round(i.seconds::numeric, 1)::double precision as value,
    's' as unit,
    i.warning || ', or another session waits' as threshold,
    pg_catalog.format(
        'has been %s for %s s%s', i.state, pg_catalog.round(i.seconds),
        case
            when i.waiters > 0
                then pg_catalog.format(', and %s sessions wait for it', i.waiters)
        end
    ) as message,
    pg_catalog.format('SELECT pg_catalog.pg_terminate_backend(%s);', i.pid) as remediation,
    pg_catalog.jsonb_build_object(
        'pid', i.pid, 'role', i.usename, 'database', i.datname,
        'application', i.application_name, 'waiters', i.waiters,
        'transaction_begin', i.xact_start, 'risk', 'ends_session', 'holds_back_vacuum', i.backend_xmin is not null
            or i.backend_xid is not null
    ) as details
from idle as i
where i.duration >= i.warning or i.waiters > 0

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
