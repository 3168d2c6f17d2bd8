-- The tables that inherit from the tables $1 (oid[]), directly or not: one row each, the ancestor's
-- and the descendant's oid. Partitions are not among them: a partitioned table's index has its own
-- on each of them.
with recursive descendant as (
    select
        i.inhparent as ancestor,
        i.inhrelid as relation
    from pg_catalog.pg_inherits as i
    join pg_catalog.pg_class as c
        on c.oid = i.inhparent
    where i.inhparent = any ($1) and c.relkind = 'r'

    union

    select
        d.ancestor,
        i.inhrelid
    from descendant as d
    join pg_catalog.pg_inherits as i
        on i.inhparent = d.relation
)

select
    ancestor::bigint,
    relation::bigint
from descendant
order by ancestor, relation
