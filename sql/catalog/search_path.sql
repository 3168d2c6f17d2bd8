-- The search_path that a role ($1, oid) starts with in this database; null when none is set for it.
-- A setting for the role in this database beats one for the role, and that one for the database.
select (
    select pg_catalog.substr(c.setting, pg_catalog.length('search_path=') + 1)
    from pg_catalog.pg_db_role_setting as s
    cross join lateral pg_catalog.unnest(s.setconfig) as c (setting)
    where s.setrole in ($1, 0)
        and s.setdatabase in (0, (
            select d.oid
            from pg_catalog.pg_database as d
            where d.datname = pg_catalog.current_database()
        ))
        and c.setting like 'search\_path=%'
    order by s.setrole = 0, s.setdatabase = 0
    limit 1
)
