-- Whether statements are recorded for this database to read: one row.
--
-- schema, version: of the extension pg_stat_statements, null where it was not created. loaded:
-- whether the server has loaded its library; pg_settings does not list what only a configuration
-- file sets, as current_setting() does.
select
    (
        select n.nspname::text
        from pg_catalog.pg_extension as e
        join pg_catalog.pg_namespace as n
            on n.oid = e.extnamespace
        where e.extname = 'pg_stat_statements'
    ) as schema,
    (
        select e.extversion
        from pg_catalog.pg_extension as e
        where e.extname = 'pg_stat_statements'
    ) as version,
    exists (
        select
        from pg_catalog.pg_settings as s
        where s.name = 'pg_stat_statements.max'
    ) as loaded
