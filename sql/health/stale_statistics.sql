-- Tables that changed much since their statistics were made.
--
-- Changes since the last ANALYZE are held against the point at which autovacuum would analyze
-- each table: threshold plus scale factor times reltuples, from the table's own settings or the
-- server's (relation_needs_vacanalyze() in autovacuum.c). Partitions are summed up under the
-- topmost table when there are several. The system's own tables are left out, and temporary ones,
-- which are their session's own. Catalogs: pg_class, pg_stats, pg_stat_get_mod_since_analyze()
-- and its like. Thresholds: warning above stale_statistics_least (10,000) changes that are more
-- than stale_statistics_warning (3) times the trigger point. Needs no privileges.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_stale_statistics_least')::bigint as least,
        pg_catalog.current_setting('mcp_advisor.health_stale_statistics_warning')::double precision
            as times,
        pg_catalog.current_setting('autovacuum_analyze_threshold')::double precision as base,
        pg_catalog.current_setting('autovacuum_analyze_scale_factor')::double precision as scale,
        case
            when pg_catalog.pg_is_in_recovery()
                then 'on a standby changes are not counted: ask its primary'
            when pg_catalog.current_setting('track_counts') = 'off'
                then 'changes are not counted, as track_counts is off'
        end as unable
),

changed as materialized (
    select
        c.oid,
        c.relname,
        c.relnamespace,
        c.relispartition,
        c.reloptions,
        greatest(c.reltuples, 0) as reltuples,
        pg_catalog.pg_stat_get_mod_since_analyze(c.oid) as changes,
        l.least,
        l.times,
        l.base,
        l.scale
    from pg_catalog.pg_class as c
    cross join limits as l
    where c.relkind in ('r', 'm')
        and c.relpersistence <> 't'
        and c.oid >= 16384
        and l.unable is null
        -- Few pass, which the planner expects of an equality and not of a comparison.
        and case when pg_catalog.pg_stat_get_mod_since_analyze(c.oid) > l.least then 1 end = 1
),

tuned as (
    select
        c.*,
        greatest(
            pg_catalog.pg_stat_get_last_analyze_time(c.oid),
            pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid)
        ) as analyzed,
        coalesce(s.enabled, true) as is_enabled,
        coalesce(s.base, c.base) + coalesce(s.scale, c.scale) * c.reltuples as trigger_point
    from (
        select c.oid, c.relname, c.relnamespace, c.relispartition, c.reloptions, c.reltuples,
            c.changes, c.least, c.times, c.base, c.scale
        from changed as c
    ) as c
    left join lateral (
        select
            pg_catalog.bool_and(p.option_value::boolean)
                filter (where p.option_name = 'autovacuum_enabled') as enabled,
            pg_catalog.max(n.number)
                filter (where p.option_name = 'autovacuum_analyze_threshold' and n.number >= 0)
                as base,
            pg_catalog.max(n.number)
                filter (where p.option_name = 'autovacuum_analyze_scale_factor' and n.number >= 0)
                as scale
        from pg_catalog.pg_options_to_table(c.reloptions) as p
        cross join lateral (
            select case
                when p.option_value ~ '^\s*[+-]?[0-9.]+([eE][+-]?[0-9]+)?\s*$'
                    then p.option_value::double precision
            end
        ) as n (number)
    ) as s
        on c.reloptions is not null
),

stale as (
    select
        t.*,
        case
            when t.relispartition then coalesce(pg_catalog.pg_partition_root(t.oid)::oid, t.oid)
            else t.oid
        end as root
    from tuned as t
    where t.changes > t.times * t.trigger_point
),

rolled as (
    select
        case when pg_catalog.count(*) = 1 then pg_catalog.min(s.oid::bigint) else s.root::bigint end
            as oid,
        pg_catalog.count(*) as tables,
        pg_catalog.sum(s.changes) as changes,
        pg_catalog.sum(s.reltuples) as reltuples,
        pg_catalog.sum(s.trigger_point) as trigger_point,
        pg_catalog.min(s.analyzed) as analyzed,
        pg_catalog.bool_and(s.is_enabled) as is_enabled,
        pg_catalog.min(s.times) as times
    from stale as s
    group by s.root
)

select
    'warning' as severity,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as object,
    r.changes::double precision as value,
    'rows changed' as unit,
    pg_catalog.format(
        '%s times the trigger point of %s rows', r.times, pg_catalog.round(r.trigger_point)
    ) as threshold,
    pg_catalog.format(
        '%s rows were changed since statistics were made for %s rows%s%s',
        r.changes, pg_catalog.round(r.reltuples),
        case
            when r.tables > 1 then pg_catalog.format(' in %s partitions', r.tables)
        end,
        case when not r.is_enabled then ', and autovacuum is off for it' end
    ) as message,
    pg_catalog.format('ANALYZE %I.%I;', n.nspname, c.relname) as remediation,
    pg_catalog.jsonb_build_object(
        'changes', r.changes, 'trigger_point', pg_catalog.round(r.trigger_point),
        'tables', r.tables, 'last_analyze', r.analyzed, 'autovacuum_enabled', r.is_enabled,
        'risk', 'safe'
    ) as details
from rolled as r
join pg_catalog.pg_class as c
    on c.oid = r.oid::oid
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace

union all

select 'info', null, null, null, null, l.unable, null, '{"ran": false}'
from limits as l
where l.unable is not null

order by 3 desc nulls last, 2
