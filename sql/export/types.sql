-- Types: enumerations, composite types, ranges and domains, by age, so that what a type is made of
-- comes before it.
select
    'type' as kind,
    y.name,
    y.ddl
from (
    select
        t.oid,
        q.name,
        case t.typtype
            when 'e' then pg_catalog.format('create type %s as enum (%s)', q.name, (
                select pg_catalog.string_agg(
                    pg_catalog.quote_literal(e.enumlabel), ', ' order by e.enumsortorder
                )
                from pg_catalog.pg_enum as e
                where e.enumtypid = t.oid
            ))
            when 'c' then pg_catalog.format('create type %s as (%s)', q.name, (
                select pg_catalog.string_agg(pg_catalog.format(
                    '%I %s%s',
                    a.attname,
                    pg_catalog.format_type(a.atttypid, a.atttypmod),
                    case when a.attcollation <> b.typcollation and a.attcollation <> 0
                        then ' collate ' || a.attcollation::pg_catalog.regcollation
                        else ''
                    end
                ), ', ' order by a.attnum)
                from pg_catalog.pg_attribute as a
                join pg_catalog.pg_type as b
                    on b.oid = a.atttypid
                where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
            ))
            when 'r' then (
                select pg_catalog.format(
                    'create type %s as range (subtype = %s%s%s%s)',
                    q.name,
                    pg_catalog.format_type(r.rngsubtype, null),
                    case when o.opcdefault then ''
                        else pg_catalog.format(', subtype_opclass = %I.%I', n.nspname, o.opcname)
                    end,
                    case when r.rngcollation not in (0, b.typcollation)
                        then ', collation = ' || r.rngcollation::pg_catalog.regcollation
                        else ''
                    end,
                    case when r.rngsubdiff <> 0 then ', subtype_diff = ' || r.rngsubdiff else '' end
                )
                from pg_catalog.pg_range as r
                join pg_catalog.pg_opclass as o
                    on o.oid = r.rngsubopc
                join pg_catalog.pg_namespace as n
                    on n.oid = o.opcnamespace
                join pg_catalog.pg_type as b
                    on b.oid = r.rngsubtype
                where r.rngtypid = t.oid
            )
            else pg_catalog.format(
                'create domain %s as %s%s%s%s%s',
                q.name,
                pg_catalog.format_type(t.typbasetype, t.typtypmod),
                case when t.typcollation not in (0, (
                    select b.typcollation
                    from pg_catalog.pg_type as b
                    where b.oid = t.typbasetype
                )) then ' collate ' || t.typcollation::pg_catalog.regcollation else '' end,
                ' default ' || pg_catalog.pg_get_expr(t.typdefaultbin, 0),
                case when t.typnotnull then ' not null' else '' end,
                (
                    select pg_catalog.string_agg(pg_catalog.format(
                        ' constraint %I %s', k.conname, pg_catalog.pg_get_constraintdef(k.oid)
                    ), '' order by k.conname)
                    from pg_catalog.pg_constraint as k
                    where k.contypid = t.oid and k.contype = 'c'
                )
            )
        end as ddl
    from pg_catalog.pg_type as t
    join pg_catalog.pg_namespace as n
        on n.oid = t.typnamespace
    left join pg_catalog.pg_class as c
        on c.oid = t.typrelid
    cross join lateral (
        select pg_catalog.format('%I.%I', n.nspname, t.typname)
    ) as q (name)
    where t.typtype in ('e', 'c', 'r', 'd')
        and (t.typtype <> 'c' or c.relkind = 'c')
        and n.nspname <> 'information_schema'
        and n.nspname !~ '^pg_'
        and n.nspname <> 'mcp_shadow'
        and not exists (
            select
            from pg_catalog.pg_depend as d
            where d.deptype = 'e'
                and d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
                and d.objid = t.oid
        )
) as y
order by y.oid
