-- Whether autovacuum keeps up: all its workers are busy, and many tables of this database are
-- due.
--
-- A table is due past its trigger point for dead rows, inserted rows or changes, from its own
-- settings or the server's, or past the age at which it is to be frozen
-- (relation_needs_vacanalyze() in autovacuum.c). Tables are counted only when all workers are
-- busy. Catalogs: pg_stat_activity, pg_class, pg_stat_get_dead_tuples() and its like. Thresholds:
-- information from vacuum_queue_least (10) tables on; warning when a worker has been at one table
-- for vacuum_queue_warning (1 hour), too. Needs pg_read_all_stats (pg_monitor) to see the
-- workers.
with worker as materialized (
    select
        pg_catalog.count(*) as busy,
        pg_catalog.max(pg_catalog.clock_timestamp() - a.xact_start) as longest
    from pg_catalog.pg_stat_activity as a
    where a.backend_type = 'autovacuum worker'
),

limits as materialized (
    select
        w.*,
        pg_catalog.current_setting('mcp_advisor.health_vacuum_queue_least')::bigint as least,
        pg_catalog.current_setting('mcp_advisor.health_vacuum_queue_warning')::interval as warning,
        -- From PostgreSQL 18 there are slots for as many.
        least(
            pg_catalog.current_setting('autovacuum_max_workers')::integer,
            pg_catalog.current_setting('autovacuum_worker_slots', true)::integer
        ) as workers,
        pg_catalog.current_setting('server_version_num')::integer as version,
        pg_catalog.current_setting('autovacuum_vacuum_threshold')::double precision as base,
        pg_catalog.current_setting('autovacuum_vacuum_scale_factor')::double precision as scale,
        coalesce(
            pg_catalog.current_setting('autovacuum_vacuum_max_threshold', true), '-1'
        )::double precision as most,
        pg_catalog.current_setting('autovacuum_vacuum_insert_threshold')::double precision
            as insert_base,
        pg_catalog.current_setting('autovacuum_vacuum_insert_scale_factor')::double precision
            as insert_scale,
        pg_catalog.current_setting('autovacuum_analyze_threshold')::double precision
            as analyze_base,
        pg_catalog.current_setting('autovacuum_analyze_scale_factor')::double precision
            as analyze_scale,
        pg_catalog.current_setting('autovacuum_freeze_max_age')::bigint as freeze,
        pg_catalog.current_setting('autovacuum_multixact_freeze_max_age')::bigint as freeze_multi,
        case pg_catalog.current_setting('autovacuum_vacuum_cost_limit')
            when '-1' then pg_catalog.current_setting('vacuum_cost_limit')::integer
            else pg_catalog.current_setting('autovacuum_vacuum_cost_limit')::integer
        end as cost_limit,
        case
            when pg_catalog.pg_is_in_recovery()
                then 'autovacuum does not run on a standby: ask its primary'
            when not pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage')
                then 'the workers of autovacuum are not shown to this role'
            when pg_catalog.current_setting('track_counts') = 'off'
                then 'what is due is not counted, as track_counts is off'
        end as unable
    from worker as w
),

counted as materialized (
    select
        c.oid,
        c.relkind,
        c.relpages,
        greatest(c.reltuples, 0) as reltuples,
        coalesce(c.reloptions, m.reloptions) as reloptions,
        pg_catalog.age(c.relfrozenxid) as xid_age,
        pg_catalog.mxid_age(c.relminmxid) as multi_age,
        pg_catalog.pg_stat_get_dead_tuples(c.oid) as dead,
        pg_catalog.pg_stat_get_ins_since_vacuum(c.oid) as inserted,
        case
            when c.relkind <> 't' and c.oid <> 'pg_catalog.pg_statistic'::regclass
                then pg_catalog.pg_stat_get_mod_since_analyze(c.oid)
        end as changed,
        -- From PostgreSQL 18 inserts count against the part that is not frozen.
        case
            when l.version >= 180000 and c.relpages > 0
                then 1 - least(
                    (pg_catalog.to_jsonb(c) ->> 'relallfrozen')::double precision / c.relpages, 1
                )
            else 1
        end as unfrozen
    from limits as l
    join pg_catalog.pg_class as c
        on l.busy >= l.workers and l.unable is null
    left join pg_catalog.pg_class as m
        on m.reltoastrelid = c.oid and c.relkind = 't'
    where c.relkind in ('r', 'm', 't') and c.relpersistence <> 't'
),

