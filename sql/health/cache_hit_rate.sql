-- The share of block requests that shared buffers answered: of all tables, of all indexes, and of
-- the relations that miss most.
--
-- Since statistics began, without the system catalogs. Judged from a number of requests on, so an
-- idle or young database raises no alarm. A relation is named when it misses more than the warning
-- allows and its misses are a good part of all. A miss may still be answered by the operating
-- system's cache. Catalogs: pg_class and pg_stat_get_blocks_fetched and _hit, which is what the
-- pg_statio views show at ten times the price. Thresholds: cache_hit_rate_info (90 %),
-- cache_hit_rate_warning (80 %), cache_hit_rate_least (20,000 requests), cache_hit_rate_share (10 %
-- of all misses), cache_hit_rate_relations (5 relations). Source: PgHero asks 99 %, which a
-- database larger than its memory never has.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_cache_hit_rate_info')::double precision
            as info,
        pg_catalog.current_setting('mcp_advisor.health_cache_hit_rate_warning')::double precision
            as warning,
        pg_catalog.current_setting('mcp_advisor.health_cache_hit_rate_least')::bigint as least,
        pg_catalog.current_setting('mcp_advisor.health_cache_hit_rate_share')::double precision
            as share,
        pg_catalog.current_setting('mcp_advisor.health_cache_hit_rate_relations')::bigint
            as relations
),

relation as materialized (
    select
        c.oid,
        c.relname,
        c.relnamespace,
        case when c.relkind = 'i' then 'indexes' else 'tables' end as kind,
        pg_catalog.pg_stat_get_blocks_fetched(c.oid) as requests,
        pg_catalog.pg_stat_get_blocks_hit(c.oid) as hit
    from pg_catalog.pg_class as c
    -- From 16384 on are those that were not made with the database.
    where c.relkind in ('r', 'm', 't', 'i')
        and c.oid >= 16384
        and c.relpersistence <> 't'
),

overall as (
    select
        k.kind,
        coalesce(pg_catalog.sum(r.requests), 0) as requests,
        coalesce(pg_catalog.sum(r.hit), 0) as hit
    from (values ('tables'), ('indexes')) as k (kind)
    left join relation as r
        on r.kind = k.kind
        and r.requests > 0
    group by k.kind
),

rate as (
    select
        o.kind as object,
        o.requests,
        o.hit,
        100.0 * o.hit / nullif(o.requests, 0) as percent,
        o.requests >= greatest(l.least, 1) as enough,
        l.*
    from overall as o
    cross join limits as l
),

worst as (
    select
        r.*,
        l.*,
        100.0 * r.hit / r.requests as percent,
        100.0 * (r.requests - r.hit) / nullif(a.missed, 0) as missed_percent
    from relation as r
    cross join limits as l
    cross join (select pg_catalog.sum(o.requests - o.hit) as missed from overall as o) as a
    where r.requests >= greatest(l.least, 1)
        and 100.0 * r.hit / r.requests < l.warning
        and 100.0 * (r.requests - r.hit) >= l.share * a.missed
    order by r.requests - r.hit desc, r.oid
    limit (select l.relations from limits as l)
)

select
    case
        when r.enough and r.percent < r.warning then 'warning'
        when r.enough and r.percent < r.info then 'info'
        else 'ok'
    end as severity,
    r.object,
    pg_catalog.round(r.percent, 1)::double precision as value,
    '%' as unit,
    pg_catalog.format('%s %%, from %s requests on', r.info, r.least) as threshold,
    case
        when r.enough then pg_catalog.format(
            '%s %% of %s block requests were found in shared buffers (%s)%s',
            pg_catalog.round(r.percent, 1), r.requests,
            pg_catalog.current_setting('shared_buffers'),
            case
                when r.percent < r.info
                    then '; the operating system''s cache may have had the others, so compare with '
                        'the disk''s load, and look at what reads so much before shared_buffers is '
                        'raised'
            end
        )
        else pg_catalog.format('%s block requests are too few to judge', r.requests)
    end as message,
    null as remediation,
    pg_catalog.jsonb_build_object(
        'hit', r.hit, 'read', r.requests - r.hit,
        'since', (
            select d.stats_reset
            from pg_catalog.pg_stat_database as d
            where d.datname = pg_catalog.current_database()
        )
    ) as details
from rate as r

union all

select
    'info',
    case
        when t.relname is not null
            then pg_catalog.format('TOAST of %I.%I', tn.nspname, t.relname)
        else pg_catalog.format('%I.%I', n.nspname, w.relname)
    end,
    pg_catalog.round(w.percent, 1)::double precision,
    '%',
    pg_catalog.format('%s %%, from %s requests on', w.warning, w.least),
    pg_catalog.format(
        '%s %% of its %s block requests were found in shared buffers; the others are %s %% of all '
        'that were not found',
        pg_catalog.round(w.percent, 1), w.requests, pg_catalog.round(w.missed_percent)
    ),
    null,
    pg_catalog.jsonb_build_object(
        'hit', w.hit, 'read', w.requests - w.hit, 'kind', w.kind, 'oid', w.oid
    )
from worst as w
left join pg_catalog.pg_namespace as n
    on n.oid = w.relnamespace
left join pg_catalog.pg_class as t
    on t.reltoastrelid = w.oid
left join pg_catalog.pg_namespace as tn
    on tn.oid = t.relnamespace

order by 3, 2
