-- The relations that are the database's own: not the system's, of no extension, not temporary, and
-- not what an import of such a document keeps for itself.
with member (classid, objid) as (
    select d.classid, d.objid
    from pg_catalog.pg_depend as d
    where d.deptype = 'e' and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
),

own_schema (oid, name) as (
    select n.oid, n.nspname
    from pg_catalog.pg_namespace as n
    where n.nspname <> 'information_schema'
        and n.nspname !~ '^pg_'
        and n.nspname <> 'mcp_shadow'
),

own_table (oid, schema_name, name, kind, qualified) as (
    select
        c.oid,
        n.name,
        c.relname,
        c.relkind,
        pg_catalog.format('%I.%I', n.name, c.relname)
    from pg_catalog.pg_class as c
    join own_schema as n
        on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm', 'v', 'S')
        and c.relpersistence <> 't'
        and not exists (
            select
            from member as m
            where m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and m.objid = c.oid
        )
)