own as (
    select
        c.oid,
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
            as most,
        pg_catalog.max(n.number)
            filter (where p.option_name = 'autovacuum_vacuum_insert_threshold' and n.number >= -1)
            as insert_base,
        pg_catalog.max(n.number)
            filter (where p.option_name = 'autovacuum_vacuum_insert_scale_factor'
                and n.number >= 0) as insert_scale,
        pg_catalog.max(n.number)
            filter (where p.option_name = 'autovacuum_analyze_threshold' and n.number >= 0)
            as analyze_base,
        pg_catalog.max(n.number)
            filter (where p.option_name = 'autovacuum_analyze_scale_factor' and n.number >= 0)
            as analyze_scale,
        pg_catalog.max(n.number)
            filter (where p.option_name = 'autovacuum_freeze_max_age' and n.number >= 0)
            as freeze,
        pg_catalog.max(n.number)
            filter (where p.option_name = 'autovacuum_multixact_freeze_max_age' and n.number >= 0)
            as freeze_multi
    from counted as c
    cross join lateral pg_catalog.pg_options_to_table(c.reloptions) as p
    cross join lateral (
        select case
            when p.option_value ~ '^\s*[+-]?[0-9.]+([eE][+-]?[0-9]+)?\s*$'
                then p.option_value::double precision
        end
    ) as n (number)
    where c.reloptions::text like '%autovacuum%'
        and p.option_name like 'autovacuum%'
    group by c.oid
),

due as (
    select
        c.oid,
        c.dead
    from counted as c
    cross join limits as l
    left join own as s
        on s.oid = c.oid
    where c.xid_age > least(s.freeze, l.freeze)
        or c.multi_age > least(s.freeze_multi, l.freeze_multi)
        or coalesce(s.enabled, true) and (
            c.dead > least(
                coalesce(s.base, l.base) + coalesce(s.scale, l.scale) * c.reltuples,
                nullif(coalesce(s.most, l.most), -1)
            )
            or coalesce(s.insert_base, l.insert_base) >= 0
            and c.inserted > coalesce(s.insert_base, l.insert_base)
                + coalesce(s.insert_scale, l.insert_scale) * c.reltuples * c.unfrozen
            or c.changed > coalesce(s.analyze_base, l.analyze_base)
                + coalesce(s.analyze_scale, l.analyze_scale) * c.reltuples
        )
),

queue as (
    select
        pg_catalog.count(*) as tables,
        pg_catalog.sum(d.dead) as dead
    from due as d
)

select
    case when l.longest >= l.warning then 'warning' else 'info' end as severity,
    pg_catalog.quote_ident(pg_catalog.current_database()) as object,
    q.tables::double precision as value,
    'tables due' as unit,
    pg_catalog.format('%s tables due, for %s', l.least, l.warning) as threshold,
    pg_catalog.format(
        '%s tables are due while all %s workers of autovacuum are busy, one for %s s',
        q.tables, l.workers, pg_catalog.round(extract(epoch from l.longest))
    ) as message,
    case when l.cost_limit < 10000 then
        pg_catalog.format(
            'ALTER SYSTEM SET autovacuum_vacuum_cost_limit = %s; '
            'SELECT pg_catalog.pg_reload_conf();', least(10000, 2 * l.cost_limit)
        )
    end as remediation,
    pg_catalog.jsonb_build_object(
        'tables', q.tables, 'dead_rows', q.dead, 'workers', l.workers,
        'longest_seconds', pg_catalog.round(extract(epoch from l.longest)),
        'cost_limit', l.cost_limit,
        'cost_delay', pg_catalog.current_setting('autovacuum_vacuum_cost_delay'), 'risk', 'safe'
    ) as details
from queue as q
cross join limits as l
where l.busy >= l.workers and l.unable is null and q.tables > l.least

union all

select
    'info',
    null,
    null,
    null,
    null,
    l.unable,
    case when l.unable like '%this role' then
        pg_catalog.format('GRANT pg_monitor TO %I;', current_user)
    end,
    '{"ran": false, "risk": "safe"}'
from limits as l
where l.unable is not null
