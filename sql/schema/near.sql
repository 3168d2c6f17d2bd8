-- The schemas of the user, for somebody who asked for one ($1) that is not there: up to twenty,
-- the same name in other letters first. No row when the schema is there.
select n.nspname::text as name
from pg_catalog.pg_namespace as n
where n.nspname !~ '^pg_'
    and n.nspname <> 'information_schema'
    and not exists (select from pg_catalog.pg_namespace as m where m.nspname = $1)
order by pg_catalog.lower(n.nspname) <> pg_catalog.lower($1), n.nspname
limit 20
