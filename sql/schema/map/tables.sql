-- The tables between which there may be relationships: ordinary, partitioned and foreign ones of
-- the user's. Partitions are their parent's, but for those that have a foreign key of their own.
--
-- Rows are the last ANALYZE's, of all partitions; NULL when never counted. Ordered by name. Needs
-- no privilege beyond reading the catalog.
with own_key as (
    select distinct u.oid
    from pg_catalog.pg_constraint as k
    cross join lateral (values (k.conrelid), (k.confrelid)) as u (oid)
    where k.contype = 'f' and k.conparentid = 0
)

select
    c.oid::bigint as oid,
    n.nspname::text as schema_name,
    c.relname::text as name,
    case
        when c.relkind = 'p' then (
            with recursive part (oid) as (
                select c.oid
                union all
                select i.inhrelid
                from part as p
                join pg_catalog.pg_inherits as i
                    on i.inhparent = p.oid
            )

            select pg_catalog.sum(l.reltuples)
            from part as p
            join pg_catalog.pg_class as l
                on l.oid = p.oid
            where l.relkind <> 'p' and l.reltuples >= 0
        )
        when c.reltuples >= 0 then c.reltuples
    end::double precision as rows_estimate,
    c.relkind = 'p' as is_partitioned,
    c.relispartition as is_partition
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'f')
    and n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
    and (not c.relispartition or c.oid in (select o.oid from own_key as o))
order by n.nspname, c.relname
