-- Indexes that no query has used since statistics began.
--
-- Judged only when statistics were collected for unused_index_window (30 days), so that monthly jobs
-- count; before, one row says that it is too early. Counters are lost in a crash and at pg_upgrade, and the time of
-- that is the reset time of pg_stat_bgwriter; pg_stat_database has the time of a reset by hand.
-- Each standby has counters of its own, which are not seen here. Left out: indexes under 1 MB (128
-- pages), unique ones, those that back a constraint or may support a foreign key by their first
-- column, replica identity, clustered ones, parts of a partitioned index (which cannot be dropped
-- alone), and tables that are not used themselves. Catalogs: pg_index, pg_constraint,
-- pg_stat_user_indexes, pg_stat_user_tables. Threshold: 0 scans is for information, a warning from
-- 100 MB if the table is written. On a standby it is not judged: the primary's queries do not
-- count there.
with since as (
    select greatest(d.stats_reset, b.stats_reset) as begin
    from pg_catalog.pg_stat_database as d
    cross join pg_catalog.pg_stat_bgwriter as b
    where d.datname = pg_catalog.current_database()
),

judged as (
    select
        s.begin,
        not pg_catalog.pg_is_in_recovery()
            and s.begin <= pg_catalog.now()
                - pg_catalog.current_setting('mcp_advisor.health_unused_index_window')::interval
            as possible
    from since as s
),

supporting as materialized (
    select distinct k.conrelid, k.conkey[1] as attnum
    from pg_catalog.pg_constraint as k
    where k.contype = 'f'
),

backed as materialized (
    select distinct k.conindid as oid
    from pg_catalog.pg_constraint as k
    where k.conindid <> 0
),

unused as (
    select
        c.relname,
        n.nspname,
        i.indrelid,
        c.relpages * pg_catalog.current_setting('block_size')::bigint as bytes,
        t.n_tup_ins + t.n_tup_upd + t.n_tup_del as writes
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as c
        on c.oid = i.indexrelid
    join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace
    join pg_catalog.pg_stat_user_indexes as s
        on s.indexrelid = i.indexrelid
    join pg_catalog.pg_stat_user_tables as t
        on t.relid = i.indrelid
    left join supporting as f
        on f.conrelid = i.indrelid and f.attnum = i.indkey[0]
    left join backed as b
        on b.oid = i.indexrelid
    where (select j.possible from judged as j)
        and s.idx_scan = 0
        and c.relpages >= 128
        and i.indisvalid
        and not i.indisunique
        and not i.indisexclusion
        and not i.indisreplident
        and not i.indisclustered
        and not c.relispartition
        and f.conrelid is null
        and b.oid is null
        and t.seq_scan + coalesce(t.idx_scan, 0) > 0
)

select
    case when u.bytes >= 100 * 1024 * 1024 and u.writes > 0 then 'warning' else 'info' end
        as severity,
    pg_catalog.format('%I.%I', u.nspname, u.relname) as object,
    u.bytes::double precision as value,
    'bytes' as unit,
    'at least 1 scan since ' || pg_catalog.date_trunc('day', j.begin)::date as threshold,
    pg_catalog.format(
        'was not used in %s days: check the standbys too, which count for themselves',
        extract(day from pg_catalog.now() - j.begin)
    ) as message,
    pg_catalog.format('DROP INDEX CONCURRENTLY %I.%I;', u.nspname, u.relname) as remediation,
    pg_catalog.jsonb_build_object(
        'risk', 'data_loss',
        'table', u.indrelid::pg_catalog.regclass::text,
        'writes_to_table', u.writes,
        'statistics_since', j.begin
    ) as details
from unused as u
cross join judged as j

union all

select
    'info',
    null,
    extract(day from pg_catalog.now() - j.begin)::double precision,
    'days',
    pg_catalog.current_setting('mcp_advisor.health_unused_index_window') || ' of statistics',
    case
        when pg_catalog.pg_is_in_recovery()
            then 'cannot be judged on a standby: the queries of the primary are not counted here'
        else pg_catalog.format(
            'cannot be judged yet: statistics are collected since %s',
            pg_catalog.date_trunc('second', j.begin)
        )
    end,
    null,
    pg_catalog.jsonb_build_object('ran', false, 'statistics_since', j.begin)
from judged as j
where not j.possible

order by 3 desc, 2
