-- How full the shared lock table is.
--
-- Objects that are locked, against the number that it is made for. Locks of the fast path (weak
-- ones on few tables) are kept with their process, and predicate locks in a table of their own:
-- both do not count. Catalogs: pg_locks, settings. Thresholds: lock_table_warning (80 %),
-- lock_table_critical (95 %). Source: the manual on max_locks_per_transaction; NLOCKENTS() in
-- lock.c adds the server's own processes, and there is some spare memory, so it errs early. Needs
-- no privilege.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_lock_table_warning')::double precision
            as warning,
        pg_catalog.current_setting('mcp_advisor.health_lock_table_critical')::double precision
            as critical,
        pg_catalog.current_setting('max_locks_per_transaction')::bigint as per_transaction,
        pg_catalog.current_setting('max_locks_per_transaction')::bigint * (
            pg_catalog.current_setting('max_connections')::bigint
            + pg_catalog.current_setting('max_prepared_transactions')::bigint
        ) as room
),

locked as materialized (
    select l.*
    from pg_catalog.pg_locks as l
    where not l.fastpath
        and l.mode <> 'SIReadLock'
),

counted as (
    select
        pg_catalog.count(*) as objects,
        100.0 * pg_catalog.count(*) / l.room as percent,
        l.*
    from limits as l
    left join (
        select distinct
            k.locktype,
            k.database,
            k.relation,
            k.page,
            k.tuple,
            k.virtualxid,
            k.transactionid,
            k.classid,
            k.objid,
            k.objsubid
        from locked as k
    ) as o
        on true
    group by l.warning, l.critical, l.per_transaction, l.room
)

select
    case when c.percent >= c.critical then 'critical' else 'warning' end as severity,
    null as object,
    pg_catalog.round(c.percent, 1)::double precision as value,
    '%' as unit,
    c.warning || ' %' as threshold,
    pg_catalog.format(
        '%s objects are locked, and the lock table is made for %s', c.objects, c.room
    ) as message,
    pg_catalog.format(
        'ALTER SYSTEM SET max_locks_per_transaction = %s;', 2 * c.per_transaction
    ) as remediation,
    pg_catalog.jsonb_build_object(
        'objects', c.objects, 'room', c.room, 'max_locks_per_transaction', c.per_transaction,
        'most', h.holders, 'risk', 'restart'
    ) as details
from counted as c
cross join (
    select pg_catalog.jsonb_agg(pg_catalog.to_jsonb(m) order by m.locks desc, m.pid) as holders
    from (
        select k.pid, pg_catalog.count(*) as locks
        from locked as k
        group by k.pid
        order by 2 desc, 1
        limit 5
    ) as m
) as h
where c.percent >= c.warning
