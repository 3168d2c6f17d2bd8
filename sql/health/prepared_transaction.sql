-- Transactions that were prepared and neither committed nor rolled back.
--
-- A transaction manager finishes them within moments; what is older was left behind by one that
-- failed. They survive restarts. Catalogs: pg_prepared_xacts. Thresholds:
-- prepared_transaction_warning (15 minutes), prepared_transaction_critical (24 hours). Source: the
-- manual on PREPARE TRANSACTION; check_postgres (1 and 30 s) takes any for a fault, but one that
-- its manager still looks after is none. Needs no privilege.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_prepared_transaction_warning')::interval
            as warning,
        pg_catalog.current_setting('mcp_advisor.health_prepared_transaction_critical')::interval
            as critical
),

left_behind as (
    select
        p.*,
        l.*,
        pg_catalog.clock_timestamp() - p.prepared as duration
    from pg_catalog.pg_prepared_xacts as p
    cross join limits as l
    where pg_catalog.clock_timestamp() - p.prepared >= l.warning
)

select
    case when p.duration >= p.critical then 'critical' else 'warning' end as severity,
    'prepared transaction ' || pg_catalog.quote_literal(p.gid) as object,
    pg_catalog.round(extract(epoch from p.duration), 1)::double precision as value,
    's' as unit,
    p.warning::text as threshold,
    pg_catalog.format(
        'has been prepared for %s s, and is neither committed nor rolled back: when its '
        'transaction manager does not know it any more, roll it back in database %I as %I or a '
        'superuser',
        pg_catalog.round(extract(epoch from p.duration)), p.database, p.owner
    ) as message,
    pg_catalog.format('ROLLBACK PREPARED %s;', pg_catalog.quote_literal(p.gid)) as remediation,
    pg_catalog.jsonb_build_object(
        'transaction', p.gid, 'owner', p.owner, 'database', p.database, 'prepared', p.prepared,
        'transactions_behind', pg_catalog.age(p.transaction), 'locks', k.locks,
        'in_this_database', p.database = pg_catalog.current_database(), 'risk', 'data_loss'
    ) as details
from left_behind as p
cross join lateral (
    select pg_catalog.count(*) as locks
    from pg_catalog.pg_locks as l
    where l.pid is null
        and l.virtualtransaction in (
            select x.virtualtransaction
            from pg_catalog.pg_locks as x
            where x.pid is null
                and x.transactionid = p.transaction
        )
) as k
order by 3 desc, 2
