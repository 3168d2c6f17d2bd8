-- select that follows own.sql: what is in the database. first: one of its own relations; with_pages:
-- one that is not empty; imported: whether an import left its mark.
select
    (
        select t.qualified
        from own_table as t
        order by t.kind <> 'r', t.oid
        limit 1
    ) as first,
    (
        select t.qualified
        from own_table as t
        where t.kind in ('r', 'm') and pg_catalog.pg_relation_size(t.oid) > 0
        order by t.oid
        limit 1
    ) as with_pages,
    exists (
        select
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n
            on n.oid = c.relnamespace
        where n.nspname = 'mcp_shadow' and c.relname = 'source'
    ) as imported
