-- Whether this server, if it is a standby, receives and replays what its primary writes.
--
-- Catalogs: pg_stat_wal_receiver and the recovery functions. Thresholds: a warning when replay is
-- paused, when nothing is received though a primary is configured, or from 64 MB received and not
-- replayed; critical when nothing is received for an hour. No row on a primary. That a primary is
-- configured is known to pg_read_all_settings (pg_monitor) only; to others a standby without a
-- receiver is for information, as it may restore from an archive.
with here as (
    select
        pg_catalog.pg_is_wal_replay_paused() as paused,
        exists (select from pg_catalog.pg_stat_wal_receiver as r where r.pid is not null)
            as receiving,
        pg_catalog.pg_wal_lsn_diff(
            pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn()
        ) as bytes,
        extract(
            epoch from pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()
        ) as seconds,
        case
            when pg_catalog.pg_has_role(current_user, 'pg_read_all_settings', 'usage')
                then pg_catalog.current_setting('primary_conninfo') <> ''
        end as configured
    where pg_catalog.pg_is_in_recovery()
)

select
    case
        when not h.receiving and h.configured and h.seconds >= 3600 then 'critical'
        when not h.receiving and h.configured or h.paused or h.bytes >= 64 * 1024 ^ 2
            then 'warning'
        when not h.receiving then 'info'
        else 'ok'
    end as severity,
    null as object,
    h.bytes::double precision as value,
    'bytes' as unit,
    'receiving, not paused, 64 MB' as threshold,
    case
        when h.paused then 'this standby has paused its replay'
        when not h.receiving and h.configured
            then 'this standby does not receive WAL from its primary'
        when not h.receiving then 'this standby does not stream; it may restore from an archive'
        else pg_catalog.format(
            'this standby receives WAL and has %s to replay',
            coalesce(pg_catalog.pg_size_pretty(h.bytes), 'nothing')
        )
    end as message,
    case when h.paused then 'SELECT pg_catalog.pg_wal_replay_resume();' end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', 'safe',
        'receiving', h.receiving, 'paused', h.paused, 'last_replayed_seconds_ago', h.seconds
    ) as details
from here as h
