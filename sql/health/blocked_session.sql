-- Who keeps others waiting for a lock: one row for each root of a tree of waiting sessions.
--
-- A root blocks others and does not wait for a lock itself; the details have who waits for whom,
-- since when, for which lock and with which statement, the longest wait first, at most 20 of them.
-- A root may be a session, a process of the server's own, or a prepared transaction, for which
-- pg_blocking_pids() says 0: then it is searched for among the locks that conflict. A row lock is
-- waited for by way of its holder's transaction id; the table is then that of the tuple lock that
-- the first in the queue holds. In a cycle nobody is a root: that is a deadlock, which the server
-- ends by itself after deadlock_timeout; one that lasts is a row of its own. Catalogs: pg_locks,
-- pg_stat_activity, pg_prepared_xacts, pg_blocking_pids(), which is asked only for sessions that
-- wait. Thresholds: blocked_session_warning (10 s) or blocked_session_waiting_warning (3 sessions);
-- blocked_session_critical (5 minutes) or blocked_session_waiting_critical (5 sessions); waits
-- shorter than blocked_session_least (1 s) are not counted, for a busy row has some at any moment.
-- Source: pganalyze (5 and 10 minutes, 3 blocked), earlier since a queue grows; conflicts as in
-- LockConflicts of lock.c. Needs no privilege; what others' sessions do is shown to members of
-- pg_read_all_stats (pg_monitor) only.
with recursive limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_blocked_session_warning')::interval
            as warning,
        pg_catalog.current_setting('mcp_advisor.health_blocked_session_critical')::interval
            as critical,
        pg_catalog.current_setting('mcp_advisor.health_blocked_session_waiting_warning')::bigint
            as waiting_warning,
        pg_catalog.current_setting('mcp_advisor.health_blocked_session_waiting_critical')::bigint
            as waiting_critical,
        pg_catalog.current_setting('mcp_advisor.health_blocked_session_least')::interval as least,
        (
            select d.oid
            from pg_catalog.pg_database as d
            where d.datname = pg_catalog.current_database()
        ) as own_database
),

locked as materialized (
    select l.*
    from pg_catalog.pg_locks as l
),

session as materialized (
    select a.*
    from pg_catalog.pg_stat_activity as a
    where exists (select from locked as l where not l.granted)
),

wanted as materialized (
    select
        l.*,
        -- A parallel worker waits for its leader.
        coalesce(a.leader_pid, l.pid)::bigint as node,
        coalesce(l.waitstart, pg_catalog.clock_timestamp()) as since,
        pg_catalog.clock_timestamp() - l.waitstart as waited,
        t.relation as tuple_of
    from locked as l
    left join session as a
        on a.pid = l.pid
    left join (
        select h.pid, pg_catalog.min(h.relation::bigint)::oid as relation
        from locked as h
        where h.locktype = 'tuple'
            and h.granted
        group by h.pid
    ) as t
        on t.pid = l.pid
    where not l.granted
        and l.pid is not null
),

blocked as materialized (
    select distinct w.node, w.pid, b.pid as blocker
    from wanted as w
    cross join lateral pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) as b (pid)
),

-- Locks of prepared transactions have no process. What they share is the virtual transaction.
prepared as materialized (
    select
        x.*,
        -x.transaction::text::bigint as node,
        l.virtualtransaction
    from locked as l
    join pg_catalog.pg_prepared_xacts as x
        on x.transaction = l.transactionid
    where l.pid is null
        and l.locktype = 'transactionid'
        and exists (select from blocked as b where b.blocker = 0)
),

modes as (
    select
        m.mode,
        m.rank,
        -- The weakest mode that conflicts with it.
        (array[8, 7, 5, 4, 3, 3, 2, 1])[m.rank] as weakest
    from pg_catalog.unnest(array[
        'AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock',
        'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'
    ]) with ordinality as m (mode, rank)
),

