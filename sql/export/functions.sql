-- Functions in SQL and PL/pgSQL that indexes, views, defaults, constraints and statistics need, that
-- the words of the workload ($1) name, and what those need or name in their bodies.
with recursive candidate (oid, name, body) as (
    select
        p.oid,
        p.proname::text,
        pg_catalog.lower(p.prosrc)
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_namespace as n
        on n.oid = p.pronamespace
    join pg_catalog.pg_language as l
        on l.oid = p.prolang
    where l.lanname in ('sql', 'plpgsql')
        and p.prokind in ('f', 'w')
        and p.prorettype not in (
            'pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype
        )
        and n.nspname <> 'information_schema'
        and n.nspname !~ '^pg_'
        and not exists (
            select
            from pg_catalog.pg_depend as d
            where d.deptype = 'e'
                and d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                and d.objid = p.oid
        )
),

mentioned (oid, word) as materialized (
    select distinct
        c.oid,
        w.word
    from candidate as c
    cross join lateral pg_catalog.regexp_split_to_table(c.body, '[^a-z0-9_$]+') as w (word)
),

linked (oid, needs) as materialized (
    select
        m.oid,
        c.oid
    from mentioned as m
    join candidate as c
        on pg_catalog.lower(c.name) = m.word
    union
    select
        d.objid,
        d.refobjid
    from pg_catalog.pg_depend as d
    where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
        and d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
),

needed (oid) as (
    select c.oid
    from candidate as c
    where pg_catalog.lower(c.name) in (
            select w.word
            from pg_catalog.unnest($1::text[]) as t (text)
            cross join lateral pg_catalog.regexp_split_to_table(
                pg_catalog.lower(t.text), '[^a-z0-9_$]+'
            ) as w (word)
        )
        or exists (
            select
            from pg_catalog.pg_depend as d
            where d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                and d.refobjid = c.oid
                and d.classid <> 'pg_catalog.pg_proc'::pg_catalog.regclass
                and d.classid <> 'pg_catalog.pg_trigger'::pg_catalog.regclass
        )
    union
    select c.oid
    from needed as n
    join linked as l
        on l.oid = n.oid
    join candidate as c
        on c.oid = l.needs
)

select
    'function' as kind,
    n.oid::pg_catalog.regprocedure::text as name,
    pg_catalog.pg_get_functiondef(n.oid) as ddl
from needed as n
order by n.oid
