-- Which table of the user's inherits from which, or is a partition of it, inheritance first.
-- $1: schema of either, NULL for all. Needs no privilege beyond reading the catalog.
select
    case when c.relispartition then 'partition' else 'inheritance' end as kind,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as from_table,
    pg_catalog.format('%I.%I', m.nspname, p.relname) as to_table
from pg_catalog.pg_inherits as i
join pg_catalog.pg_class as c
    on c.oid = i.inhrelid
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
join pg_catalog.pg_class as p
    on p.oid = i.inhparent
join pg_catalog.pg_namespace as m
    on m.oid = p.relnamespace
where c.relkind in ('r', 'p', 'f')
    and n.nspname !~ '^pg_'
    and ($1 is null or $1 in (n.nspname, m.nspname))
order by c.relispartition, m.nspname, p.relname, i.inhseqno, n.nspname, c.relname
