-- The look-ups that foreign keys make in referencing tables when rows of the tables $1 (oid[]) are
-- deleted, as ri_triggers.c writes them: one row each, the referenced table's oid and the statement.
--
-- A row is looked up by the referencing columns, whatever the action; a cascade deletes what it
-- finds. Partitions have constraints of their own for the one that is declared.
select
    con.confrelid::bigint,
    case con.confdeltype
        when 'c' then pg_catalog.format('DELETE FROM ONLY %I.%I WHERE %s', n.nspname, c.relname, k.condition)
        else pg_catalog.format(
            'SELECT 1 FROM ONLY %I.%I WHERE %s FOR KEY SHARE', n.nspname, c.relname, k.condition
        )
    end
from pg_catalog.pg_constraint as con
join pg_catalog.pg_class as c
    on c.oid = con.conrelid
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
cross join lateral (
    select pg_catalog.string_agg(
        pg_catalog.format('%I = $%s', a.attname, key.position), ' AND ' order by key.position
    ) as condition
    from pg_catalog.unnest(con.conkey) with ordinality as key (number, position)
    join pg_catalog.pg_attribute as a
        on a.attrelid = con.conrelid and a.attnum = key.number
) as k
where con.contype = 'f'
    and con.confrelid = any ($1)
    and c.relkind = 'r'
order by con.confrelid, n.nspname, c.relname, con.conname
