-- The dearest statements in pg_stat_statements, since it counts them or since a baseline was taken.
--
-- $1: one of the orders in statements.rs. resources: the statements that have more than 5 % of the
-- time, blocks accessed, read or dirtied, or WAL of all, those with the largest share first. io: by
-- the time of reading and writing blocks; by the blocks where no time was measured, as with
-- track_io_timing off. sort_value is what the order goes by, sort_unit says in what. Statements with
-- none of what is asked for are left out, but for the orders by time of execution.
-- $2: most rows; $3: whether of all databases; $4: a baseline, from which on is counted, or null.
-- Times are of execution, in ms; shares are from 0 to 1, of what the statements at top level took
-- together: with pg_stat_statements.track = all, a nested statement's share is also in that of the
-- statement that ran it. Statements of mcp_advisor, hypopg and mcp-bridge themselves are left out,
-- but for those that mcp-bridge ran for a user.
--
-- From a baseline on: a statement that was not in it, that has fewer calls or less time than there,
-- or that was reset since, is counted from zero. What runs in the interval and has not ended counts
-- nothing; what has ended counts all that it took, though it began before. Largest times and
-- deviations of an interval are not known. Statements without an identifier, which are those of
-- others to a role without pg_read_all_stats, cannot be followed and are left out.
--
-- In braces: the schema of pg_stat_statements, quoted; the names of our functions, as alternatives of a
-- regular expression; the rest by its version. Texts of other roles' statements are shown to members
-- of pg_read_all_stats only; others get the placeholder that the view puts there, and no queryid.
with recorded as (
    select
        s.userid,
        s.dbid,
        s.queryid,
        s.query,
        s.min_exec_time,
        s.max_exec_time,
        s.mean_exec_time,
        s.stddev_exec_time,
        {toplevel} as is_toplevel,
        {since} as since,
        {minmax_since} as minmax_since,
        {counters}
    from {schema}.pg_stat_statements as s
    where ($3 or s.dbid = (
            select d.oid
            from pg_catalog.pg_database as d
            where d.datname = pg_catalog.current_database()
        ))
        and ($4::text is null or s.queryid is not null)
        and pg_catalog.strpos(pg_catalog.left(coalesce(s.query, ''), 30), '/* mcp-bridge */') = 0
        -- The cheap test first: texts are long.
        and not coalesce(
            (pg_catalog.strpos(s.query, 'mcp_') > 0 or pg_catalog.strpos(s.query, 'hypopg') > 0)
            and s.query ~ '\m({own}|hypopg\w*)"?\s*\(',
            false
        )
),

before as (
    select b.*
    from pg_catalog.json_to_recordset($4::json -> 'entries') as b (
        userid oid,
        dbid oid,
        queryid bigint,
        is_toplevel boolean,
        since timestamptz,
        {types}
    )
),

counted as (
    select
        r.userid,
        r.dbid,
        r.queryid,
        r.query,
        r.min_exec_time,
        r.max_exec_time,
        r.mean_exec_time,
        r.stddev_exec_time,
        r.is_toplevel,
        r.minmax_since,
        greatest(r.since, (select ($4::json ->> 'at')::timestamptz)) as since,
        {deltas}
    from recorded as r
    left join before as b
        on b.queryid = r.queryid
        and b.userid = r.userid
        and b.dbid = r.dbid
        and b.is_toplevel = r.is_toplevel
        and b.since is not distinct from r.since
        and r.calls >= coalesce(b.calls, 0)
        and r.total_ms >= coalesce(b.total_ms, 0)
),

summed as (
    select
        c.*,
        c.blocks_hit + c.blocks_read as blks_accessed,
        c.io_read_ms + c.io_write_ms as io_ms,
        c.blocks_read + c.blocks_written + c.local_blocks_read + c.local_blocks_written
            + c.temp_blocks_read + c.temp_blocks_written as io_blocks,
        c.temp_blocks_read + c.temp_blocks_written as blocks_temp
    from counted as c
    where $4 is null
        or c.calls > 0
        or c.plans > 0
),

-- Materialized: the planner expects so few rows that it would sum up anew for each.
total as materialized (
    select
        nullif(pg_catalog.sum(c.total_ms), 0) as exec_time,
        nullif(pg_catalog.sum(c.blks_accessed), 0)::double precision as accessed,
        nullif(pg_catalog.sum(c.blocks_read), 0)::double precision as read,
        nullif(pg_catalog.sum(c.blocks_dirtied), 0)::double precision as dirtied,
        nullif(pg_catalog.sum(c.wal_bytes), 0)::double precision as wal,
        coalesce(pg_catalog.sum(c.io_ms), 0) > 0 as io_is_timed
    from summed as c
    where c.is_toplevel
),

