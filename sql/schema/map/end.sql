-- What the name of an end of a path of joins stands for. $1: oid. The kind as in pg_class, the
-- qualified name, the table that a partition belongs to (itself when it is none, or has a foreign
-- key of its own), and what a view reads.
with recursive above (oid, depth) as (
    select $1::oid, 0
    union all
    select i.inhparent, a.depth + 1
    from above as a
    join pg_catalog.pg_class as c
        on c.oid = a.oid
    join pg_catalog.pg_inherits as i
        on i.inhrelid = a.oid
    where c.relispartition
        and not exists (
            select
            from pg_catalog.pg_constraint as k
            where k.contype = 'f' and k.conparentid = 0 and a.oid in (k.conrelid, k.confrelid)
        )
)

select
    c.relkind::text as kind,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
    (
        select a.oid::bigint
        from above as a
        order by a.depth desc
        limit 1
    ) as table_oid,
    (
        select pg_catalog.string_agg(
            distinct pg_catalog.format('%I.%I', m.nspname, t.relname), ', '
        )
        from pg_catalog.pg_rewrite as r
        join pg_catalog.pg_depend as d
            on d.classid = r.tableoid and d.objid = r.oid
        join pg_catalog.pg_class as t
            on t.oid = d.refobjid and d.refclassid = t.tableoid
        join pg_catalog.pg_namespace as m
            on m.oid = t.relnamespace
        where r.ev_class = c.oid and t.oid <> c.oid and t.relkind in ('r', 'p', 'f', 'v', 'm')
    ) as reads
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
where c.oid = $1::oid
