-- Notices advised indexes that exist by now, and keeps the counters of their statements as they are.
-- {schema}: the extension's.
with found as (
    select distinct a.id
    from {schema}.mcp_advice as a
    inner join {schema}.mcp_advice_index as x
        on x.id = a.id
    where a.applied_at is null
),

advice as (
    update {schema}.mcp_advice as a
    set applied_at = pg_catalog.clock_timestamp()
    from found as f
    where a.id = f.id
),

statements as (
    update {schema}.mcp_advice_statement as s
    set
        applied_at = pg_catalog.clock_timestamp(),
        applied_calls = coalesce(c.calls, 0),
        applied_ms = coalesce(c.exec_ms, 0),
        applied_blocks = coalesce(c.blocks, 0)
    from found as f
    inner join {schema}.mcp_advice_statement as o
        on o.id = f.id
    left join {schema}.mcp_statement_counters() as c
        on c.queryid = o.queryid
    where s.id = o.id
        and s.queryid = o.queryid
)

select pg_catalog.count(*) from found
