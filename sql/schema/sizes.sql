-- The sizes of all tables and materialized views, as the head of another statement:
-- size (oid, bytes) is with indexes, TOAST and all forks, as pg_total_relation_size has it.
--
-- That function waits for a table that is being altered, or for one of whose indexes is being
-- rebuilt, so for these the pages that the last VACUUM or ANALYZE counted are taken. So they are
-- for all when there are more than 2,000 tables: opening each costs the session 0.1 ms and memory
-- for good.
with busy as materialized (
    select coalesce(h.oid, i.indrelid, l.relation) as oid
    from pg_catalog.pg_locks as l
    left join pg_catalog.pg_index as i
        on i.indexrelid = l.relation
    left join pg_catalog.pg_class as h
        on h.reltoastrelid = coalesce(i.indrelid, l.relation) and h.reltoastrelid <> 0
    where l.locktype = 'relation'
        and l.mode = 'AccessExclusiveLock'
        and l.database = (
            select d.oid
            from pg_catalog.pg_database as d
            where d.datname = pg_catalog.current_database()
        )
        and l.pid <> pg_catalog.pg_backend_pid()
),

heap as (
    select
        c.oid,
        c.reltoastrelid,
        c.relpages
    from pg_catalog.pg_class as c
    where c.relkind in ('r', 'm')
),

pages as (
    select
        p.oid,
        pg_catalog.sum(p.relpages) as pages
    from (
        select h.oid, h.relpages from heap as h
        union all
        select h.oid, t.relpages
        from heap as h
        join pg_catalog.pg_class as t on t.oid = h.reltoastrelid
        union all
        select h.oid, x.relpages
        from heap as h
        join pg_catalog.pg_index as i on i.indrelid = h.oid
        join pg_catalog.pg_class as x on x.oid = i.indexrelid
        union all
        select h.oid, x.relpages
        from heap as h
        join pg_catalog.pg_index as i on i.indrelid = h.reltoastrelid
        join pg_catalog.pg_class as x on x.oid = i.indexrelid
    ) as p
    group by p.oid
),

size as (
    select
        p.oid,
        case
            when (select pg_catalog.count(*) from heap) <= 2000
                and not exists (select from busy as b where b.oid = p.oid)
                then pg_catalog.pg_total_relation_size(p.oid)
            else (p.pages * pg_catalog.current_setting('block_size')::bigint)::bigint
        end as bytes
    from pages as p
)

