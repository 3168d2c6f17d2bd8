-- Replication slots, physical and logical, that nobody reads from, that keep much WAL, or that have
-- lost what their consumer needs: the server keeps WAL for a slot until its disk is full.
--
-- The kept WAL counts from the slot's restart_lsn. An inactive slot is for information, and a
-- warning when it keeps more than the smaller of max_wal_size (what the server recycles by itself)
-- and the setting, or is inactive for long (PostgreSQL 17 knows since when). Also a warning: a slot
-- whose reader is behind by more than max_wal_size (wal_status extended), or that has used up most
-- of max_slot_wal_keep_size. Critical: WAL that it needs is about to go or gone (unreserved, lost;
-- PostgreSQL 16 knows a conflict and 17 a reason). Inside the server also critical: it keeps more
-- than half of the disk space that is left. Slots that a standby copies from its primary
-- (PostgreSQL 17) are the primary's business. Catalogs: pg_replication_slots. Thresholds:
-- replication_slot_warning (256 MB), replication_slot_inactive_warning (1 hour),
-- replication_slot_cap_warning (80 %), replication_slot_disk_critical (50 %). Source: Percona's
-- rule (max_wal_size, which grows with the server's own setting); GetWALAvailability in xlog.c.
with limits as (
    select
        pg_catalog.pg_size_bytes(
            pg_catalog.current_setting('mcp_advisor.health_replication_slot_warning')
        ) as warning,
        pg_catalog.current_setting('mcp_advisor.health_replication_slot_inactive_warning')::interval
            as inactive_warning,
        pg_catalog.current_setting('mcp_advisor.health_replication_slot_cap_warning')
            ::double precision as cap_warning,
        pg_catalog.current_setting('mcp_advisor.health_replication_slot_disk_critical')
            ::double precision as disk_critical,
        pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_wal_size')) as recycled,
        case
            when pg_catalog.current_setting('max_slot_wal_keep_size') <> '-1' then
                pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_slot_wal_keep_size'))
        end as cap,
        case
            when pg_catalog.pg_is_in_recovery()
                then greatest(
                    pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn()
                )
            else pg_catalog.pg_current_wal_lsn()
        end as here
),

slot as (
    select
        s.slot_name,
        s.slot_type,
        s.plugin,
        s.database,
        s.active,
        s.active_pid,
        s.wal_status,
        s.safe_wal_size,
        s.restart_lsn,
        s.xmin,
        s.catalog_xmin,
        l.*,
        pg_catalog.pg_wal_lsn_diff(l.here, s.restart_lsn) as kept,
        coalesce(
            n.facts ->> 'invalidation_reason',
            n.facts ->> 'conflict_reason',
            case when n.facts ->> 'conflicting' = 'true' then 'conflict with recovery' end,
            case when s.wal_status = 'lost' then 'wal_removed' end
        ) as lost_by,
        (n.facts ->> 'inactive_since')::timestamptz as inactive_since
    from pg_catalog.pg_replication_slots as s
    cross join limits as l
    cross join lateral (select pg_catalog.to_jsonb(s) as facts) as n
    where not s.temporary
        and coalesce(n.facts ->> 'synced', 'false') = 'false'
),

judged as (
    select
        s.*,
        pg_catalog.clock_timestamp() - s.inactive_since as inactive_for,
        100.0 * s.kept / nullif(s.cap, 0) as cap_percent
    from slot as s
)

select
    case
        when j.lost_by is not null or j.wal_status = 'unreserved' then 'critical'
        when not j.active and j.kept >= least(j.warning, j.recycled) then 'warning'
        when not j.active and j.inactive_for >= j.inactive_warning then 'warning'
        when j.wal_status = 'extended' or j.cap_percent >= j.cap_warning then 'warning'
        when not j.active then 'info'
        else 'ok'
    end as severity,
    pg_catalog.quote_ident(j.slot_name) as object,
    coalesce(j.kept, 0)::double precision as value,
    'bytes' as unit,
    pg_catalog.format(
        '%s when inactive, %s (max_wal_size) when active%s',
        pg_catalog.pg_size_pretty(least(j.warning, j.recycled)),
        pg_catalog.pg_size_pretty(j.recycled),
        case
            when j.cap is not null then pg_catalog.format(
                ', %s %% of %s (max_slot_wal_keep_size)', j.cap_warning,
                pg_catalog.pg_size_pretty(j.cap)
            )
        end
    ) as threshold,
    pg_catalog.format(
        'is %s%s and keeps %s of WAL%s',
        case when j.active then 'active' else 'not active' end,
        case
            when not j.active and j.inactive_since is not null
                then pg_catalog.format(
                    ' since %s', pg_catalog.date_trunc('second', j.inactive_since)
                )
        end,
        case when j.kept > 0 then pg_catalog.pg_size_pretty(j.kept) else 'nothing' end,
        case
            when j.lost_by is not null then pg_catalog.format(
                '; what its consumer needs is gone (%s): drop it, and set the consumer up anew',
                j.lost_by
            )
            when j.wal_status = 'unreserved'
                then '; what its consumer needs goes at the next checkpoint: let the consumer read, '
                    'or raise max_slot_wal_keep_size'
            when j.active and (j.wal_status = 'extended' or j.cap_percent >= j.cap_warning)
                then ': its consumer does not keep up'
            when not j.active and j.cap is null
                then '; no max_slot_wal_keep_size bounds it: start its consumer, or drop it'
            when not j.active then ': start its consumer, or drop it'
        end
    ) as message,
    case
        when j.lost_by is null and j.wal_status = 'unreserved' then pg_catalog.format(
            'ALTER SYSTEM SET max_slot_wal_keep_size = ''%sMB''; '
            'SELECT pg_catalog.pg_reload_conf();',
            pg_catalog.ceil(2 * j.kept / 1024 ^ 2)
        )
        when not j.active
            then pg_catalog.format('SELECT pg_catalog.pg_drop_replication_slot(%L);', j.slot_name)
    end as remediation,
    pg_catalog.jsonb_build_object(
        'risk',
        case when j.lost_by is null and j.wal_status = 'unreserved' then 'safe' else 'data_loss' end,
        'consequence',
        case
            when not j.active and j.lost_by is null and j.wal_status is distinct from 'unreserved'
                then 'dropping a slot loses what its consumer has not read'
        end,
        'type', j.slot_type, 'plugin', j.plugin, 'database', j.database, 'active', j.active,
        'pid', j.active_pid, 'wal_status', j.wal_status, 'restart_lsn', j.restart_lsn,
        'kept_bytes', j.kept, 'safe_bytes', j.safe_wal_size, 'max_slot_wal_keep_bytes', j.cap,
        'inactive_since', j.inactive_since, 'lost_by', j.lost_by, 'xmin', j.xmin,
        'catalog_xmin', j.catalog_xmin, 'disk_percent_critical', j.disk_critical
    ) as details
from judged as j
order by 3 desc nulls last, 2
