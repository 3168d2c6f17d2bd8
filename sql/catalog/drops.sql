-- What to know of an index ($1, oid) before it is dropped, with all its partitions: size, scans, and
-- writes to its table, since when they are counted, whether lookups by a foreign key begin with its
-- first column, whether it holds statistics of an expression, and the statements that drop it and make
-- it again.
--
-- Returns one jsonb object. Waits, up to lock_timeout, for a table that is being altered. Needs no
-- privilege.
select pg_catalog.jsonb_build_object(
    'size_bytes', own.bytes,
    'scans', own.scans,
    'writes', writes.rows,
    'since', (
        select greatest(d.stats_reset, b.stats_reset)::date::text
        from pg_catalog.pg_stat_database as d
        cross join pg_catalog.pg_stat_bgwriter as b
        where d.datname = pg_catalog.current_database()
    ),
    'days', (
        select pg_catalog.date_part('day', pg_catalog.now() - greatest(d.stats_reset, b.stats_reset))
        from pg_catalog.pg_stat_database as d
        cross join pg_catalog.pg_stat_bgwriter as b
        where d.datname = pg_catalog.current_database()
    ),
    'foreign_key', (
        select pg_catalog.min(k.conname::text)
        from pg_catalog.pg_constraint as k
        where k.conrelid = i.indrelid and k.contype = 'f' and k.conkey[1] = i.indkey[0]
    ),
    'expressions', i.indexprs is not null,
    'drop', pg_catalog.format(
        case when c.relkind = 'I' then 'DROP INDEX %I.%I;' else 'DROP INDEX CONCURRENTLY %I.%I;' end,
        n.nspname, c.relname
    ),
    'undo', case
        when c.relkind = 'I' then pg_catalog.regexp_replace(
            pg_catalog.pg_get_indexdef(c.oid),
            '^(CREATE (?:UNIQUE )?INDEX (?:"(?:[^"]|"")+"|[^ ]+) ON )ONLY ', '\1'
        )
        else pg_catalog.regexp_replace(
            pg_catalog.pg_get_indexdef(c.oid), '^(CREATE (?:UNIQUE )?INDEX) ', '\1 CONCURRENTLY '
        )
    end,
    -- pg_stat_replication shows nothing of other roles' connections to those who may not see them.
    'standbys', (
        select pg_catalog.count(*)
        from pg_catalog.pg_stat_replication as r
    )
)
from pg_catalog.pg_index as i
join pg_catalog.pg_class as c
    on c.oid = i.indexrelid
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
cross join lateral (
    select
        coalesce(pg_catalog.sum(case
            -- A shadow database has the sizes of another one in its catalog.
            when pg_catalog.current_setting('mcp_advisor.shadow', true) = 'on' then
                y.relpages * pg_catalog.current_setting('block_size')::bigint
            else pg_catalog.pg_relation_size(x.oid)
        end), 0)::bigint as bytes,
        coalesce(pg_catalog.sum(pg_catalog.pg_stat_get_numscans(x.oid)), 0)::bigint as scans
    from (
        select c.oid
        union
        select p.relid::pg_catalog.oid
        from pg_catalog.pg_partition_tree(c.oid) as p
        where p.isleaf
    ) as x
    join pg_catalog.pg_class as y
        on y.oid = x.oid and y.relkind = 'i'
) as own
cross join lateral (
    select coalesce(pg_catalog.sum(
        pg_catalog.pg_stat_get_tuples_inserted(x.oid)
        + pg_catalog.pg_stat_get_tuples_updated(x.oid)
        + pg_catalog.pg_stat_get_tuples_deleted(x.oid)
    ), 0)::bigint as rows
    from (
        select i.indrelid as oid
        union
        select p.relid::pg_catalog.oid
        from pg_catalog.pg_partition_tree(i.indrelid) as p
        where p.isleaf
    ) as x
) as writes
where i.indexrelid = $1
