-- The columns of relation $1 (oid).
select
    a.attname::text,
    a.attnum
from pg_catalog.pg_attribute as a
where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped
