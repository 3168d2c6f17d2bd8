-- Indexes that no query has used since statistics began.
--
-- Judged only when statistics were collected for unused_index_window (30 days), so that monthly
-- jobs count; before, one row says that it is too early. Counters are lost in a crash and at
-- pg_upgrade, and the time of that is the reset time of pg_stat_bgwriter; pg_stat_database has the
-- time of a reset by hand. Each standby has counters of its own, which are not seen here; on a
-- standby nothing is judged, as the primary's queries do not count there. A partitioned index
-- counts with all its partitions, which cannot be dropped alone. Left out: indexes smaller than
-- unused_index_least (1 MB), unique ones, those that back a constraint or may support a foreign
-- key by their first column, the replica identity, clustered ones, those known to be younger than
-- the window (by track_commit_timestamp), and tables that are not used themselves. Catalogs:
-- pg_index, pg_class, pg_constraint, pg_inherits, the counters of scans and writes. Threshold: 0
-- scans is for information, a warning from unused_index_warning (100 MB) if the table is written.
-- Source: PgHero (50 scans, 10 MB, whatever the age), pganalyze (35 days). Needs no privilege.
with since as materialized (
    select
        s.begin,
        not pg_catalog.pg_is_in_recovery() and s.begin <= s.latest as possible,
        s.latest,
        pg_catalog.pg_size_bytes(
            pg_catalog.current_setting('mcp_advisor.health_unused_index_least')
        ) / pg_catalog.current_setting('block_size')::bigint as least_pages,
        pg_catalog.pg_size_bytes(
            pg_catalog.current_setting('mcp_advisor.health_unused_index_warning')
        ) as warning
    from (
        select
            greatest(d.stats_reset, b.stats_reset) as begin,
            pg_catalog.now()
            - pg_catalog.current_setting('mcp_advisor.health_unused_index_window')::interval
                as latest
        from pg_catalog.pg_stat_database as d
        cross join pg_catalog.pg_stat_bgwriter as b
        where d.datname = pg_catalog.current_database()
    ) as s
),

-- Cheap columns first: large indexes without a scan, and all partitioned ones.
large as materialized (
    select
        c.oid,
        c.relname,
        c.relnamespace,
        c.relkind,
        c.relpages
    from since as s
    join pg_catalog.pg_class as c
        on c.relkind = 'I' or c.relkind = 'i' and c.relpages >= s.least_pages
    where s.possible
        and c.oid >= 16384
        and not c.relispartition
        and c.relpersistence <> 't'
        and (c.relkind = 'I' or pg_catalog.pg_stat_get_numscans(c.oid) = 0)
),

tree as materialized (
    with recursive part (root, oid) as (
        select
            l.oid,
            l.oid
        from large as l
        where l.relkind = 'I'
        union
        select
            p.root,
            h.inhrelid
        from part as p
        join pg_catalog.pg_inherits as h
            on h.inhparent = p.oid
    )

    select
        p.root,
        pg_catalog.sum(c.relpages) as pages,
        pg_catalog.sum(pg_catalog.pg_stat_get_numscans(c.oid)) as scans
    from part as p
    join pg_catalog.pg_class as c
        on c.oid = p.oid
    where c.relkind = 'i'
    group by p.root
),

idle as materialized (
    select
        l.oid,
        l.relname,
        l.relnamespace,
        l.relkind,
        i.indrelid,
        coalesce(t.pages, l.relpages) as pages
    from large as l
    cross join since as s
    join pg_catalog.pg_index as i
        on i.indexrelid = l.oid
    left join tree as t
        on t.root = l.oid
    where coalesce(t.pages, l.relpages) >= s.least_pages
        and coalesce(t.scans, 0) = 0
        and i.indisvalid
        and not i.indisunique
        and not i.indisexclusion
        and not i.indisreplident
        and not i.indisclustered
        and not exists (
            select
            from pg_catalog.pg_constraint as k
            where k.conrelid = i.indrelid and k.contype = 'f' and k.conkey[1] = i.indkey[0]
        )
        and l.oid not in (select k.conindid from pg_catalog.pg_constraint as k)
        -- Null where it is not known.
        and case
            when pg_catalog.current_setting('track_commit_timestamp')::boolean
                then pg_catalog.pg_xact_commit_timestamp(i.xmin) > s.latest
        end is not true
),

-- The tables of such indexes, with their partitions.
relation as materialized (
    with recursive part (root, oid) as (
        select distinct
            i.indrelid,
            i.indrelid
        from idle as i
        union
        select
            p.root,
            h.inhrelid
        from part as p
        join pg_catalog.pg_inherits as h
            on h.inhparent = p.oid
    )

    select
        p.root,
        pg_catalog.sum(
            pg_catalog.pg_stat_get_tuples_inserted(p.oid)
            + pg_catalog.pg_stat_get_tuples_updated(p.oid)
            + pg_catalog.pg_stat_get_tuples_deleted(p.oid)
        ) as writes,
        pg_catalog.sum(pg_catalog.pg_stat_get_numscans(p.oid)) + coalesce(
            pg_catalog.sum(
                (
                    select pg_catalog.sum(pg_catalog.pg_stat_get_numscans(x.indexrelid))
                    from pg_catalog.pg_index as x
                    where x.indrelid = p.oid
                )
            ), 0
        ) as reads
    from part as p
    group by p.root
),

unused as (
    select
        i.oid,
        i.relname,
        n.nspname,
        i.relkind,
        i.indrelid,
        i.pages * pg_catalog.current_setting('block_size')::bigint as bytes,
        r.writes
    from idle as i
    join relation as r
        on r.root = i.indrelid
    join pg_catalog.pg_namespace as n
        on n.oid = i.relnamespace
    where r.reads > 0
)

select
    case when u.bytes >= s.warning and u.writes > 0 then 'warning' else 'info' end as severity,
    pg_catalog.format('%I.%I', u.nspname, u.relname) as object,
    u.bytes::double precision as value,
    'bytes' as unit,
    'at least 1 scan since ' || pg_catalog.date_trunc('day', s.begin)::date as threshold,
    pg_catalog.format(
        'was not used in %s days, or since it was made if that was later: look at the standbys '
        'too, which count for themselves',
        pg_catalog.date_part('day', pg_catalog.now() - s.begin)
    ) as message,
    case
        when u.relkind = 'I' then pg_catalog.format('DROP INDEX %I.%I;', u.nspname, u.relname)
        else pg_catalog.format('DROP INDEX CONCURRENTLY %I.%I;', u.nspname, u.relname)
    end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', 'data_loss',
        'oid', u.oid::bigint,
        'table_oid', u.indrelid::bigint,
        'table', u.indrelid::pg_catalog.regclass::text,
        'writes_to_table', u.writes,
        'statistics_since', s.begin
    ) as details
from unused as u
cross join since as s

union all

select
    'info',
    null,
    pg_catalog.date_part('day', pg_catalog.now() - s.begin),
    'days',
    pg_catalog.current_setting('mcp_advisor.health_unused_index_window') || ' of statistics',
    case
        when pg_catalog.pg_is_in_recovery()
            then 'cannot be judged on a standby: the queries of the primary are not counted here'
        else pg_catalog.format(
            'cannot be judged yet: statistics are collected since %s',
            pg_catalog.date_trunc('second', s.begin)
        )
    end,
    null,
    pg_catalog.jsonb_build_object('ran', false, 'statistics_since', s.begin)
from since as s
where not s.possible

order by 3 desc, 2
