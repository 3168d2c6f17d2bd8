-- How many checkpoints were asked for instead of coming by time.
--
-- As for older servers, from the view that PostgreSQL 17 has for it; on a standby, restartpoints.
-- Catalogs: pg_stat_checkpointer. Thresholds: checkpoints_info (50 % of all), checkpoints_least (10
-- checkpoints). Source: manual, "WAL Configuration"; checkpointer.c, system_views.sql.
with counted as (
    select
        case when r.standby then b.restartpoints_timed else b.num_timed end as timed,
        case when r.standby then b.restartpoints_req else b.num_requested end as requested,
        case
            when r.standby then b.restartpoints_timed + b.restartpoints_req
            else b.num_timed + b.num_requested
        end as total,
        b.write_time as write_ms,
        b.sync_time as sync_ms,
        b.stats_reset,
        pg_catalog.current_setting('mcp_advisor.health_checkpoints_info')::double precision
            as info,
        pg_catalog.current_setting('mcp_advisor.health_checkpoints_least')::bigint as least,
        pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_wal_size')) as size
    from pg_catalog.pg_stat_checkpointer as b
    cross join (select pg_catalog.pg_is_in_recovery() as standby) as r
)

select
    'info' as severity,
    'checkpointer' as object,
    pg_catalog.round(100.0 * c.requested / c.total, 1)::double precision as value,
    '%' as unit,
    pg_catalog.format('%s %% of at least %s', c.info, c.least) as threshold,
    pg_catalog.format(
        '%s of %s checkpoints since %s were asked for, most as a rule because max_wal_size (%s) was '
        'reached before checkpoint_timeout (%s)',
        c.requested,
        c.total,
        pg_catalog.date_trunc('second', c.stats_reset),
        pg_catalog.current_setting('max_wal_size'),
        pg_catalog.current_setting('checkpoint_timeout')
    ) as message,
    pg_catalog.format(
        'ALTER SYSTEM SET max_wal_size = ''%sMB''; SELECT pg_catalog.pg_reload_conf();',
        2 * c.size / 1048576
    ) as remediation,
    pg_catalog.jsonb_build_object(
        'risk', 'safe', 'requested', c.requested, 'timed', c.timed, 'write_ms', c.write_ms,
        'sync_ms', c.sync_ms, 'since', c.stats_reset, 'max_wal_bytes', c.size
    ) as details
from counted as c
where c.total >= greatest(c.least, 1)
    and 100.0 * c.requested / c.total > c.info
