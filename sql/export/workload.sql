-- The workload of this database in pg_stat_statements, dearest first, with the search path that the
-- role of each statement begins with. Texts are those that the caller may see; statements of the
-- bridge, which bear its mark, are left out.
select
    s.queryid,
    s.query,
    s.calls,
    s.total_exec_time as total_ms,
    s.rows,
    (
        select pg_catalog.substr(c.setting, pg_catalog.length('search_path=') + 1)
        from pg_catalog.pg_db_role_setting as r
        cross join lateral pg_catalog.unnest(r.setconfig) as c (setting)
        where r.setrole in (s.userid, 0)
            and r.setdatabase in (0, s.dbid)
            and c.setting like 'search\_path=%'
        order by r.setrole = 0, r.setdatabase = 0
        limit 1
    ) as search_path
from {schema}.pg_stat_statements as s
where s.dbid = (
        select d.oid
        from pg_catalog.pg_database as d
        where d.datname = pg_catalog.current_database()
    )
    and {toplevel}
    and s.query <> '<insufficient privilege>'
    and pg_catalog.strpos(s.query, '{mark}') = 0
order by s.total_exec_time desc, s.queryid, s.userid
limit 10000
