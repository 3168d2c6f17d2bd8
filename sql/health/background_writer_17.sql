-- Whether the background writer is bound by bgwriter_lru_maxpages.
--
-- It stops a round after that many pages: information when most that it wrote was in such rounds.
-- What sessions write and flush themselves is in pg_stat_io from PostgreSQL 16 on, see the check
-- io. Catalogs: pg_stat_bgwriter. Thresholds: background_writer_stopped_info (50 % of its pages),
-- background_writer_least (100,000 pages). Source: manual, "Background Writer"; bufmgr.c
-- (BgBufferSync).
with measured as (
    select
        b.maxwritten_clean as stops,
        b.buffers_clean as cleaned,
        b.stats_reset,
        s.*,
        100.0 * least(b.maxwritten_clean * s.pages, b.buffers_clean)
            / nullif(b.buffers_clean, 0) as stopped
    from pg_catalog.pg_stat_bgwriter as b
    cross join (
        select
            pg_catalog.current_setting('bgwriter_lru_maxpages')::bigint as pages,
            pg_catalog.current_setting('mcp_advisor.health_background_writer_stopped_info')
                ::double precision as stopped_info,
            pg_catalog.current_setting('mcp_advisor.health_background_writer_least')::bigint
                as least
    ) as s
)

select
    'info' as severity,
    'background writer' as object,
    pg_catalog.round(m.stopped, 1)::double precision as value,
    '%' as unit,
    pg_catalog.format('%s %% of at least %s pages', m.stopped_info, m.least) as threshold,
    pg_catalog.format(
        'the background writer stopped %s times at bgwriter_lru_maxpages (%s), in which rounds it '
        'wrote some %s %% of its %s pages',
        m.stops, m.pages, pg_catalog.round(m.stopped), m.cleaned
    ) as message,
    pg_catalog.format(
        'ALTER SYSTEM SET bgwriter_lru_maxpages = %s; SELECT pg_catalog.pg_reload_conf();',
        2 * m.pages
    ) as remediation,
    pg_catalog.jsonb_build_object(
        'risk', 'safe', 'stops', m.stops, 'pages', m.cleaned, 'since', m.stats_reset
    ) as details
from measured as m
where m.cleaned >= greatest(m.least, 1)
    and m.stopped > m.stopped_info
