-- The functions that the checks of domains call: of these types ($1) and of those that they are made
-- of, as arrays, rows and domains are. The server's own types have no such checks.
with recursive part (oid) as (
    select t.oid
    from pg_catalog.unnest($1) as t (oid)
    union
    select inner_part.oid
    from part as p
    join pg_catalog.pg_type as t
        on t.oid = p.oid
    cross join lateral (
        select t.typbasetype as oid
        union all
        select t.typelem as oid
        union all
        select a.atttypid as oid
        from pg_catalog.pg_attribute as a
        where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
    ) as inner_part
    where inner_part.oid >= 16384
)

select distinct coalesce(o.oprcode::oid, d.refobjid)::bigint as function
from pg_catalog.pg_constraint as k
join part as b
    on b.oid = k.contypid
join pg_catalog.pg_depend as d
    on d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and d.objid = k.oid
left join pg_catalog.pg_operator as o
    on d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass and o.oid = d.refobjid
where d.refclassid in (
    'pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass
)
order by 1
