-- Whether what an import keeps is here: plain tables with columns of the system's own types, nothing
-- in which reading would run anybody's code.
select pg_catalog.count(*) = 2
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n
    on n.oid = c.relnamespace
where n.nspname = 'mcp_shadow'
    and c.relname in ('statement', 'activity')
    and c.relkind = 'r'
    and not c.relhasrules
    and not c.relhassubclass
    and not c.relrowsecurity
    and not exists (
        select
        from pg_catalog.pg_attribute as a
        where a.attrelid = c.oid
            and a.attnum > 0
            and (a.atttypid >= 16384 or a.attgenerated <> '')
    )
