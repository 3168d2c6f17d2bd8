-- The foreign keys, without the copies that partitions have of their parent's. Ordered by name of
-- the referencing table and of the constraint. Needs no privilege beyond reading the catalog.
select
    k.conname::text as name,
    k.conrelid::bigint as from_oid,
    k.conkey as from_columns,
    k.confrelid::bigint as to_oid,
    k.confkey as to_columns,
    u.action as on_update,
    d.action as on_delete,
    case
        when not k.condeferrable then 'not deferrable'
        when k.condeferred then 'initially deferred'
        else 'initially immediate'
    end as deferrable,
    k.convalidated as is_validated
from pg_catalog.pg_constraint as k
join pg_catalog.pg_class as c
    on c.oid = k.conrelid
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
join (
    values ('a', 'NO ACTION'), ('r', 'RESTRICT'), ('c', 'CASCADE'), ('n', 'SET NULL'),
        ('d', 'SET DEFAULT')
) as u (code, action)
    on u.code = k.confupdtype
join (
    values ('a', 'NO ACTION'), ('r', 'RESTRICT'), ('c', 'CASCADE'), ('n', 'SET NULL'),
        ('d', 'SET DEFAULT')
) as d (code, action)
    on d.code = k.confdeltype
where k.contype = 'f' and k.conparentid = 0
order by n.nspname, c.relname, k.conname
