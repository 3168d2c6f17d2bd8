-- What the other sessions do now, the longest-running first.
--
-- $1: whether of all databases. Idle sessions are left out unless a transaction of theirs is open;
-- so are parallel workers, which are counted at their leader, and senders of WAL. running_ms: since
-- the statement began; of a session that is idle in a transaction, since the transaction began.
-- blocked_by: process ids, 0 for a prepared transaction. query_id: null when compute_query_id is
-- off. Sessions of others are shown to members of pg_read_all_stats only: to others their state is
-- not known. As in pg_stat_activity, a second look in the same transaction shows what the first did.
select
    a.pid,
    a.usename::text as role,
    a.datname::text as database,
    a.application_name as application,
    a.backend_type,
    a.state,
    a.wait_event_type || ': ' || a.wait_event as waits_for,
    (extract(
        epoch from pg_catalog.clock_timestamp()
            - case when a.state = 'active' then a.query_start else a.xact_start end
    ) * 1000)::double precision as running_ms,
    (extract(epoch from pg_catalog.clock_timestamp() - a.xact_start) * 1000)::double precision
        as transaction_ms,
    -- It stops all locking for a moment: only asked of those that wait for a lock.
    case when a.wait_event_type = 'Lock' then pg_catalog.pg_blocking_pids(a.pid) end as blocked_by,
    (
        select pg_catalog.count(*)
        from pg_catalog.pg_stat_activity as w
        where w.leader_pid = a.pid
            and w.pid <> a.pid
    ) as workers,
    a.query_id,
    a.query
from pg_catalog.pg_stat_activity as a
where a.pid <> pg_catalog.pg_backend_pid()
    and ($1 or a.datname = pg_catalog.current_database())
    and a.state not in ('idle', 'disabled')
    and a.backend_type <> 'walsender'
    and (a.leader_pid is null or a.leader_pid = a.pid)
order by running_ms desc nulls last, a.pid
