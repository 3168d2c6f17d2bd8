-- How large pg_wal is, and what keeps it.
--
-- Checkpoints remove or recycle WAL so that pg_wal stays near max_wal_size; what is much larger is
-- kept by a replication slot, by wal_keep_size, or because it is not archived. The one that keeps
-- most is named. Catalogs: pg_ls_waldir and pg_ls_archive_statusdir (called in a text that ts_stat
-- runs, as their mere mention is refused to roles that may not execute them; query_to_xml needs a
-- server with libxml), pg_replication_slots, settings. Threshold: wal_size_warning (200 % of
-- max_wal_size). Source: RemoveOldXlogFiles and KeepLogSeg in xlog.c; manual, "WAL Configuration".
-- Needs pg_monitor.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_wal_size_warning')::double precision
            as warning,
        pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_wal_size')) as recycled,
        pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_keep_size')) as keep,
        pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size')) as segment,
        pg_catalog.has_function_privilege('pg_catalog.pg_ls_waldir()', 'execute')
            and pg_catalog.has_function_privilege(
                'pg_catalog.pg_ls_archive_statusdir()', 'execute'
            ) as listable
),

listed as (
    select
        l.*,
        (
            select pg_catalog.string_agg(t.word, ' ')
            from pg_catalog.ts_stat(
                case
                    when l.listable then
                        'select pg_catalog.array_to_tsvector(array[''bytes='' '
                        '|| pg_catalog.sum(f.size), ''files='' || (select pg_catalog.count(*) '
                        'from pg_catalog.pg_ls_archive_statusdir() as a '
                        'where a.name like ''%.ready'')]) from pg_catalog.pg_ls_waldir() as f'
                    else 'select null::pg_catalog.tsvector'
                end
            ) as t (word)
        ) as answer
    from limits as l
),

slot as (
    select
        s.slot_name,
        s.active,
        pg_catalog.pg_wal_lsn_diff(
            case
                when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
                else pg_catalog.pg_current_wal_lsn()
            end,
            s.restart_lsn
        ) as kept
    from pg_catalog.pg_replication_slots as s
    where s.restart_lsn is not null
        and s.wal_status is distinct from 'lost'
    order by s.restart_lsn
    limit 1
),

measured as (
    select
        l.*,
        s.slot_name,
        s.active,
        coalesce(s.kept, 0) as slot_kept,
        pg_catalog.substring(l.answer, 'bytes=(\d+)')::bigint as bytes,
        coalesce(pg_catalog.substring(l.answer, 'files=(\d+)')::bigint, 0) * l.segment
            as unarchived
    from listed as l
    left join slot as s
        on true
    where l.listable
),

judged as (
    select
        m.*,
        100.0 * m.bytes / m.recycled as percent,
        case
            when greatest(m.slot_kept, m.keep, m.unarchived) <= m.recycled then 'checkpoints'
            when m.unarchived >= greatest(m.slot_kept, m.keep) then 'archiver'
            when m.slot_kept >= m.keep then 'slot'
            else 'wal_keep_size'
        end as reason
    from measured as m
)

select
    case when j.percent > j.warning then 'warning' else 'ok' end as severity,
    'pg_wal' as object,
    j.bytes::double precision as value,
    'bytes' as unit,
    pg_catalog.format(
        '%s %% of max_wal_size (%s)', j.warning, pg_catalog.pg_size_pretty(j.recycled)
    ) as threshold,
    pg_catalog.format(
        'holds %s%s',
        pg_catalog.pg_size_pretty(j.bytes),
        case
            when j.percent <= j.warning then null
            when j.reason = 'archiver' then pg_catalog.format(
                ': %s of it are not archived; mend the archiver', pg_catalog.pg_size_pretty(
                    j.unarchived
                )
            )
            when j.reason = 'slot' then pg_catalog.format(
                ': the replication slot %I, which is %s, keeps %s; let its consumer read, or drop '
                'it', j.slot_name, case when j.active then 'active' else 'not active' end,
                pg_catalog.pg_size_pretty(j.slot_kept)
            )
            when j.reason = 'wal_keep_size' then pg_catalog.format(
                ': wal_keep_size is %s, and pg_wal grows to that and max_wal_size',
                pg_catalog.pg_size_pretty(j.keep)
            )
            else ': nothing that should keep it is there; a checkpoint may be late, or '
                'max_wal_size was lowered or is too small for the load'
        end
    ) as message,
    case
        when j.percent <= j.warning then null
        when j.reason = 'slot' and not j.active then pg_catalog.format(
            'SELECT pg_catalog.pg_drop_replication_slot(%L); CHECKPOINT;', j.slot_name
        )
        when j.reason = 'wal_keep_size' then pg_catalog.format(
            'ALTER SYSTEM SET wal_keep_size = ''%sMB''; SELECT pg_catalog.pg_reload_conf(); '
            'CHECKPOINT;', j.recycled / 1048576 / 2
        )
        when j.reason = 'checkpoints' then 'CHECKPOINT;'
    end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', case when j.reason in ('checkpoints', 'archiver') then 'safe' else 'data_loss' end,
        'consequence',
        case
            when j.percent <= j.warning then null
            when j.reason = 'slot' then 'dropping a slot loses what its consumer has not read'
            when j.reason = 'wal_keep_size'
                then 'a standby without a slot that is further behind has to be made anew'
        end,
        'percent', pg_catalog.round(j.percent), 'kept_by', j.reason, 'slot', j.slot_name,
        'slot_bytes', j.slot_kept, 'unarchived_bytes', j.unarchived, 'wal_keep_bytes', j.keep
    ) as details
from judged as j

union all

select
    'info',
    null,
    null,
    null,
    'pg_monitor',
    'the size of pg_wal is not shown to this role',
    pg_catalog.format('GRANT pg_monitor TO %I;', current_user),
    '{"ran": false, "risk": "safe"}'
from limits as l
where not l.listable
