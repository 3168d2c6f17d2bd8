-- The names of types: $1 oids, $2 modifiers.
select pg_catalog.format_type(u.type::oid, u.modifier) as name
from rows from (
    pg_catalog.unnest($1::bigint[]), pg_catalog.unnest($2::integer[])
) with ordinality as u (type, modifier, n)
order by u.n
