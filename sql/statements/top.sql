-- The dearest statements of this database in pg_stat_statements.
--
-- $1: order: total_time, mean_time, or resources: the statements that have more than 5 % of the
-- time, blocks accessed, read or dirtied, or WAL of all, those with the largest share first;
-- $2: most rows. Times are those of execution, in ms; shares are from 0 to 1, of what the
-- statements at top level took together: with pg_stat_statements.track = all, a nested statement's
-- share is also in that of the statement that ran it. Statements of mcp_advisor, hypopg and
-- mcp-bridge themselves are left out, but for those that mcp-bridge ran for a user.
--
-- {schema}: schema of pg_stat_statements, quoted; {toplevel} and {since}: expressions, by its
-- version. Texts of other roles' statements are shown to members of pg_read_all_stats only; others
-- get the placeholder that the view puts there, and no queryid.
with recorded as (
    select
        s.*,
        {toplevel} as is_toplevel,
        {since} as since,
        s.shared_blks_hit + s.shared_blks_read as blks_accessed
    from {schema}.pg_stat_statements as s
    where s.dbid = (
            select d.oid
            from pg_catalog.pg_database as d
            where d.datname = pg_catalog.current_database()
        )
        and not pg_catalog.starts_with(coalesce(s.query, ''), '/* mcp-bridge */')
        -- The cheap test first: texts are long.
        and not coalesce(
            (pg_catalog.strpos(s.query, 'mcp_') > 0 or pg_catalog.strpos(s.query, 'hypopg') > 0)
            and s.query ~ (
                '\m(mcp_(advise|explain|guard|health|object|schemas|top_queries|whatif'
                || '|check_read_only)|hypopg)\w*"?\s*\('
            ),
            false
        )
),

total as (
    select
        nullif(pg_catalog.sum(r.total_exec_time), 0) as exec_time,
        nullif(pg_catalog.sum(r.blks_accessed), 0)::double precision as accessed,
        nullif(pg_catalog.sum(r.shared_blks_read), 0)::double precision as read,
        nullif(pg_catalog.sum(r.shared_blks_dirtied), 0)::double precision as dirtied,
        nullif(pg_catalog.sum(r.wal_bytes), 0)::double precision as wal
    from recorded as r
    where r.is_toplevel
),

shared as (
    select
        r.*,
        coalesce(r.total_exec_time / t.exec_time, 0) as time_share,
        coalesce(r.blks_accessed / t.accessed, 0) as access_share,
        coalesce(r.shared_blks_read / t.read, 0) as read_share,
        coalesce(r.shared_blks_dirtied / t.dirtied, 0) as dirtied_share,
        coalesce(r.wal_bytes::double precision / t.wal, 0) as wal_share
    from recorded as r
    cross join total as t
)

select
    s.queryid,
    pg_catalog.pg_get_userbyid(s.userid)::text as role,
    s.calls,
    s.total_exec_time as total_ms,
    s.mean_exec_time as mean_ms,
    s.max_exec_time as max_ms,
    s.stddev_exec_time as stddev_ms,
    s.rows,
    s.time_share,
    s.access_share,
    s.read_share,
    s.dirtied_share,
    s.wal_share,
    s.shared_blks_hit as blocks_hit,
    s.shared_blks_read as blocks_read,
    s.shared_blks_dirtied as blocks_dirtied,
    s.temp_blks_read + s.temp_blks_written as blocks_temp,
    least(s.wal_bytes, 9223372036854775807)::bigint as wal_bytes,
    s.is_toplevel as toplevel,
    s.since as stats_since,
    s.query
from shared as s
where $1 <> 'resources'
    or greatest(s.time_share, s.access_share, s.read_share, s.dirtied_share, s.wal_share) > 0.05
order by
    case $1
        when 'total_time' then s.total_exec_time
        when 'mean_time' then s.mean_exec_time
        else greatest(s.time_share, s.access_share, s.read_share, s.dirtied_share, s.wal_share)
    end desc,
    s.total_exec_time desc,
    s.queryid,
    s.userid,
    s.is_toplevel
limit $2
