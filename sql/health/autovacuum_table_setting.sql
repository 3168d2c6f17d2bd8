-- Tables whose own settings keep autovacuum away.
--
-- It is switched off for the table or its TOAST table, or the point at which it would come
-- (threshold plus scale factor times reltuples) is out of reach. Catalogs: pg_class.reloptions;
-- pg_stat_get_dead_tuples() for tables with such settings only. Thresholds: a trigger point, for
-- VACUUM or ANALYZE, above autovacuum_table_setting_times (2) times the rows of the table and
-- above autovacuum_table_setting_rows (1 million) rows; it is a warning when the table has more
-- than that many rows, or more dead ones than the settings of the server would leave, else
-- information. Source: Percona's advisor on settings of tables; relation_needs_vacanalyze() in
-- autovacuum.c. Needs no privileges.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_autovacuum_table_setting_times')
            ::double precision as times,
        pg_catalog.current_setting('mcp_advisor.health_autovacuum_table_setting_rows')::bigint
            as rows,
        pg_catalog.current_setting('autovacuum_vacuum_threshold')::double precision as base,
        pg_catalog.current_setting('autovacuum_vacuum_scale_factor')::double precision as scale,
        coalesce(
            pg_catalog.current_setting('autovacuum_vacuum_max_threshold', true), '-1'
        )::double precision as most,
        pg_catalog.current_setting('autovacuum_analyze_threshold')::double precision
            as analyze_base,
        pg_catalog.current_setting('autovacuum_analyze_scale_factor')::double precision
            as analyze_scale
),

tuned as materialized (
    select
        c.oid,
        c.oid as table_oid,
        '' as prefix,
        c.reltuples,
        c.reloptions
    from pg_catalog.pg_class as c
    where c.reloptions::text like '%autovacuum%'
        and c.relkind in ('r', 'm')
        and c.relpersistence <> 't'

    union all

    select
        t.oid,
        c.oid,
        'toast.',
        t.reltuples,
        t.reloptions
    from pg_catalog.pg_class as t
    join pg_catalog.pg_class as c
        on c.reltoastrelid = t.oid
    where t.reloptions::text like '%autovacuum%'
        and t.relkind = 't'
        and t.relpersistence <> 't'
),

option as (
    select
        t.oid,
        t.table_oid,
        t.prefix,
        greatest(t.reltuples, 0) as reltuples,
        p.option_name as name,
        case
            when p.option_value ~ '^\s*[+-]?[0-9.]+([eE][+-]?[0-9]+)?\s*$'
                then p.option_value::double precision
        end as number,
        p.option_name = 'autovacuum_enabled' and not p.option_value::boolean as is_off
    from tuned as t
    cross join lateral pg_catalog.pg_options_to_table(t.reloptions) as p
    where p.option_name
        ~ '^autovacuum_(enabled|(vacuum|analyze)_(threshold|scale_factor|max_threshold))$'
),

pointed as (
    select
        o.oid,
        o.table_oid,
        o.prefix,
        o.reltuples,
        pg_catalog.bool_or(o.is_off) as is_off,
        case
            when coalesce(
                pg_catalog.max(o.number) filter (where o.name = 'autovacuum_vacuum_max_threshold'
                    and o.number >= -1),
                l.most
            ) >= 0 then coalesce(
                pg_catalog.max(o.number) filter (where o.name = 'autovacuum_vacuum_max_threshold'
                    and o.number >= -1),
                l.most
            )
            else 'infinity'
        end as most,
        coalesce(
            pg_catalog.max(o.number)
                filter (where o.name = 'autovacuum_vacuum_threshold' and o.number >= 0),
            l.base
        ) + o.reltuples * coalesce(
            pg_catalog.max(o.number)
                filter (where o.name = 'autovacuum_vacuum_scale_factor' and o.number >= 0),
            l.scale
        ) as vacuum_point,
        coalesce(
            pg_catalog.max(o.number)
                filter (where o.name = 'autovacuum_analyze_threshold' and o.number >= 0),
            l.analyze_base
        ) + o.reltuples * coalesce(
            pg_catalog.max(o.number)
                filter (where o.name = 'autovacuum_analyze_scale_factor' and o.number >= 0),
            l.analyze_scale
        ) as analyze_point,
        l.base + l.scale * o.reltuples as usual_point,
        greatest(l.times * o.reltuples, l.rows) as reach,
        l.times,
        l.rows
    from option as o
    cross join limits as l
    group by o.oid, o.table_oid, o.prefix, o.reltuples, l.times, l.rows, l.base, l.scale, l.most,
        l.analyze_base, l.analyze_scale
),

-- The settings to take back: the switch, and of a point out of reach both that make it up.
wrong as (
    select
        p.*,
        o.name
    from pointed as p
    join option as o
        on o.oid = p.oid
    where o.is_off
        or o.name like 'autovacuum\_vacuum\_%' and least(p.vacuum_point, p.most) > p.reach
        or o.name like 'autovacuum\_analyze\_%' and p.analyze_point > p.reach and p.prefix = ''
),

relation as (
    select
        w.oid,
        w.table_oid,
        w.is_off,
        w.prefix,
        w.reltuples,
        w.usual_point,
        w.times,
        w.rows,
        pg_catalog.pg_stat_get_dead_tuples(w.oid) as dead,
        greatest(pg_catalog.pg_stat_get_live_tuples(w.oid), w.reltuples) as live,
        pg_catalog.string_agg(
            w.prefix || pg_catalog.quote_ident(w.name), ', ' order by w.name
        ) as names
    from wrong as w
    group by w.oid, w.table_oid, w.is_off, w.prefix, w.reltuples, w.usual_point, w.times, w.rows
),

judged as (
    select
        r.table_oid,
        pg_catalog.bool_or(r.live > r.rows or r.dead > r.usual_point) as is_harmed,
        pg_catalog.bool_or(r.is_off) as is_off,
        pg_catalog.max(r.dead) as dead,
        pg_catalog.max(r.live) filter (where r.prefix = '') as live,
        pg_catalog.bool_and(r.prefix <> '') as is_toast,
        pg_catalog.string_agg(r.names, ', ' order by r.prefix) as names,
        pg_catalog.min(r.times) as times,
        pg_catalog.min(r.rows) as rows
    from relation as r
    group by r.table_oid
)

select
    case when j.is_harmed then 'warning' else 'info' end as severity,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as object,
    j.dead::double precision as value,
    'dead rows' as unit,
    pg_catalog.format(
        'on, and a trigger point of at most %s times the rows or %s rows', j.times, j.rows
    ) as threshold,
    pg_catalog.format(
        case
            when j.is_off then 'autovacuum is switched off for %s, but for preventing wraparound'
            else 'autovacuum would wait for more changes than %s is likely to see (%s)'
        end,
        case when j.is_toast then 'its TOAST table' else 'it' end,
        j.names
    ) as message,
    pg_catalog.format(
        'ALTER %s %I.%I RESET (%s);',
        case when c.relkind = 'm' then 'MATERIALIZED VIEW' else 'TABLE' end,
        n.nspname, c.relname, j.names
    ) as remediation,
    pg_catalog.jsonb_build_object(
        'settings', j.names, 'dead', j.dead, 'rows', coalesce(j.live, 0), 'risk', 'locks'
    ) as details
from judged as j
join pg_catalog.pg_class as c
    on c.oid = j.table_oid
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
order by 1 desc, j.dead desc, 2