shared as (
    select
        c.*,
        t.io_is_timed,
        coalesce(c.total_ms / t.exec_time, 0) as time_share,
        coalesce(c.blks_accessed / t.accessed, 0) as access_share,
        coalesce(c.blocks_read / t.read, 0) as read_share,
        coalesce(c.blocks_dirtied / t.dirtied, 0) as dirtied_share,
        coalesce(c.wal_bytes::double precision / t.wal, 0) as wal_share
    from summed as c
    cross join total as t
),

valued as (
    select
        s.*,
        case when $4 is null then s.mean_exec_time else s.total_ms / nullif(s.calls, 0) end
            as mean_ms,
        case $1
            when 'total_time' then s.total_ms
            when 'mean_time' then
                case when $4 is null then s.mean_exec_time else s.total_ms / nullif(s.calls, 0) end
            when 'io' then case when s.io_is_timed then s.io_ms else s.io_blocks end
            when 'temp' then s.blocks_temp
            when 'wal' then s.wal_bytes
            when 'rows' then s.rows
            when 'calls' then s.calls
            when 'planning_time' then s.planning_ms
            when 'max_time' then s.max_exec_time
            when 'stddev_time' then s.stddev_exec_time
            else
                greatest(
                    s.time_share, s.access_share, s.read_share, s.dirtied_share, s.wal_share
                )
        end::double precision as sort_value
    from shared as s
)

select
    v.queryid,
    pg_catalog.pg_get_userbyid(v.userid)::text as role,
    v.calls,
    v.total_ms,
    v.mean_ms,
    case when $4 is null then v.max_exec_time end as max_ms,
    case when $4 is null then v.stddev_exec_time end as stddev_ms,
    v.rows,
    v.time_share,
    v.access_share,
    v.read_share,
    v.dirtied_share,
    v.wal_share,
    v.blocks_hit,
    v.blocks_read,
    v.blocks_dirtied,
    v.blocks_temp,
    least(v.wal_bytes, 9223372036854775807)::bigint as wal_bytes,
    v.is_toplevel as toplevel,
    v.since as stats_since,
    v.query,
    d.datname::text as database,
    v.plans,
    v.planning_ms,
    v.io_read_ms,
    v.io_write_ms,
    v.temp_blocks_read,
    v.temp_blocks_written,
    v.sort_value,
    case $1
        when 'io' then case when v.io_is_timed then 'ms' else 'blocks' end
        when 'temp' then 'blocks'
        when 'wal' then 'bytes'
        when 'rows' then 'rows'
        when 'calls' then 'calls'
        when 'resources' then 'share'
        else 'ms'
    end as sort_unit,
    -- What is zero, and what this version does not count, is left out.
    pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
        'min_ms', case when $4 is null then nullif(v.min_exec_time, 0) end,
        'minmax_since', case when $4 is null then v.minmax_since end,
        'blocks_written', nullif(v.blocks_written, 0),
        'local_blocks_hit', nullif(v.local_blocks_hit, 0),
        'local_blocks_read', nullif(v.local_blocks_read, 0),
        'local_blocks_dirtied', nullif(v.local_blocks_dirtied, 0),
        'local_blocks_written', nullif(v.local_blocks_written, 0),
        'local_read_ms', nullif(v.local_read_ms, 0),
        'local_write_ms', nullif(v.local_write_ms, 0),
        'temp_read_ms', nullif(v.temp_read_ms, 0),
        'temp_write_ms', nullif(v.temp_write_ms, 0),
        'wal_records', nullif(v.wal_records, 0),
        'wal_full_pages', nullif(v.wal_full_pages, 0),
        'wal_buffers_full', nullif(v.wal_buffers_full, 0),
        'jit_functions', nullif(v.jit_functions, 0),
        'jit_ms', nullif(v.jit_ms, 0),
        'jit_deform_ms', nullif(v.jit_deform_ms, 0),
        'workers_planned', nullif(v.workers_planned, 0),
        'workers_launched', nullif(v.workers_launched, 0)
    )) as details
from valued as v
left join pg_catalog.pg_database as d
    on d.oid = v.dbid
where case
        when $1 = 'resources' then v.sort_value > 0.05
        when $1 in ('total_time', 'mean_time') then true
        else v.sort_value > 0
    end
order by
    v.sort_value desc nulls last,
    v.total_ms desc,
    v.queryid,
    v.userid,
    v.dbid,
    v.is_toplevel
limit $2
