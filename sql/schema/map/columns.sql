-- The columns of the tables of tables.sql, in their order. A domain counts as what it is over.
-- Values are the table's own when they come from an identity, a sequence, gen_random_uuid() or
-- other columns. Needs no privilege beyond reading the catalog.
select
    a.attrelid::bigint as table_oid,
    a.attnum as number,
    a.attname::text as name,
    coalesce(nullif(t.typbasetype, 0), t.oid)::bigint as type_oid,
    pg_catalog.format_type(a.atttypid, a.atttypmod) as type_name,
    a.attnotnull as is_not_null,
    a.attidentity <> ''
        or a.attgenerated <> ''
        -- nextval() and gen_random_uuid() by their oids.
        or coalesce(d.adbin::text ~ ':funcid (1574|3432) ', false) as makes_values,
    a.attinhcount > 0 and not a.attislocal as is_inherited
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
join pg_catalog.pg_attribute as a
    on a.attrelid = c.oid
join pg_catalog.pg_type as t
    on t.oid = a.atttypid
left join pg_catalog.pg_attrdef as d
    on d.adrelid = a.attrelid and d.adnum = a.attnum
where c.relkind in ('r', 'p', 'f')
    and n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
    and a.attnum > 0
    and not a.attisdropped
order by a.attrelid, a.attnum
