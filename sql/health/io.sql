-- What sessions read, write and flush themselves, as pg_stat_io (PostgreSQL 16) counts it.
--
-- The hit rate in the context normal; bulk reads (large sequential scans, through a small ring of
-- buffers) and vacuum miss by design and are shown apart, without a verdict. Client backends that
-- write pages to get a free buffer do the work of the background writer and the checkpointer: a
-- share of the pages that were written in the context normal. Client backends that flush a
-- relation's file found the queue to the checkpointer full (flushes of index builds are not counted
-- there). From PostgreSQL 18 on a read may be of many blocks, so bytes are counted, and rows of WAL
-- are left out. Catalogs: pg_stat_io. Thresholds: io_hit_rate_info (90 %), io_hit_rate_warning (80
-- %), io_backend_info (50 % of the pages written), io_fsync_warning (1 flush), io_least (20,000
-- blocks). Source: manual, "pg_stat_io"; pgstat_io.c, md.c (register_dirty_segment, mdimmedsync).
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_io_hit_rate_info')::double precision
            as info,
        pg_catalog.current_setting('mcp_advisor.health_io_hit_rate_warning')::double precision
            as warning,
        pg_catalog.current_setting('mcp_advisor.health_io_backend_info')::double precision
            as backend_info,
        pg_catalog.current_setting('mcp_advisor.health_io_fsync_warning')::bigint
            as fsync_warning,
        pg_catalog.current_setting('mcp_advisor.health_io_least')::bigint as least,
        pg_catalog.current_setting('block_size')::numeric as block
),

counted as (
    select
        i.context,
        i.backend_type = 'client backend' as client,
        coalesce(i.hits, 0) as hits,
        coalesce((f.facts ->> 'read_bytes')::numeric / l.block, i.reads, 0) as reads,
        coalesce((f.facts ->> 'write_bytes')::numeric / l.block, i.writes, 0) as writes,
        coalesce((f.facts ->> 'extend_bytes')::numeric / l.block, i.extends, 0) as extends,
        coalesce(i.fsyncs, 0) as fsyncs,
        i.stats_reset
    from pg_catalog.pg_stat_io as i
    cross join limits as l
    cross join lateral (select pg_catalog.to_jsonb(i) as facts) as f
    where i.object = 'relation'
),

context as (
    select
        c.context,
        pg_catalog.sum(c.hits) as hits,
        pg_catalog.sum(c.hits + c.reads) as requests,
        100.0 * pg_catalog.sum(c.hits) / nullif(pg_catalog.sum(c.hits + c.reads), 0) as percent,
        pg_catalog.max(c.stats_reset) as since
    from counted as c
    group by c.context
),

client as (
    select
        pg_catalog.sum(c.writes) filter (where c.client) as by_clients,
        pg_catalog.sum(c.writes) as written,
        pg_catalog.sum(c.extends) filter (where c.client) as extended,
        pg_catalog.sum(c.fsyncs) filter (where c.client) as fsyncs,
        pg_catalog.max(c.stats_reset) as since
    from counted as c
    where c.context = 'normal'
)

select
    case
        when x.context <> 'normal' or x.requests < l.least then 'ok'
        when x.percent < l.warning then 'warning'
        when x.percent < l.info then 'info'
        else 'ok'
    end as severity,
    'reads in context ' || x.context as object,
    pg_catalog.round(x.percent, 1)::double precision as value,
    '%' as unit,
    case
        when x.context = 'normal'
            then pg_catalog.format('%s %%, from %s requests on', l.info, l.least)
    end as threshold,
    pg_catalog.format(
        '%s %% of %s block requests in the whole server were found in shared buffers (%s)%s',
        pg_catalog.round(x.percent, 1), pg_catalog.round(x.requests),
        pg_catalog.current_setting('shared_buffers'),
        case
            when x.context <> 'normal' then '; this context is not judged, as it goes through a small ring'
            when x.requests < l.least then ', too few to judge'
            when x.percent < l.info then '; the operating system''s cache may have had the others'
        end
    ) as message,
    null as remediation,
    pg_catalog.jsonb_build_object(
        'hit', x.hits, 'read', pg_catalog.round(x.requests - x.hits), 'since', x.since
    ) as details
from context as x
cross join limits as l
where x.requests > 0

union all

select
    'warning',
    'client backends',
    c.fsyncs::double precision,
    'flushes',
    l.fsync_warning || ' flushes',
    pg_catalog.format(
        'sessions had to flush files themselves %s times since %s, because the queue to the '
        'checkpointer was full', c.fsyncs, pg_catalog.date_trunc('second', c.since)
    ),
    null,
    pg_catalog.jsonb_build_object('flushes', c.fsyncs, 'since', c.since)
from client as c
cross join limits as l
where c.fsyncs >= greatest(l.fsync_warning, 1)

union all

select
    'info',
    'client backends',
    pg_catalog.round(100.0 * c.by_clients / c.written, 1)::double precision,
    '%',
    pg_catalog.format('%s %% of at least %s pages', l.backend_info, l.least),
    pg_catalog.format(
        'sessions wrote %s %% of %s pages themselves to get a free buffer, which is the work of the '
        'background writer (bgwriter_lru_maxpages %s, bgwriter_lru_multiplier %s)',
        pg_catalog.round(100.0 * c.by_clients / c.written), pg_catalog.round(c.written),
        pg_catalog.current_setting('bgwriter_lru_maxpages'),
        pg_catalog.current_setting('bgwriter_lru_multiplier')
    ),
    pg_catalog.format(
        'ALTER SYSTEM SET bgwriter_lru_maxpages = %s; SELECT pg_catalog.pg_reload_conf();',
        greatest(2 * pg_catalog.current_setting('bgwriter_lru_maxpages')::bigint, 100)
    ),
    pg_catalog.jsonb_build_object(
        'risk', 'safe', 'by_clients', pg_catalog.round(c.by_clients),
        'written', pg_catalog.round(c.written), 'extended', pg_catalog.round(c.extended),
        'since', c.since
    )
from client as c
cross join limits as l
where c.written >= greatest(l.least, 1)
    and 100.0 * c.by_clients / c.written > l.backend_info

order by 3 desc nulls last, 2
