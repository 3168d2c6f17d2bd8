-- What is there of what pg_stat_statements needs: one row.
--
-- available: whether its files are on the server. libraries: shared_preload_libraries, null for a
-- role that may not read it. restart_pending: whether the configuration has another list than the
-- one in force, null as before.
select
    pg_catalog.current_database()::text as database,
    exists (
        select
        from pg_catalog.pg_available_extensions as a
        where a.name = 'pg_stat_statements'
    ) as available,
    exists (
        select
        from pg_catalog.pg_extension as e
        where e.extname = 'pg_stat_statements'
    ) as created,
    exists (
        select
        from pg_catalog.pg_settings as s
        where s.name = 'pg_stat_statements.max'
    ) as loaded,
    (
        select s.setting
        from pg_catalog.pg_settings as s
        where s.name = 'shared_preload_libraries'
            and pg_catalog.pg_has_role(current_user, 'pg_read_all_settings', 'usage')
    ) as libraries,
    (
        select s.pending_restart
        from pg_catalog.pg_settings as s
        where s.name = 'shared_preload_libraries'
            and pg_catalog.pg_has_role(current_user, 'pg_read_all_settings', 'usage')
    ) as restart_pending,
    coalesce(pg_catalog.current_setting('compute_query_id', true), 'auto') <> 'off' as identified
