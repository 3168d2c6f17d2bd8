-- The schemas of the database, the user's own first, after sizes.sql.
--
-- tables: tables, partitioned and foreign ones, without partitions; size_bytes: of all tables,
-- partitions and materialized views. The schemas of temporary objects are left out. Needs no
-- privilege beyond reading the catalog.
select
    n.nspname::text as schema_name,
    pg_catalog.pg_get_userbyid(n.nspowner)::text as owner,
    case
        when n.nspname = 'information_schema' then 'System Information Schema'
        when n.nspname ~ '^pg_' then 'System Schema'
        else 'User Schema'
    end as schema_type,
    coalesce(r.tables, 0) as tables,
    coalesce(r.bytes, 0) as size_bytes,
    d.description
from pg_catalog.pg_namespace as n
left join (
    select
        c.relnamespace,
        pg_catalog.count(*) filter (
            where c.relkind in ('r', 'p', 'f') and not c.relispartition
        ) as tables,
        pg_catalog.sum(s.bytes)::bigint as bytes
    from pg_catalog.pg_class as c
    left join size as s
        on s.oid = c.oid
    group by c.relnamespace
) as r
    on r.relnamespace = n.oid
left join pg_catalog.pg_description as d
    on d.objoid = n.oid
    and d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
    and d.objsubid = 0
where n.nspname !~ '^pg_(toast_)?temp_'
order by 3 desc, 1
