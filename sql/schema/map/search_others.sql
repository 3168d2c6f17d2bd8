-- What else a search looks at: schemas, functions, types with the values of enums, constraints and
-- indexes of the user's, without what belongs to extensions, what is made for partitions, and
-- indexes that a constraint names. relation_oid: the table of a constraint or an index. Needs no
-- privilege beyond reading the catalog.
with other (classid, oid, relation_oid, kind, namespace, name, details, labels) as (
    select n.tableoid, n.oid, null::oid, 'schema', n.oid, n.nspname, null, null
    from pg_catalog.pg_namespace as n

    union all

    select
        f.tableoid,
        f.oid,
        null,
        case f.prokind when 'p' then 'procedure' else 'function' end,
        f.pronamespace,
        f.proname,
        pg_catalog.format(
            '(%s)%s', pg_catalog.pg_get_function_identity_arguments(f.oid),
            ' returns ' || pg_catalog.pg_get_function_result(f.oid)
        ),
        null
    from pg_catalog.pg_proc as f
    where f.oid >= 16384

    union all

    select
        t.tableoid,
        t.oid,
        null,
        'type',
        t.typnamespace,
        t.typname,
        case t.typtype
            when 'e' then 'enum: ' || e.labels
            when 'd' then 'domain over ' || pg_catalog.format_type(t.typbasetype, t.typtypmod)
            else 'range'
        end,
        e.labels
    from pg_catalog.pg_type as t
    left join lateral (
        select pg_catalog.string_agg(g.enumlabel, ', ' order by g.enumsortorder) as labels
        from pg_catalog.pg_enum as g
        where g.enumtypid = t.oid
    ) as e
        on true
    where t.typtype in ('e', 'd', 'r') and t.oid >= 16384

    union all

    select
        k.tableoid,
        k.oid,
        k.conrelid,
        'constraint',
        k.connamespace,
        k.conname,
        case k.contype
            when 'p' then 'primary key'
            when 'u' then 'unique'
            when 'f' then 'foreign key'
            when 'x' then 'exclusion'
            else 'check'
        end,
        null
    from pg_catalog.pg_constraint as k
    where k.conrelid <> 0
        and k.conparentid = 0
        and k.coninhcount = 0
        and k.contype in ('c', 'f', 'p', 'u', 'x')

    union all

    select x.tableoid, x.oid, i.indrelid, 'index', x.relnamespace, x.relname, m.amname, null
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as x
        on x.oid = i.indexrelid
    join pg_catalog.pg_am as m
        on m.oid = x.relam
    where not x.relispartition
        and not exists (
            select
            from pg_catalog.pg_constraint as k
            where k.conindid = i.indexrelid and k.conname = x.relname
        )
)

select
    o.oid::bigint as oid,
    o.relation_oid::bigint as relation_oid,
    o.kind,
    n.nspname::text as schema_name,
    o.name::text as name,
    o.details,
    o.labels,
    d.description as comment
from other as o
join pg_catalog.pg_namespace as n
    on n.oid = o.namespace
left join pg_catalog.pg_description as d
    on d.objoid = o.oid and d.classoid = o.classid and d.objsubid = 0
where n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
    and not exists (
        select
        from pg_catalog.pg_depend as e
        where e.deptype = 'e'
            and (
                (e.classid = o.classid and e.objid = o.oid)
                or (e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.objid = o.relation_oid)
            )
    )
order by o.kind, n.nspname, o.name, o.oid
