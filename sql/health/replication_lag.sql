-- How far the standbys that are connected to this server are behind.
--
-- Bytes between what this server has (written, or received when it is a standby itself) and what
-- the standby has replayed, and the time that the server measured; time counts only while bytes are
-- behind, as on an idle server it says nothing. Catalogs: pg_stat_replication. Thresholds: warning
-- from 64 MB or 60 s, critical from 1 GB or 10 minutes. Source: pganalyze (100 MB, 1 GB). Needs
-- pg_read_all_stats (pg_monitor) to see positions.
with position as (
    select
        case
            when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_receive_lsn()
            else pg_catalog.pg_current_wal_lsn()
        end as here,
        pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage') as visible
),

standby as (
    select
        r.*,
        pg_catalog.pg_wal_lsn_diff(p.here, r.replay_lsn) as bytes,
        case when p.here > r.replay_lsn then extract(epoch from r.replay_lag) else 0 end as seconds
    from pg_catalog.pg_stat_replication as r
    cross join position as p
    where p.visible
)

select
    case
        when s.bytes >= 1024 ^ 3 or s.seconds >= 600 then 'critical'
        when s.bytes >= 64 * 1024 ^ 2 or s.seconds >= 60 then 'warning'
        else 'ok'
    end as severity,
    pg_catalog.format(
        '%s (pid %s)', coalesce(nullif(s.application_name, ''), s.client_addr::text), s.pid
    ) as object,
    s.bytes::double precision as value,
    'bytes' as unit,
    '64 MB or 60 s' as threshold,
    pg_catalog.format(
        'is %s and %s behind%s', s.state, coalesce(pg_catalog.pg_size_pretty(s.bytes), 'unknown'),
        case when s.seconds > 0 then pg_catalog.format(', %s s', pg_catalog.round(s.seconds, 1)) end
    ) as message,
    null as remediation,
    pg_catalog.jsonb_build_object(
        'state', s.state, 'sync_state', s.sync_state, 'client', s.client_addr,
        'lag_seconds', s.seconds, 'sent', s.sent_lsn, 'flushed', s.flush_lsn,
        'replayed', s.replay_lsn
    ) as details
from standby as s

union all

select
    'info',
    null,
    null,
    null,
    'pg_read_all_stats',
    'standbys are connected, but their positions are not shown to this role',
    pg_catalog.format('GRANT pg_monitor TO %I;', current_user),
    '{"ran": false}'
from position as p
where not p.visible and exists (select from pg_catalog.pg_stat_replication)

order by 3 desc nulls last, 2
