-- Schemas, and the extensions that own objects or the workload's words ($1) need.
with member (classid, objid, extension) as (
    select d.classid, d.objid, d.refobjid
    from pg_catalog.pg_depend as d
    where d.deptype = 'e' and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
),

word (word) as (
    select distinct w.word
    from pg_catalog.unnest($1::text[]) as t (text)
    cross join lateral pg_catalog.regexp_split_to_table(pg_catalog.lower(t.text), '[^a-z0-9_$]+')
        as w (word)
),

needed (extension) as (
    select m.extension
    from member as m
    join pg_catalog.pg_depend as d
        on d.refclassid = m.classid and d.refobjid = m.objid
    where d.deptype <> 'e'
        and not exists (
            select
            from member as own
            where own.classid = d.classid and own.objid = d.objid
        )
    union
    select m.extension
    from member as m
    join pg_catalog.pg_proc as p
        on p.oid = m.objid
    where m.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
        and p.proname in (select w.word from word as w)
)

select
    o.kind,
    o.name,
    o.ddl
from (
    select
        1 as place,
        'schema' as kind,
        n.nspname::text as name,
        pg_catalog.format('create schema if not exists %I', n.nspname) as ddl
    from pg_catalog.pg_namespace as n
    where n.nspname <> 'information_schema'
        and n.nspname !~ '^pg_'
        and n.nspname <> 'mcp_shadow'
        and not exists (
            select
            from member as m
            where m.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and m.objid = n.oid
        )
    union all
    select
        2,
        'extension',
        e.extname::text,
        pg_catalog.format('create extension if not exists %I with schema %I', e.extname, n.nspname)
    from pg_catalog.pg_extension as e
    join pg_catalog.pg_namespace as n
        on n.oid = e.extnamespace
    where e.oid in (select d.extension from needed as d)
        and e.extname not in ('plpgsql', 'mcp_advisor', 'hypopg', 'pg_stat_statements')
) as o
order by o.place, o.name
