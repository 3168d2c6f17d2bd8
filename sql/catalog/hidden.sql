-- The relations with the given oids ($1, oid[]), in that order: name (null: there is none), whether
-- it is an index, the indexes of partitions that belong to it, and the names of all without schemas.
--
-- Returns one jsonb array. Needs no privilege beyond reading the system catalogs.
select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'oid', given.oid::bigint,
    'name', c.oid::pg_catalog.regclass::text,
    'is_index', coalesce(c.relkind in ('i', 'I'), false),
    'members', (
        select coalesce(pg_catalog.jsonb_agg(p.relid::pg_catalog.oid::bigint), '[]'::pg_catalog.jsonb)
        from pg_catalog.pg_partition_tree(c.oid) as p
        where c.relkind = 'I'
    ),
    'bare_names', (
        select coalesce(pg_catalog.jsonb_agg(m.relname order by m.oid), '[]'::pg_catalog.jsonb)
        from pg_catalog.pg_class as m
        where m.oid = c.oid
            or c.relkind = 'I'
            and m.oid in (select p.relid from pg_catalog.pg_partition_tree(c.oid) as p)
    )
) order by given.place), '[]'::pg_catalog.jsonb)
from pg_catalog.unnest($1) with ordinality as given (oid, place)
left join pg_catalog.pg_class as c
    on c.oid = given.oid
