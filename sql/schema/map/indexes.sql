-- The indexes by which rows of the user's tables are found or known to be single: valid ones of
-- the whole table, btree and hash. An expression is column 0. Needs no privilege beyond reading
-- the catalog.
select
    i.indrelid::bigint as table_oid,
    array(
        select u.attnum
        from pg_catalog.unnest(i.indkey) with ordinality as u (attnum, n)
        where u.n <= i.indnkeyatts
        order by u.n
    ) as columns,
    i.indisunique and i.indimmediate and not 0 = any (i.indkey) as is_unique,
    i.indisprimary as is_primary
from pg_catalog.pg_index as i
join pg_catalog.pg_class as x
    on x.oid = i.indexrelid
join pg_catalog.pg_am as m
    on m.oid = x.relam
join pg_catalog.pg_namespace as n
    on n.oid = x.relnamespace
where i.indisvalid
    and i.indpred is null
    and m.amname in ('btree', 'hash')
    and n.nspname !~ '^pg_'
order by i.indrelid, i.indisprimary desc, i.indexrelid
