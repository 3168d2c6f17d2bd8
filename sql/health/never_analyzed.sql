-- Tables with rows, but without statistics.
--
-- Whether statistics are there is read from pg_stats where its columns may be read. Where they
-- may not (pg_statistic is for superusers), the counters decide: no ANALYZE since they began, and
-- as many changes as the table has rows, so that statistics from before, if any, would be of
-- other rows; a crash loses the counters, not the statistics. Only for tables without an ANALYZE
-- in the counters is pg_stats asked at all. Partitions are summed up under the topmost table when
-- there are several. The system's own tables are left out, and temporary ones, which are their
-- session's own. Catalogs: pg_class, pg_stats, pg_stat_get_last_analyze_time() and its like.
-- Threshold: warning from never_analyzed_least (1,000) rows, by reltuples or the counters. Needs
-- no privileges, but SELECT on a table for being sure of it.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_never_analyzed_least')::bigint as least,
        case
            when pg_catalog.pg_is_in_recovery()
                then 'on a standby it is not counted when tables are analyzed: ask its primary'
            when pg_catalog.current_setting('track_counts') = 'off'
                then 'rows are not counted, as track_counts is off'
        end as unable
),

unmarked as materialized (
    select
        c.oid,
        c.relname,
        c.relnamespace,
        c.relispartition,
        l.least,
        greatest(c.reltuples::bigint, pg_catalog.pg_stat_get_live_tuples(c.oid)) as rows,
        pg_catalog.pg_stat_get_live_tuples(c.oid) as live,
        pg_catalog.pg_stat_get_mod_since_analyze(c.oid) as changes,
        pg_catalog.has_any_column_privilege(c.oid, 'select')
            and not (c.relrowsecurity and pg_catalog.row_security_active(c.oid)) as is_readable
    from pg_catalog.pg_class as c
    cross join limits as l
    where c.relkind in ('r', 'm')
        and c.oid >= 16384
        and c.relpersistence <> 't'
        and l.unable is null
        and pg_catalog.pg_stat_get_last_analyze_time(c.oid) is null
        and pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid) is null
        and greatest(c.reltuples::bigint, pg_catalog.pg_stat_get_live_tuples(c.oid)) >= l.least
),

-- Statistics would be of some column: a table whose columns want none (a target of 0) is left out.
bare as (
    select
        u.*,
        case
            when u.relispartition then coalesce(pg_catalog.pg_partition_root(u.oid)::oid, u.oid)
            else u.oid
        end as root
    from unmarked as u
    join pg_catalog.pg_namespace as n
        on n.oid = u.relnamespace
    where case
            when u.is_readable then not exists (
                select from pg_catalog.pg_stats as s
                where s.schemaname = n.nspname and s.tablename = u.relname
            )
            else u.live >= u.least and u.changes >= u.live
        end
        and exists (
            select from pg_catalog.pg_attribute as a
            where a.attrelid = u.oid
                and a.attnum > 0
                and not a.attisdropped
                and coalesce(a.attstattarget, -1) <> 0
        )
),

rolled as (
    select
        case when pg_catalog.count(*) = 1 then pg_catalog.min(b.oid::bigint) else b.root::bigint end
            as oid,
        pg_catalog.count(*) as tables,
        pg_catalog.sum(b.rows) as rows,
        pg_catalog.min(b.least) as least,
        pg_catalog.bool_and(b.is_readable) as is_readable
    from bare as b
    group by b.root
)

select
    'warning' as severity,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as object,
    r.rows::double precision as value,
    'rows' as unit,
    r.least || ' rows' as threshold,
    pg_catalog.format(
        case
            when r.is_readable then 'has about %s rows%s, and no statistics'
            else 'has about %s rows%s, and was not analyzed since its counters began'
        end,
        r.rows,
        case when r.tables > 1 then pg_catalog.format(' in %s partitions', r.tables) end
    ) as message,
    pg_catalog.format('ANALYZE %I.%I;', n.nspname, c.relname) as remediation,
    pg_catalog.jsonb_build_object(
        'rows', r.rows, 'tables', r.tables,
        'known_from', case when r.is_readable then 'pg_stats' else 'counters' end, 'risk', 'safe'
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
