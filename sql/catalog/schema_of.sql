-- The one schema, quoted, that has a relation of this name ($1) and that the role ($2, oid) may
-- use; null when there is none or more than one.
select
    case pg_catalog.count(*) when 1 then pg_catalog.min(pg_catalog.quote_ident(n.nspname)) end
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
where c.relname = $1
    and c.relkind in ('r', 'p', 'm', 'v', 'f')
    and n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
    and pg_catalog.has_schema_privilege($2, n.oid, 'USAGE')
