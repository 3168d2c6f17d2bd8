-- Whether the background writer keeps ahead of the sessions, and the checkpointer takes their
-- files.
--
-- A session that has to flush a file itself (the queue to the checkpointer was full) waits for the
-- disk: a warning from the first one on. The background writer stops a round after
-- bgwriter_lru_maxpages: information when most that it wrote was in such rounds. Sessions that
-- write most pages themselves are information too, from a high share on, because extending tables
-- and bulk loads count there. Catalogs: pg_stat_bgwriter (up to PostgreSQL 16). Thresholds:
-- background_writer_fsync_warning (1 flush), background_writer_stopped_info (50 % of its pages),
-- background_writer_backend_info (75 % of all pages), background_writer_least (100,000 pages).
-- Source: manual, "Background Writer"; bufmgr.c (BgBufferSync), checkpointer.c
-- (ForwardSyncRequest).
with writer as (
    select
        b.buffers_backend_fsync as flushes,
        b.maxwritten_clean as stops,
        b.buffers_clean as cleaned,
        b.buffers_backend as by_sessions,
        b.buffers_checkpoint + b.buffers_clean + b.buffers_backend as written,
        b.stats_reset,
        pg_catalog.current_setting('bgwriter_lru_maxpages')::bigint as pages,
        pg_catalog.current_setting('bgwriter_lru_multiplier')::double precision as multiplier,
        pg_catalog.current_setting('mcp_advisor.health_background_writer_fsync_warning')::bigint
            as fsync_warning,
        pg_catalog.current_setting('mcp_advisor.health_background_writer_stopped_info')
            ::double precision as stopped_info,
        pg_catalog.current_setting('mcp_advisor.health_background_writer_backend_info')
            ::double precision as backend_info,
        pg_catalog.current_setting('mcp_advisor.health_background_writer_least')::bigint as least
    from pg_catalog.pg_stat_bgwriter as b
),

measured as (
    select
        w.*,
        100.0 * least(w.stops * w.pages, w.cleaned) / nullif(w.cleaned, 0) as stopped,
        100.0 * w.by_sessions / nullif(w.written, 0) as shared
    from writer as w
)

select
    'warning' as severity,
    'sessions' as object,
    m.flushes::double precision as value,
    'flushes' as unit,
    m.fsync_warning || ' flushes' as threshold,
    pg_catalog.format(
        'sessions had to flush files themselves %s times since %s, because the queue to the '
        'checkpointer (one entry for each page of shared_buffers, %s) was full',
        m.flushes,
        pg_catalog.date_trunc('second', m.stats_reset),
        pg_catalog.current_setting('shared_buffers')
    ) as message,
    null as remediation,
    pg_catalog.jsonb_build_object('flushes', m.flushes, 'since', m.stats_reset) as details
from measured as m
where m.flushes >= greatest(m.fsync_warning, 1)

union all

select
    'info',
    'background writer',
    pg_catalog.round(m.stopped, 1)::double precision,
    '%',
    pg_catalog.format('%s %% of at least %s pages', m.stopped_info, m.least),
    pg_catalog.format(
        'the background writer stopped %s times at bgwriter_lru_maxpages (%s), in which rounds it '
        'wrote some %s %% of its %s pages',
        m.stops, m.pages, pg_catalog.round(m.stopped), m.cleaned
    ),
    pg_catalog.format(
        'ALTER SYSTEM SET bgwriter_lru_maxpages = %s; SELECT pg_catalog.pg_reload_conf();',
        2 * m.pages
    ),
    pg_catalog.jsonb_build_object(
        'risk', 'safe', 'stops', m.stops, 'pages', m.cleaned, 'since', m.stats_reset
    )
from measured as m
where m.cleaned >= greatest(m.least, 1)
    and m.stopped > m.stopped_info

union all

select
    'info',
    'sessions',
    pg_catalog.round(m.shared, 1)::double precision,
    '%',
    pg_catalog.format('%s %% of at least %s pages', m.backend_info, m.least),
    pg_catalog.format(
        'sessions wrote %s %% of %s pages themselves; without bulk loads that would be the work of '
        'the background writer (bgwriter_lru_maxpages %s, bgwriter_lru_multiplier %s)',
        pg_catalog.round(m.shared), m.written, m.pages, m.multiplier
    ),
    pg_catalog.format(
        'ALTER SYSTEM SET %s; SELECT pg_catalog.pg_reload_conf();',
        case
            when m.pages = 0 then 'bgwriter_lru_maxpages = 100'
            when m.multiplier < 10
                then pg_catalog.format(
                    'bgwriter_lru_multiplier = %s', least(greatest(2 * m.multiplier, 2), 10)
                )
            else pg_catalog.format('bgwriter_lru_maxpages = %s', 2 * m.pages)
        end
    ),
    pg_catalog.jsonb_build_object(
        'risk', 'safe', 'by_sessions', m.by_sessions, 'written', m.written, 'since', m.stats_reset
    )
from measured as m
where m.written >= greatest(m.least, 1)
    and m.shared > m.backend_info

order by 3 desc, 2
