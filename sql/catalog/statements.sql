-- The workload of this database in pg_stat_statements, dearest first.
--
-- $1: fewest calls; $2: lowest mean execution time in ms; $3: how many statements.
-- Needs pg_stat_statements 1.9 or later (PostgreSQL 14). Texts of other roles' statements are shown
-- to members of pg_read_all_stats only; others get the placeholder that the view puts there.
-- {schema} is the extension's schema, quoted.
select
    s.queryid,
    s.userid::bigint,
    s.query,
    s.calls,
    s.total_exec_time,
    s.rows
from {schema}.pg_stat_statements as s
where s.dbid = (
        select d.oid
        from pg_catalog.pg_database as d
        where d.datname = pg_catalog.current_database()
    )
    and s.toplevel
    and s.calls >= $1
    and s.mean_exec_time >= $2
order by s.total_exec_time desc, s.queryid, s.userid
limit $3
