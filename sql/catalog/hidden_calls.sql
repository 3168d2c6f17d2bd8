-- What is called for values of these types ($1) and by these operators ($2) without standing in the
-- statement: functions by oid, and the checks of domains as stored expressions. Of types also what
-- stands for what they are made of.
with recursive part as (
    select
        t.oid,
        t.typbasetype,
        t.typelem,
        t.typrelid
    from pg_catalog.pg_type as t
    where t.oid = any ($1)
    union
    select
        t.oid,
        t.typbasetype,
        t.typelem,
        t.typrelid
    from part as p
    cross join lateral (
        select p.typbasetype as oid
        union all
        select p.typelem
        union all
        select a.atttypid
        from pg_catalog.pg_attribute as a
        where a.attrelid = p.typrelid and a.attnum > 0 and not a.attisdropped
        union all
        select r.rngtypid
        from pg_catalog.pg_range as r
        where r.rngmultitypid = p.oid
        union all
        select r.rngsubtype
        from pg_catalog.pg_range as r
        where r.rngtypid = p.oid
    ) as inner_type
    join pg_catalog.pg_type as t
        on t.oid = inner_type.oid
    -- The server's own have no checks but harmless ones.
    where t.oid >= 16384
),

range as (
    select r.*
    from part as p
    join pg_catalog.pg_range as r
        on r.rngtypid = p.oid
),

family as (
    select o.opcfamily as oid
    from range as r
    join pg_catalog.pg_opclass as o
        on o.oid = r.rngsubopc
    union
    select a.amopfamily
    from pg_catalog.pg_amop as a
    where a.amopopr = any ($2)
),

called as (
    select r.rngcanonical::pg_catalog.oid as oid
    from range as r
    union
    select r.rngsubdiff::pg_catalog.oid
    from range as r
    union
    select a.amproc::pg_catalog.oid
    from family as f
    join pg_catalog.pg_amproc as a
        on a.amprocfamily = f.oid
    union
    select e.oid
    from pg_catalog.pg_operator as o
    cross join lateral (values (o.oprrest::pg_catalog.oid), (o.oprjoin::pg_catalog.oid)) as e (oid)
    where o.oid = any ($2)
)

select
    c.oid::pg_catalog.int8 as function,
    null as expression
from called as c
where c.oid >= 16384
union all
select
    null,
    k.conbin::pg_catalog.text
from part as p
join pg_catalog.pg_constraint as k
    on k.contypid = p.oid
where k.conbin is not null
