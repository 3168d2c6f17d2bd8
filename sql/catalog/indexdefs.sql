-- The definitions of the valid indexes of the given tables ($1, oid[]), as one jsonb object: table
-- oid to an array of CREATE INDEX statements.
--
-- Needs no privilege beyond reading the system catalogs.
select coalesce(pg_catalog.jsonb_object_agg(t.oid::bigint, t.definitions), '{}'::pg_catalog.jsonb)
from (
    select
        i.indrelid as oid,
        pg_catalog.jsonb_agg(
            pg_catalog.pg_get_indexdef(i.indexrelid)
            order by i.indexrelid
        ) as definitions
    from pg_catalog.pg_index as i
    where i.indrelid = any ($1) and i.indisvalid
    group by i.indrelid
) as t
