-- Statements that drop what an import made: schemas, and in those that hold an extension and in
-- public each object. Only where no table has a row's page: see import.rs.
with member (classid, objid) as (
    select d.classid, d.objid
    from pg_catalog.pg_depend as d
    where d.deptype = 'e' and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
),

own_schema (oid, name, stays) as (
    select
        n.oid,
        n.nspname,
        n.nspname = 'public' or exists (
            select
            from pg_catalog.pg_extension as e
            where e.extnamespace = n.oid
        )
    from pg_catalog.pg_namespace as n
    where n.nspname <> 'information_schema'
        and n.nspname !~ '^pg_'
        and not exists (
            select
            from member as m
            where m.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and m.objid = n.oid
        )
)

select pg_catalog.format('drop schema %I cascade', n.name)
from own_schema as n
where not n.stays
union all
select pg_catalog.format(
    'drop %s if exists %I.%I cascade',
    case c.relkind
        when 'v' then 'view'
        when 'm' then 'materialized view'
        when 'S' then 'sequence'
        else 'table'
    end,
    n.name,
    c.relname
)
from pg_catalog.pg_class as c
join own_schema as n
    on n.oid = c.relnamespace
where n.stays
    and c.relkind in ('r', 'p', 'v', 'm', 'S')
    -- The sequence of an identity column goes with it.
    and not exists (
        select
        from pg_catalog.pg_depend as d
        where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.objid = c.oid
            and d.deptype = 'i'
            and c.relkind = 'S'
    )
    and not exists (
        select
        from member as m
        where m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and m.objid = c.oid
    )
union all
select pg_catalog.format('drop function if exists %s cascade', p.oid::pg_catalog.regprocedure)
from pg_catalog.pg_proc as p
join own_schema as n
    on n.oid = p.pronamespace
where n.stays
    and p.prokind in ('f', 'w')
    -- Those that make values of a range go with its type.
    and not exists (
        select
        from pg_catalog.pg_depend as d
        where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
            and d.objid = p.oid
            and d.deptype = 'i'
    )
    and not exists (
        select
        from member as m
        where m.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and m.objid = p.oid
    )
union all
select pg_catalog.format('drop type if exists %I.%I cascade', n.name, t.typname)
from pg_catalog.pg_type as t
join own_schema as n
    on n.oid = t.typnamespace
left join pg_catalog.pg_class as c
    on c.oid = t.typrelid
where n.stays
    and t.typtype in ('e', 'c', 'r', 'd')
    and (t.typtype <> 'c' or c.relkind = 'c')
    and not exists (
        select
        from member as m
        where m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and m.objid = t.oid
    )
union all
select pg_catalog.format(
    'alter database %I reset %I',
    pg_catalog.current_database(),
    pg_catalog.split_part(c.setting, '=', 1)
)
from pg_catalog.pg_db_role_setting as s
cross join lateral pg_catalog.unnest(s.setconfig) as c (setting)
where s.setrole = 0
    and s.setdatabase = (
        select d.oid
        from pg_catalog.pg_database as d
        where d.datname = pg_catalog.current_database()
    )
    and pg_catalog.split_part(c.setting, '=', 1) = any ($1)
