-- The counters of this database's statements, over all roles. {schema}: that of pg_stat_statements.
-- Of other roles' statements only members of pg_read_all_stats see which they are.
select
    s.queryid,
    pg_catalog.sum(s.calls)::bigint,
    pg_catalog.sum(s.total_exec_time),
    pg_catalog.sum(s.shared_blks_hit + s.shared_blks_read + s.local_blks_hit + s.local_blks_read)::bigint,
    (select i.stats_reset from {schema}.pg_stat_statements_info as i)
from {schema}.pg_stat_statements as s
where s.dbid = (
        select d.oid
        from pg_catalog.pg_database as d
        where d.datname = pg_catalog.current_database()
    )
    and s.toplevel
    and s.queryid is not null
group by s.queryid
