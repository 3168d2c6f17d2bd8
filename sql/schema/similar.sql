-- What somebody may have meant who asked for an object ($2) in a schema ($1) that is not there:
-- the same name in other letters, of another kind, or in another schema. Up to five, the likeliest
-- first, as kind and quoted name.
select s.meant
from (
    select
        pg_catalog.format(
            '%s %I.%I',
            case
                when c.relkind in ('r', 'p', 'f') then 'table'
                when c.relkind = 'v' then 'view'
                when c.relkind = 'm' then 'materialized view'
                when c.relkind = 'S' then 'sequence'
                else 'index'
            end,
            n.nspname, c.relname
        ) as meant,
        n.nspname,
        c.relname as name
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace
    where pg_catalog.lower(c.relname) = pg_catalog.lower($2)
        and c.relkind in ('r', 'p', 'f', 'v', 'm', 'S', 'i', 'I')

    union all

    select pg_catalog.format('function %I.%I', n.nspname, f.proname), n.nspname, f.proname
    from pg_catalog.pg_proc as f
    join pg_catalog.pg_namespace as n
        on n.oid = f.pronamespace
    where pg_catalog.lower(f.proname) = pg_catalog.lower($2)

    union all

    select pg_catalog.format('type %I.%I', n.nspname, t.typname), n.nspname, t.typname
    from pg_catalog.pg_type as t
    join pg_catalog.pg_namespace as n
        on n.oid = t.typnamespace
    where pg_catalog.lower(t.typname) = pg_catalog.lower($2)
        and not exists (
            select from pg_catalog.pg_class as c where c.oid = t.typrelid and c.relkind <> 'c'
        )

    union all

    select pg_catalog.format('extension %I', e.extname), null, e.extname
    from pg_catalog.pg_extension as e
    where pg_catalog.lower(e.extname) = pg_catalog.lower($2)
) as s
where s.nspname is null or s.nspname !~ '^pg_(toast|temp)'
group by s.meant, s.nspname, s.name
order by s.nspname is distinct from $1, s.name <> $2, s.meant
limit 5
