-- How far the standbys and subscribers that are connected to this server are behind.
--
-- Bytes between what this server has (written, or received when it is a standby that feeds others)
-- and what the other has replayed (what only receives, such as pg_receivewal: flushed), and the
-- time that the server measured. Time counts only while bytes are behind: on an idle server it says
-- nothing. Base backups are no standbys. Catalogs: pg_stat_replication. Thresholds:
-- replication_lag_warning (64 MB) or replication_lag_time_warning (60 s), replication_lag_critical
-- (1 GB) or replication_lag_time_critical (10 minutes). Source: pganalyze (100 MB and 1 GB);
-- manual, "Monitoring Replication". Needs pg_read_all_stats (pg_monitor) to see positions.
with limits as (
    select
        pg_catalog.pg_size_bytes(
            pg_catalog.current_setting('mcp_advisor.health_replication_lag_warning')
        ) as warning,
        pg_catalog.pg_size_bytes(
            pg_catalog.current_setting('mcp_advisor.health_replication_lag_critical')
        ) as critical,
        pg_catalog.current_setting('mcp_advisor.health_replication_lag_time_warning')::interval
            as time_warning,
        pg_catalog.current_setting('mcp_advisor.health_replication_lag_time_critical')::interval
            as time_critical,
        case
            when pg_catalog.pg_is_in_recovery()
                then greatest(
                    pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn()
                )
            else pg_catalog.pg_current_wal_lsn()
        end as here,
        pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage') as visible
),

standby as (
    select
        r.*,
        l.*,
        greatest(
            pg_catalog.pg_wal_lsn_diff(l.here, coalesce(r.replay_lsn, r.flush_lsn, r.sent_lsn)), 0
        ) as bytes,
        case
            when l.here > r.replay_lsn then coalesce(r.replay_lag, '0 s'::interval)
            else '0 s'::interval
        end as lag
    from pg_catalog.pg_stat_replication as r
    cross join limits as l
    where l.visible
        and r.state is distinct from 'backup'
)

select
    case
        when s.bytes >= s.critical or s.lag >= s.time_critical then 'critical'
        when s.bytes >= s.warning or s.lag >= s.time_warning then 'warning'
        else 'ok'
    end as severity,
    pg_catalog.format(
        '%s (pid %s)', coalesce(nullif(s.application_name, ''), s.client_addr::text), s.pid
    ) as object,
    s.bytes::double precision as value,
    'bytes' as unit,
    pg_catalog.format('%s or %s', pg_catalog.pg_size_pretty(s.warning), s.time_warning) as threshold,
    pg_catalog.format(
        'is in state %s, %s, and %s behind%s%s',
        s.state,
        s.sync_state,
        coalesce(pg_catalog.pg_size_pretty(s.bytes), 'an unknown distance'),
        case
            when s.lag > '0 s'::interval then pg_catalog.format(
                ', %s s', pg_catalog.round(extract(epoch from s.lag)::numeric, 1)
            )
        end,
        case
            when s.bytes < s.warning and s.lag < s.time_warning then null
            when s.state = 'catchup' then ': it is catching up'
            when pg_catalog.pg_wal_lsn_diff(s.sent_lsn, s.flush_lsn) > s.bytes / 2
                then ': most of it is on its way, so look at the network and at its disk'
            when pg_catalog.pg_wal_lsn_diff(s.flush_lsn, s.replay_lsn) > s.bytes / 2
                then ': most of it has arrived and is not replayed, so look for a paused replay '
                    'or a query that conflicts with it over there'
            else ': most of it was not sent yet, so look at this server''s load and the network'
        end
    ) as message,
    null as remediation,
    pg_catalog.jsonb_build_object(
        'state', s.state, 'sync_state', s.sync_state, 'client', s.client_addr, 'pid', s.pid,
        'role', s.usename, 'lag_seconds', extract(epoch from s.lag), 'bytes', s.bytes,
        'sent', s.sent_lsn, 'flushed', s.flush_lsn, 'replayed', s.replay_lsn,
        'last_reply', s.reply_time
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
    '{"ran": false, "risk": "safe"}'
from limits as l
where not l.visible and exists (select from pg_catalog.pg_stat_replication)

order by 3 desc nulls last, 2
