-- The workload that came with the statistics of this shadow database, dearest first.
--
-- $1: fewest calls; $2: lowest mean execution time in ms; $3: how many statements. Statements that
-- were given for the export have neither. They are the code of who imported them: role.
select
    s.queryid,
    s.query,
    s.calls,
    s.total_ms,
    s.rows,
    s.search_path,
    c.relowner::bigint as role
from mcp_shadow.statement as s
join pg_catalog.pg_class as c
    on c.oid = s.tableoid
where (s.calls >= $1 or s.calls is null)
    and (s.total_ms / s.calls >= $2 or s.total_ms is null)
order by s.total_ms desc nulls last, s.place
limit $3
