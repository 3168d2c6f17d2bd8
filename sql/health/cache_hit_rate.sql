-- The share of block requests that shared buffers answered, for tables and for indexes.
--
-- Of the user's relations since statistics began. Judged from 20,000 requests on, so an idle or
-- young database raises no alarm. A miss may still be answered by the system's cache. Catalogs:
-- pg_statio_user_tables, pg_statio_user_indexes. Thresholds: information below 90 %, warning below
-- 80 %. Source: PgHero asks 99 %, which a database larger than its memory never has.
with requests (object, hit, missed) as (
    select
        'tables',
        pg_catalog.sum(t.heap_blks_hit + coalesce(t.toast_blks_hit, 0)),
        pg_catalog.sum(t.heap_blks_read + coalesce(t.toast_blks_read, 0))
    from pg_catalog.pg_statio_user_tables as t

    union all

    select 'indexes', pg_catalog.sum(i.idx_blks_hit), pg_catalog.sum(i.idx_blks_read)
    from pg_catalog.pg_statio_user_indexes as i
),

rate as (
    select
        r.object,
        coalesce(r.hit, 0) as hit,
        coalesce(r.missed, 0) as missed,
        100 * r.hit / nullif(r.hit + r.missed, 0) as percent,
        coalesce(r.hit + r.missed, 0) >= 20000 as enough
    from requests as r
)

select
    case
        when r.enough and r.percent < 80 then 'warning'
        when r.enough and r.percent < 90 then 'info'
        else 'ok'
    end as severity,
    r.object,
    pg_catalog.round(r.percent, 1)::double precision as value,
    '%' as unit,
    '90 %' as threshold,
    case
        when r.enough then pg_catalog.format(
            '%s %% of %s block requests were found in shared buffers (%s)',
            pg_catalog.round(r.percent, 1), r.hit + r.missed,
            pg_catalog.current_setting('shared_buffers')
        )
        else pg_catalog.format('%s block requests are too few to judge', r.hit + r.missed)
    end as message,
    null as remediation,
    pg_catalog.jsonb_build_object('hit', r.hit, 'read', r.missed) as details
from rate as r
order by 3, 2
