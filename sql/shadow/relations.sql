-- The relations that were just made: name, oid, access method, and of indexes the bytes of a key,
-- with a guess for what has no fixed length.
select
    n.nspname::text,
    c.relname::text,
    c.oid::bigint,
    coalesce(m.amname::text, ''),
    (
        select pg_catalog.sum(case when a.attlen > 0 then a.attlen else 16 end)
        from pg_catalog.pg_index as i
        join pg_catalog.pg_attribute as a
            on a.attrelid = i.indexrelid and a.attnum <= i.indnkeyatts
        where i.indexrelid = c.oid and a.attnum > 0
    )::float8
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
left join pg_catalog.pg_am as m
    on m.oid = c.relam
where c.relkind in ('r', 'p', 'm', 'i', 'I')
    and n.nspname <> 'information_schema'
    and n.nspname !~ '^pg_'
    -- What is written past privileges is written only where the importer has them all.
    and pg_catalog.pg_has_role(c.relowner, 'usage')
    and not exists (
        select
        from pg_catalog.pg_depend as d
        where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.deptype = 'e'
            and d.objid in (c.oid, (
                select i.indrelid
                from pg_catalog.pg_index as i
                where i.indexrelid = c.oid
            ))
    )
