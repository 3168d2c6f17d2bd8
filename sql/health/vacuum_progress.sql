-- The VACUUMs that are running now, in all databases.
--
-- One that goes over the indexes more than once has too little memory for the dead rows: each
-- pass reads all indexes. Catalogs: pg_stat_progress_vacuum (read as jsonb, as PostgreSQL 17
-- renamed and added columns), pg_stat_activity. Thresholds: warning above vacuum_progress_passes
-- (1) passes over the indexes that are done. Source: the manual's chapter on progress reporting;
-- pganalyze (multi-pass vacuum). Needs pg_read_all_stats (pg_monitor) to see those of other
-- roles.
with running as (
    select
        v.pid,
        v.datid,
        v.datname,
        v.relid,
        v.phase,
        v.index_vacuum_count as passes,
        100.0 * v.heap_blks_scanned / nullif(v.heap_blks_total, 0) as percent,
        pg_catalog.to_jsonb(v) as progress,
        a.xact_start,
        a.backend_type = 'autovacuum worker' as is_automatic,
        a.query like '%(to prevent wraparound)' as is_forced,
        pg_catalog.current_setting('mcp_advisor.health_vacuum_progress_passes')::bigint as most
    from pg_catalog.pg_stat_progress_vacuum as v
    left join pg_catalog.pg_stat_activity as a
        on a.pid = v.pid
),

named as (
    select
        r.*,
        coalesce(
            pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
            'relation ' || r.relid || ' of ' || pg_catalog.quote_ident(r.datname)
        ) as object,
        -- Before PostgreSQL 17 a place takes 6 bytes.
        pg_catalog.pg_size_pretty(
            coalesce(
                (r.progress ->> 'max_dead_tuple_bytes')::bigint,
                6 * (r.progress ->> 'max_dead_tuples')::bigint
            )
        ) as memory
    from running as r
    left join pg_catalog.pg_class as c
        on c.oid = r.relid and r.datname = pg_catalog.current_database()
    left join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace
    where r.phase is not null
)

select
    case when n.passes > n.most then 'warning' else 'ok' end as severity,
    n.object,
    pg_catalog.round(n.percent, 1)::double precision as value,
    '%' as unit,
    n.most || ' passes over the indexes' as threshold,
    pg_catalog.format(
        'is being vacuumed%s since %s: %s, %s %% of it scanned%s',
        case when n.is_forced then ' to prevent wraparound' end,
        pg_catalog.date_trunc('second', n.xact_start), n.phase, pg_catalog.round(n.percent, 1),
        case
            when n.passes > n.most then pg_catalog.format(
                ', %s passes over the indexes done as %s holds the dead rows of a part only: raise '
                '%s', n.passes, n.memory,
                case when n.is_automatic then 'autovacuum_work_mem' else 'maintenance_work_mem' end
            )
        end
    ) as message,
    null as remediation,
    n.progress || pg_catalog.jsonb_build_object(
        'started', n.xact_start, 'automatic', n.is_automatic, 'to_prevent_wraparound', n.is_forced
    ) as details
from named as n

union all

select
    'info',
    null,
    pg_catalog.count(*),
    'running',
    'pg_read_all_stats',
    'VACUUM runs in sessions of other roles, whose progress is not shown to it',
    pg_catalog.format('GRANT pg_monitor TO %I;', current_user),
    '{"ran": false, "risk": "safe"}'
from running as r
where r.phase is null
having pg_catalog.count(*) > 0

order by 3 nulls first, 2
