-- Takes note of advice. $1: a JSON array of indexes with their statements. {schema}: the extension's.
with given as (
    select g.*
    from pg_catalog.jsonb_to_recordset($1) as g (
        id text, ddl text, definition text, relation bigint, size_bytes bigint, confidence text,
        statements jsonb
    )
),

advice as (
    insert into {schema}.mcp_advice as a (
        id, ddl, definition, table_schema, table_name, size_bytes, confidence, first_seen,
        last_seen, times_seen
    )
    select
        g.id,
        g.ddl,
        g.definition,
        n.nspname,
        c.relname,
        g.size_bytes,
        g.confidence,
        pg_catalog.clock_timestamp(),
        pg_catalog.clock_timestamp(),
        1
    from given as g
    inner join pg_catalog.pg_class as c
        on c.oid = g.relation::oid
    inner join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace
    on conflict (id) do update set
        ddl = excluded.ddl,
        definition = excluded.definition,
        table_schema = excluded.table_schema,
        table_name = excluded.table_name,
        size_bytes = excluded.size_bytes,
        confidence = excluded.confidence,
        first_seen = coalesce(a.first_seen, excluded.first_seen),
        last_seen = excluded.last_seen,
        times_seen = a.times_seen + 1,
        -- It is advised, so it is not there any more.
        applied_at = null
),

statements as (
    insert into {schema}.mcp_advice_statement (
        id, queryid, cost_before, cost_after, seen_at, seen_calls, seen_ms, seen_blocks
    )
    select
        g.id,
        s.queryid,
        s.before,
        s.after,
        pg_catalog.clock_timestamp(),
        c.calls,
        c.exec_ms,
        c.blocks
    from given as g
    cross join lateral pg_catalog.jsonb_to_recordset(g.statements) as s (
        queryid bigint, before double precision, after double precision
    )
    left join {schema}.mcp_statement_counters() as c
        on c.queryid = s.queryid
    on conflict (id, queryid) do update set
        cost_before = excluded.cost_before,
        cost_after = excluded.cost_after,
        seen_at = excluded.seen_at,
        seen_calls = excluded.seen_calls,
        seen_ms = excluded.seen_ms,
        seen_blocks = excluded.seen_blocks,
        applied_at = null,
        applied_calls = null,
        applied_ms = null,
        applied_blocks = null
)

select pg_catalog.count(*) from given
