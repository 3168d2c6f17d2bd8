-- Large tables that are mostly read from end to end.
--
-- Counters since the last reset, of this server only. Reports and backups read whole tables too,
-- so it is for information: mcp_advise_indexes says whether an index helps the statements.
-- Partitions count for their partitioned table. Catalogs: pg_class, pg_index,
-- pg_stat_get_numscans, pg_stat_get_tuples_returned. Thresholds: tables from sequential_scan_size
-- (10 MB) with at least sequential_scan_scans (50) scans, which read on average at least
-- sequential_scan_share (50 %) of the rows, and fewer index scans than sequential_scan_index (10)
-- times as many. Source: limits as in common monitoring of pg_stat_user_tables. Privileges: none.
with scanned as materialized (
    select
        c.oid, c.relispartition, c.relpages, c.reltuples,
        pg_catalog.pg_stat_get_numscans(c.oid) as scans
    from pg_catalog.pg_class as c
    where c.relkind in ('r', 'm')
        and c.relpersistence <> 't'
        and c.oid >= 16384
        and c.reltuples > 0
        and c.relpages >= (
            select pg_catalog.pg_size_bytes(
                pg_catalog.current_setting('mcp_advisor.health_sequential_scan_size')
            ) / pg_catalog.current_setting('block_size')::bigint
        )
),

read as (
    select
        s.*,
        pg_catalog.pg_stat_get_tuples_returned(s.oid) as rows_read,
        (
            select coalesce(pg_catalog.sum(pg_catalog.pg_stat_get_numscans(i.indexrelid)), 0)
            from pg_catalog.pg_index as i
            where i.indrelid = s.oid
        ) as index_scans
    from scanned as s
    where s.scans >= (
        select pg_catalog.current_setting('mcp_advisor.health_sequential_scan_scans')::bigint
    )
),

found as (
    select
        case when r.relispartition then pg_catalog.pg_partition_root(r.oid) else r.oid end as oid,
        pg_catalog.sum(r.relpages) as pages,
        pg_catalog.max(r.scans) as scans,
        pg_catalog.sum(r.rows_read) as rows_read,
        pg_catalog.sum(r.index_scans) as index_scans,
        pg_catalog.sum(r.reltuples) as rows,
        pg_catalog.count(*) as tables
    from read as r
    where 100 * r.rows_read / greatest(r.scans, 1) >= r.reltuples
            * pg_catalog.current_setting('mcp_advisor.health_sequential_scan_share')::real
        and r.index_scans < r.scans
            * pg_catalog.current_setting('mcp_advisor.health_sequential_scan_index')::real
    group by 1
)

select
    'info' as severity,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as object,
    f.rows_read::double precision as value,
    'rows' as unit,
    pg_catalog.format(
        '%s scans of %s %% of the rows',
        pg_catalog.current_setting('mcp_advisor.health_sequential_scan_scans'),
        pg_catalog.current_setting('mcp_advisor.health_sequential_scan_share')
    ) as threshold,
    pg_catalog.format(
        'was read from end to end %s times, and by an index %s times: ask mcp_advise_indexes which '
        'index its statements lack', f.scans, f.index_scans
    ) as message,
    null as remediation,
    pg_catalog.jsonb_build_object(
        'scans', f.scans, 'rows_read', f.rows_read, 'index_scans', f.index_scans,
        'rows', f.rows, 'tables', f.tables,
        'bytes', f.pages * pg_catalog.current_setting('block_size')::bigint
    ) as details
from found as f
join pg_catalog.pg_class as c
    on c.oid = f.oid
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace

union all

select
    'info', null, null, null, 'statistics of scans',
    'cannot be judged: track_counts is off', null, '{"ran": false}'
where pg_catalog.current_setting('track_counts') = 'off'

order by 3 desc nulls last, 2
