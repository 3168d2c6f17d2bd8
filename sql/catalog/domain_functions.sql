-- The functions that the checks of domains call, of these ($1) and of those that they are made of.
with recursive domain as (
    select t.oid, t.typbasetype
    from pg_catalog.pg_type as t
    where t.oid = any ($1)
    union
    select t.oid, t.typbasetype
    from domain as d
    join pg_catalog.pg_type as t
        on t.oid = d.typbasetype and t.typtype = 'd'
)

select distinct coalesce(o.oprcode::oid, d.refobjid)::bigint as function
from pg_catalog.pg_constraint as k
join domain as b
    on b.oid = k.contypid
join pg_catalog.pg_depend as d
    on d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and d.objid = k.oid
left join pg_catalog.pg_operator as o
    on d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass and o.oid = d.refobjid
where d.refclassid in (
    'pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass
)
order by 1
