-- Tables with many dead rows.
--
-- They are held against the point at which autovacuum would take each table: threshold plus scale
-- factor times reltuples, from the table's own settings (a TOAST table has those of its table
-- unless it has any itself) or the server's, and from PostgreSQL 18 at most
-- autovacuum_vacuum_max_threshold. Source: relation_needs_vacanalyze() in autovacuum.c. Temporary
-- tables are their session's own. Catalogs: pg_class, pg_depend, pg_stat_get_dead_tuples() and
-- its like, of which all but the first are called for the tables that are found only. Thresholds:
-- warning above dead_tuples_least (10,000) dead rows when they are more than dead_tuples_warning
-- (30 %) of all, or more than dead_tuples_trigger (3) times the trigger point; information while
-- a VACUUM is at it. Needs no privileges.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_dead_tuples_least')::bigint as least,
        pg_catalog.current_setting('mcp_advisor.health_dead_tuples_warning')::double precision
            as warning,
        pg_catalog.current_setting('mcp_advisor.health_dead_tuples_trigger')::double precision
            as times,
        pg_catalog.current_setting('autovacuum_vacuum_threshold')::double precision as base,
        pg_catalog.current_setting('autovacuum_vacuum_scale_factor')::double precision as scale,
        coalesce(
            pg_catalog.current_setting('autovacuum_vacuum_max_threshold', true), '-1'
        )::double precision as most,
        case
            when pg_catalog.pg_is_in_recovery()
                then 'on a standby dead rows are not counted: ask its primary'
            when pg_catalog.current_setting('track_counts') = 'off'
                then 'dead rows are not counted, as track_counts is off'
        end as unable
),

counted as materialized (
    select
        c.oid,
        c.reltuples,
        c.reloptions,
        pg_catalog.pg_stat_get_dead_tuples(c.oid) as dead,
        -- Found by key: nothing leads from a TOAST table to its table but this.
        case when c.relkind = 't' then (
            select d.refobjid
            from pg_catalog.pg_depend as d
            where d.classid = 'pg_catalog.pg_class'::regclass
                and d.objid = c.oid
                and d.objsubid = 0
                and d.refclassid = 'pg_catalog.pg_class'::regclass
                and d.deptype = 'i'
            limit 1
        ) end as owner
    from pg_catalog.pg_class as c
    cross join limits as l
    where c.relkind in ('r', 'm', 't')
        and c.relpersistence <> 't'
        and l.unable is null
        -- Few pass, which the planner expects of an equality and not of a comparison.
        and case when pg_catalog.pg_stat_get_dead_tuples(c.oid) > l.least then 1 end = 1
),

owned as materialized (
    select
        d.oid,
        d.dead,
        coalesce(m.oid, d.oid) as table_oid,
        pg_catalog.pg_stat_get_live_tuples(d.oid) as live,
        greatest(d.reltuples, 0) as reltuples,
        coalesce(d.reloptions, m.reloptions) as reloptions
    from counted as d
    left join pg_catalog.pg_class as m
        on m.oid = d.owner
),

tuned as (
    select
        o.*,
        coalesce(s.enabled, true) as is_enabled,
        coalesce(s.base, l.base) + coalesce(s.scale, l.scale) * o.reltuples as point,
        coalesce(s.most, l.most) as most
    from owned as o
    cross join limits as l
    left join lateral (
        select
            pg_catalog.bool_and(p.option_value::boolean)
                filter (where p.option_name = 'autovacuum_enabled') as enabled,
            pg_catalog.max(n.number)
                filter (where p.option_name = 'autovacuum_vacuum_threshold' and n.number >= 0)
                as base,
            pg_catalog.max(n.number)
                filter (where p.option_name = 'autovacuum_vacuum_scale_factor' and n.number >= 0)
                as scale,
            pg_catalog.max(n.number)
                filter (where p.option_name = 'autovacuum_vacuum_max_threshold' and n.number >= -1)
                as most
        from pg_catalog.pg_options_to_table(o.reloptions) as p
        cross join lateral (
            select case
                when p.option_value ~ '^\s*[+-]?[0-9.]+([eE][+-]?[0-9]+)?\s*$'
                    then p.option_value::double precision
            end
        ) as n (number)
    ) as s
        on o.reloptions is not null
),

graded as (
    select
        t.*,
        l.*,
        100.0 * t.dead / (t.dead + t.live) as percent,
        case when t.most >= 0 then least(t.point, t.most) else t.point end as trigger_point,
        exists (
            select from pg_catalog.pg_stat_progress_vacuum as v
            where v.datname = pg_catalog.current_database() and v.relid in (t.oid, t.table_oid)
        ) as is_vacuumed
    from (select t.oid, t.dead, t.table_oid, t.live, t.is_enabled, t.point, t.most from tuned as t)
        as t
    cross join (select l.least, l.warning, l.times, l.unable from limits as l) as l
)

select
    case when g.is_vacuumed then 'info' else 'warning' end as severity,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as object,
    g.dead::double precision as value,
    'dead rows' as unit,
    pg_catalog.format(
        '%s rows and %s %%, or %s times the trigger point of %s rows',
        g.least, g.warning, g.times, pg_catalog.round(g.trigger_point)
    ) as threshold,
    pg_catalog.format(
        '%s %% of the rows%s are dead%s',
        pg_catalog.round(g.percent, 1),
        case when g.oid <> g.table_oid then ' of its TOAST table' end,
        case
            when g.is_vacuumed then ', and it is being vacuumed'
            when not g.is_enabled then ', and autovacuum is off for it'
            when g.dead > g.trigger_point then ', and autovacuum has not come to it or could not '
                'remove them: see the check xmin_horizon'
            else ', and autovacuum would wait for more'
        end
    ) as message,
    case when not g.is_vacuumed then
        pg_catalog.format('VACUUM %I.%I;', n.nspname, c.relname)
    end as remediation,
    pg_catalog.jsonb_build_object(
        'dead', g.dead, 'live', g.live, 'trigger_point', pg_catalog.round(g.trigger_point),
        'toast', g.oid <> g.table_oid, 'autovacuum_enabled', g.is_enabled,
        'last_vacuum', pg_catalog.pg_stat_get_last_vacuum_time(g.oid),
        'last_autovacuum', pg_catalog.pg_stat_get_last_autovacuum_time(g.oid), 'risk', 'safe'
    ) as details
from graded as g
join pg_catalog.pg_class as c
    on c.oid = g.table_oid
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
where g.percent > g.warning or g.dead > g.times * g.trigger_point

union all

select 'info', null, null, null, null, l.unable, null, '{"ran": false}'
from limits as l
where l.unable is not null

order by 3 desc nulls last, 2
