-- One type as JSON; not the row type of a table, nor an array.
--
-- $1: schema; $2: name, unquoted, as in pg_type or as the standard spells it (integer for int4);
-- $3: type. No row when there is none.
select pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
    'schema', n.nspname,
    'name', t.typname,
    'kind', 'type',
    'type', case t.typtype
        when 'e' then 'enum' when 'd' then 'domain' when 'c' then 'composite' when 'r' then 'range'
        when 'm' then 'multirange' when 'p' then 'pseudo'
        else case when t.typisdefined then 'base' else 'shell' end
    end,
    'owner', pg_catalog.pg_get_userbyid(t.typowner),
    'description', pg_catalog.obj_description(t.oid, 'pg_type'),
    -- In bytes; of variable length when there is none.
    'size', case when t.typlen > 0 then t.typlen end,
    'labels', (
        select pg_catalog.jsonb_agg(e.enumlabel order by e.enumsortorder)
        from pg_catalog.pg_enum as e
        where e.enumtypid = t.oid
    ),
    'attributes', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', a.attname,
            'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
            'collation', (
                select pg_catalog.quote_ident(c.collname)
                from pg_catalog.pg_collation as c
                join pg_catalog.pg_type as y
                    on y.oid = a.atttypid
                where c.oid = a.attcollation and c.oid <> y.typcollation
            ),
            'description', pg_catalog.col_description(a.attrelid, a.attnum)
        ) order by a.attnum)
        from pg_catalog.pg_attribute as a
        where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
    ),
    'base_type', case when t.typtype = 'd' then
        pg_catalog.format_type(t.typbasetype, t.typtypmod)
    end,
    'collation', (
        select pg_catalog.quote_ident(o.collname)
        from pg_catalog.pg_collation as o
        join pg_catalog.pg_type as b
            on b.oid = t.typbasetype
        where o.oid = t.typcollation and o.oid <> b.typcollation
    ),
    'nullable', case when t.typtype = 'd' then not t.typnotnull end,
    'default', t.typdefault,
    'constraints', (
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'name', k.conname,
            'definition', pg_catalog.pg_get_constraintdef(k.oid, true),
            'valid', case when not k.convalidated then false end,
            'description', pg_catalog.obj_description(k.oid, 'pg_constraint')
        ) order by k.conname)
        from pg_catalog.pg_constraint as k
        -- From PostgreSQL 17 on NOT NULL has a row, too; `nullable` has it.
        where k.contypid = t.oid and k.contype = 'c'
    ),
    'subtype', (
        select pg_catalog.format_type(g.rngsubtype, null)
        from pg_catalog.pg_range as g
        where g.rngtypid = t.oid
    ),
    'range', (
        select pg_catalog.format_type(g.rngtypid, null)
        from pg_catalog.pg_range as g
        where (pg_catalog.to_jsonb(g) ->> 'rngmultitypid')::oid = t.oid
    ),
    'used_by', (
        select pg_catalog.jsonb_agg(
            pg_catalog.format('%s.%I', a.attrelid::pg_catalog.regclass, a.attname)
            order by a.attrelid::pg_catalog.regclass::text, a.attnum
        )
        from pg_catalog.pg_depend as d
        join pg_catalog.pg_attribute as a
            on a.attrelid = d.objid and a.attnum = d.objsubid
        where d.refclassid = t.tableoid
            and d.refobjid in (t.oid, t.typarray)
            and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.objsubid > 0
    ),
    'usage', pg_catalog.has_type_privilege(t.oid, 'usage'),
    'acl', pg_catalog.to_jsonb(t.typacl::text[])
)) as object
from pg_catalog.pg_type as t
join pg_catalog.pg_namespace as n
    on n.oid = t.typnamespace
left join pg_catalog.pg_class as c
    on c.oid = t.typrelid
where n.nspname = $1
    and (t.typname = $2 or pg_catalog.format_type(t.oid, null) = $2)
    and $3 = 'type'
    and (t.typrelid = 0 or c.relkind = 'c')
    and not exists (
        select from pg_catalog.pg_type as e where e.oid = t.typelem and e.typarray = t.oid
    )