-- Sessions are known by their pid, prepared transactions by their id below zero.
edge as materialized (
    select b.node as waiter, b.blocker::bigint as blocker
    from blocked as b
    where b.blocker <> 0

    union

    select w.node, p.node
    from blocked as b
    join wanted as w
        on w.pid = b.pid
    join locked as h
        on h.pid is null
        and h.granted
        and h.locktype = w.locktype
        and (h.database, h.relation, h.page, h.tuple, h.virtualxid, h.classid, h.objid, h.objsubid)
            is not distinct from (
                w.database, w.relation, w.page, w.tuple, w.virtualxid, w.classid, w.objid,
                w.objsubid
            )
        and h.transactionid is not distinct from w.transactionid
    join modes as held
        on held.mode = h.mode
    join modes as asked
        on asked.mode = w.mode
        and held.rank >= asked.weakest
        and not (held.mode = 'ShareLock' and asked.mode = 'ShareLock')
    join prepared as p
        on p.virtualtransaction = h.virtualtransaction
    where b.blocker = 0
),

-- UNION keeps each pair once, so that it ends whatever the edges are.
reach (root, node) as (
    select e.blocker, e.waiter
    from edge as e
    where e.blocker not in (select o.waiter from edge as o)

    union

    select r.root, e.waiter
    from reach as r
    join edge as e
        on e.blocker = r.node
),

waiting as (
    select
        r.root,
        w.*,
        extract(epoch from w.waited) as seconds,
        case
            when w.database in (0, l.own_database)
                then coalesce(w.relation, w.tuple_of)::regclass::text
            when w.relation is not null then 'a table of another database'
            when w.tuple_of is not null and a.datid = l.own_database
                then w.tuple_of::regclass::text
        end as relation_name,
        a.usename,
        a.datname,
        a.query,
        pg_catalog.row_number() over (partition by r.root order by w.since, w.pid) as place
    from reach as r
    join wanted as w
        on w.node = r.node
    cross join limits as l
    left join session as a
        on a.pid = w.pid
    where w.waited >= l.least
),

tree as (
    select
        w.root,
        pg_catalog.count(*) as waiters,
        pg_catalog.max(w.waited) as waited,
        pg_catalog.max(w.seconds) as seconds,
        pg_catalog.bool_or(
            w.place = 1 and w.mode = 'AccessExclusiveLock' and w.locktype = 'relation'
        ) as exclusive_first,
        pg_catalog.max(w.pid) filter (where w.place = 1) as first_pid,
        pg_catalog.max(w.relation_name) filter (where w.place = 1) as first_relation,
        pg_catalog.jsonb_agg(
            pg_catalog.jsonb_build_object(
                'pid', w.pid, 'role', w.usename, 'database', w.datname, 'waits_for', b.pids,
                'since', w.since, 'seconds', pg_catalog.round(w.seconds, 1), 'lock', w.mode,
                'lock_type', w.locktype, 'relation', w.relation_name,
                'statement', pg_catalog.left(w.query, 500)
            ) order by w.place
        ) filter (where w.place <= 20) as sessions
    from waiting as w
    left join lateral (
        select pg_catalog.jsonb_agg(
            case
                when e.blocker > 0 then pg_catalog.to_jsonb(e.blocker)
                else pg_catalog.to_jsonb((select p.gid from prepared as p where p.node = e.blocker))
            end order by e.blocker
        ) as pids
        from edge as e
        where e.waiter = w.node
            and w.place <= 20
    ) as b
        on true
    group by w.root
),

root as (
    select
        t.*,
        l.*,
        a.pid,
        a.usename,
        a.datname,
        a.application_name,
        a.client_addr,
        a.state,
        a.query,
        a.backend_type,
        a.backend_start,
        a.xact_start,
        a.state_change,
        p.gid,
        p.owner,
        p.database,
        p.prepared,
        case
            when p.gid is not null then 'prepared'
            when a.backend_type is null then 'hidden'
            when a.backend_type not in ('client backend', 'background worker') then 'server'
            when a.state like 'idle%' then 'idle'
            else 'active'
        end as kind
    from tree as t
    cross join limits as l
    left join session as a
        on a.pid = t.root
    left join prepared as p
        on p.node = t.root
    where t.waited >= l.warning
        or t.waiters >= l.waiting_warning
)

