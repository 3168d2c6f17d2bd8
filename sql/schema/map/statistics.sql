-- What pg_stats shows the caller of columns: those that the caller may not read are not there.
-- $1: oids of tables; $2: their columns' numbers. Values are given of integers only.
select
    u.relation as table_oid,
    u.number,
    s.n_distinct::double precision as n_distinct,
    s.null_frac < 1 as has_values,
    case
        when a.atttypid in (20, 21, 23) then
            coalesce(s.most_common_vals::text::bigint[], '{}')
                || coalesce(s.histogram_bounds::text::bigint[], '{}')
        else '{}'
    end as vals
from rows from (
    pg_catalog.unnest($1::bigint[]), pg_catalog.unnest($2::smallint[])
) as u (relation, number)
join pg_catalog.pg_class as c
    on c.oid = u.relation::oid
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
join pg_catalog.pg_attribute as a
    on a.attrelid = c.oid and a.attnum = u.number
join pg_catalog.pg_stats as s
    on s.schemaname = n.nspname
        and s.tablename = c.relname
        and s.attname = a.attname
        and s.inherited = (c.relkind = 'p')
