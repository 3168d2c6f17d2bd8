-- Whether this server, if it is a standby, receives and replays what its primary writes.
--
-- What was received and is not replayed yet; that replay is paused; that nothing is received though
-- primary_conninfo names a primary. A standby that replays late on purpose
-- (recovery_min_apply_delay) may have that much more to replay. How long ago the last transaction
-- was replayed (or the server started, when it has replayed none) counts only where something is
-- known to be missing: an idle primary has none. No row on a primary. Catalogs:
-- pg_stat_wal_receiver and the recovery functions. Thresholds: standby_warning (64 MB to replay),
-- paused, or not receiving; standby_critical (one of these, and the last transaction was replayed 1
-- hour ago). Source: manual, "Hot Standby" and "Recovery Control Functions". That a primary is
-- configured is known to pg_read_all_settings (pg_monitor) only.
with here as (
    select
        pg_catalog.pg_size_bytes(
            pg_catalog.current_setting('mcp_advisor.health_standby_warning')
        ) as warning,
        pg_catalog.current_setting('mcp_advisor.health_standby_critical')::interval as critical,
        pg_catalog.current_setting('recovery_min_apply_delay')::interval as delay,
        pg_catalog.pg_get_wal_replay_pause_state() <> 'not paused' as paused,
        exists (select from pg_catalog.pg_stat_wal_receiver as r where r.pid is not null)
            as receiving,
        greatest(
            pg_catalog.pg_wal_lsn_diff(
                pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn()
            ), 0
        ) as bytes,
        pg_catalog.clock_timestamp() - coalesce(
            pg_catalog.pg_last_xact_replay_timestamp(), pg_catalog.pg_postmaster_start_time()
        ) as ago,
        case
            when pg_catalog.pg_has_role(current_user, 'pg_read_all_settings', 'usage')
                then pg_catalog.current_setting('primary_conninfo') <> ''
        end as configured
    where pg_catalog.pg_is_in_recovery()
),

judged as (
    select
        h.*,
        not h.receiving and coalesce(h.configured, false) as disconnected,
        h.delay = '0 s'::interval and h.bytes >= h.warning as behind,
        h.bytes > 0 and h.ago - h.delay >= h.critical as late
    from here as h
)

select
    case
        when j.disconnected and j.ago - j.delay >= j.critical or j.late then 'critical'
        when j.disconnected or j.paused or j.behind then 'warning'
        when not j.receiving and j.configured is null then 'info'
        else 'ok'
    end as severity,
    null as object,
    j.bytes::double precision as value,
    'bytes' as unit,
    pg_catalog.format(
        'receiving, not paused, %s; %s', pg_catalog.pg_size_pretty(j.warning), j.critical
    ) as threshold,
    case
        when j.paused then pg_catalog.format(
            'this standby has paused its replay, with %s to replay',
            coalesce(pg_catalog.pg_size_pretty(j.bytes), 'nothing')
        )
        when j.disconnected then pg_catalog.format(
            'this standby does not receive WAL from its primary, and has replayed no transaction '
            'of the last %s s: look at its log for why, and whether the primary runs and '
            'primary_conninfo is right',
            pg_catalog.round(extract(epoch from j.ago))
        )
        when not j.receiving and j.configured is null
            then 'this standby does not stream; whether it should is not shown to this role'
        when not j.receiving then 'this standby has no primary to stream from: it reads an archive'
        else pg_catalog.format(
            'this standby receives WAL and has %s to replay%s%s',
            case when j.bytes > 0 then pg_catalog.pg_size_pretty(j.bytes) else 'nothing' end,
            case
                when j.delay > '0 s'::interval
                    then pg_catalog.format(', on purpose %s later', j.delay)
            end,
            case
                when j.behind or j.late
                    then ': replay is slow, or waits for a query that conflicts with it'
            end
        )
    end as message,
    case
        when j.paused then 'SELECT pg_catalog.pg_wal_replay_resume();'
        when not j.receiving and j.configured is null
            then pg_catalog.format('GRANT pg_monitor TO %I;', current_user)
    end as remediation,
    case
        when not j.receiving and j.configured is null
            then pg_catalog.jsonb_build_object('ran', false)
        else '{}'
    end || pg_catalog.jsonb_build_object(
        'risk', 'safe', 'receiving', j.receiving, 'paused', j.paused,
        'last_replayed_seconds_ago', extract(epoch from j.ago),
        'apply_delay_seconds', extract(epoch from j.delay)
    ) as details
from judged as j
