-- Replication slots that nobody reads from: the server keeps WAL for them until its disk is full.
--
-- Catalogs: pg_replication_slots. Thresholds: an inactive slot is for information; a warning when
-- it keeps more WAL than max_wal_size, which the server would otherwise recycle; critical when WAL
-- that it needs is being removed or is gone (wal_status unreserved or lost). Source: Percona's
-- rule, which grows with the server's own setting.
with slot as (
    select
        s.*,
        pg_catalog.pg_wal_lsn_diff(
            case
                when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
                else pg_catalog.pg_current_wal_lsn()
            end,
            s.restart_lsn
        ) as kept,
        pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_wal_size')) as allowed
    from pg_catalog.pg_replication_slots as s
    where not s.temporary
)

select
    case
        when s.wal_status in ('unreserved', 'lost') then 'critical'
        when not s.active and s.kept > s.allowed then 'warning'
        when not s.active then 'info'
        else 'ok'
    end as severity,
    pg_catalog.quote_ident(s.slot_name) as object,
    s.kept::double precision as value,
    'bytes' as unit,
    pg_catalog.format('active, or %s', pg_catalog.pg_size_pretty(s.allowed)) as threshold,
    pg_catalog.format(
        'is %s and keeps %s of WAL%s',
        case when s.active then 'active' else 'not active' end,
        coalesce(pg_catalog.pg_size_pretty(s.kept), 'nothing'),
        case s.wal_status
            when 'lost' then '; what its consumer needs is gone: drop it, set the consumer up anew'
            when 'unreserved' then '; what its consumer needs is about to be removed'
        end
    ) as message,
    case
        when s.wal_status = 'lost' or not s.active
            then pg_catalog.format('SELECT pg_catalog.pg_drop_replication_slot(%L);', s.slot_name)
    end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', 'data_loss',
        'type', s.slot_type, 'plugin', s.plugin, 'database', s.database, 'active', s.active,
        'wal_status', s.wal_status, 'restart_lsn', s.restart_lsn,
        'data_loss', 'dropping a slot loses what its consumer has not read'
    ) as details
from slot as s
order by 3 desc nulls last, 2
