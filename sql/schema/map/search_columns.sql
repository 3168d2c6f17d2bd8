-- The columns of relations of the user's, with comments, in the order of relations and columns.
-- Needs no privilege beyond reading the catalog.
select
    a.attrelid::bigint as relation_oid,
    a.attname::text as name,
    a.atttypid::bigint as type_oid,
    a.atttypmod as type_modifier,
    d.description as comment
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
join pg_catalog.pg_attribute as a
    on a.attrelid = c.oid
left join pg_catalog.pg_description as d
    on d.objoid = c.oid and d.classoid = c.tableoid and d.objsubid = a.attnum
where c.relkind in ('r', 'p', 'f', 'v', 'm', 'c')
    and not c.relispartition
    and n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
    and a.attnum > 0
    and not a.attisdropped
order by n.nspname, c.relname, a.attnum