select
    case
        when r.waited >= r.critical or r.waiters >= r.waiting_critical then 'critical'
        else 'warning'
    end as severity,
    case
        when r.kind = 'prepared' then 'prepared transaction ' || pg_catalog.quote_literal(r.gid)
        else pg_catalog.format(
            'session %s%s%s', r.root, ' of ' || pg_catalog.quote_ident(r.usename),
            ' in ' || pg_catalog.quote_ident(r.datname)
        )
    end as object,
    pg_catalog.round(r.seconds, 1)::double precision as value,
    's' as unit,
    pg_catalog.format('%s, or %s sessions waiting', r.warning, r.waiting_warning) as threshold,
    pg_catalog.format(
        '%s for its locks, the longest for %s s; %s%s',
        case
            when r.waiters = 1 then 'another session waits'
            else r.waiters || ' other sessions wait'
        end,
        pg_catalog.round(r.seconds),
        case r.kind
            when 'prepared' then 'nobody committed it, nor rolled it back: do that in database '
                || pg_catalog.quote_ident(r.database)
            when 'hidden' then 'what it does is shown to members of pg_monitor only'
            when 'server' then case r.backend_type
                when 'startup' then
                    'it replays a transaction that is still open on the primary: end that there'
                else 'it is the server''s ' || r.backend_type || ', which ends by itself'
            end
            else 'it is ' || r.state
        end,
        case when r.exclusive_first and r.waiters > 1 then pg_catalog.format(
            '; session %s, the first in the queue, asks for AccessExclusiveLock on %s, and the '
            'others may wait only behind it', r.first_pid, coalesce(r.first_relation, 'a table')
        ) end
    ) as message,
    -- By the time it is run, the transaction may have ended.
    case r.kind
        when 'prepared' then
            pg_catalog.format('ROLLBACK PREPARED %s;', pg_catalog.quote_literal(r.gid))
        when 'idle' then pg_catalog.format(
            'SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity AS a '
            'WHERE a.pid = %s AND a.backend_start = %L AND a.xact_start IS NOT DISTINCT FROM %L;',
            r.pid, pg_catalog.to_jsonb(r.backend_start) #>> '{}',
            pg_catalog.to_jsonb(r.xact_start) #>> '{}'
        )
        when 'active' then pg_catalog.format(
            'SELECT pg_catalog.pg_cancel_backend(a.pid) FROM pg_catalog.pg_stat_activity AS a '
            'WHERE a.pid = %s AND a.backend_start = %L AND a.xact_start = %L;',
            r.pid, pg_catalog.to_jsonb(r.backend_start) #>> '{}',
            pg_catalog.to_jsonb(r.xact_start) #>> '{}'
        )
    end as remediation,
    case
        when r.kind = 'prepared' then pg_catalog.jsonb_build_object(
            'transaction', r.gid, 'owner', r.owner, 'database', r.database,
            'prepared', r.prepared, 'risk', 'data_loss'
        )
        else pg_catalog.jsonb_build_object(
            'pid', r.root, 'role', r.usename, 'database', r.datname,
            'application', r.application_name, 'client', r.client_addr, 'kind', r.backend_type,
            'state', r.state, 'state_since', r.state_change, 'transaction_begin', r.xact_start,
            'statement', pg_catalog.left(r.query, 500), 'risk', 'ends_session'
        )
    end || pg_catalog.jsonb_build_object('waiters', r.waiters, 'waiting', r.sessions) as details
from root as r

union all

-- Whom no root leads to waits in a cycle, or behind one.
select
    case when pg_catalog.max(w.waited) >= l.critical then 'critical' else 'warning' end,
    null,
    pg_catalog.round(pg_catalog.max(extract(epoch from w.waited)), 1)::double precision,
    's',
    l.warning::text,
    pg_catalog.format(
        '%s sessions wait for each other in a circle, and the server looks for deadlocks only '
        'after deadlock_timeout, which is %s', pg_catalog.count(*),
        pg_catalog.current_setting('deadlock_timeout')
    ),
    -- The one that came last has least to lose.
    pg_catalog.format(
        'SELECT pg_catalog.pg_cancel_backend(a.pid) FROM pg_catalog.pg_stat_activity AS a '
        'WHERE a.pid = %s AND a.wait_event_type = ''Lock'';',
        (pg_catalog.array_agg(w.pid order by w.since desc, w.pid desc))[1]
    ),
    pg_catalog.jsonb_build_object(
        'waiters', pg_catalog.count(*),
        'pids', pg_catalog.jsonb_agg(w.pid order by w.since, w.pid), 'risk', 'ends_session'
    )
from wanted as w
cross join limits as l
where w.waited >= greatest(l.warning, l.least)
    and w.node in (select e.waiter from edge as e)
    and w.node not in (select r.node from reach as r)
group by l.warning, l.critical

order by 3 desc, 2
