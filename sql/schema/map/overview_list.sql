-- What an overview has a line for, in its order: by schema, enums, then tables and views by name.
--
-- $1: schema, NULL for all of the user's. Left out are partitions, which look like their parent,
-- and what belongs to extensions. Needs no privilege beyond reading the catalog.
with member as materialized (
    select d.classid, d.objid
    from pg_catalog.pg_depend as d
    where d.deptype = 'e'
)

select
    o.oid::bigint as oid,
    o.is_relation,
    o.schema_name::text as schema_name,
    o.name::text as name,
    pg_catalog.format('%I.%I', o.schema_name, o.name) as key
from (
    select c.oid, c.tableoid, true, n.nspname, c.relname
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'f', 'v', 'm') and not c.relispartition

    union all

    select t.oid, t.tableoid, false, n.nspname, t.typname
    from pg_catalog.pg_type as t
    join pg_catalog.pg_namespace as n
        on n.oid = t.typnamespace
    where t.typtype = 'e'
) as o (oid, classid, is_relation, schema_name, name)
where case
        when $1::text is null then o.schema_name !~ '^pg_' and o.schema_name <> 'information_schema'
        else o.schema_name = $1::text
    end
    and (o.classid, o.oid) not in (select m.classid, m.objid from member as m)
order by o.schema_name, o.is_relation, o.name
