-- The memory of advice. Written by mcp_advise_indexes and mcp_advise_report where
-- mcp_advisor.remember is on and the transaction may write, by mcp_advice_mute and mcp_advice_unmute,
-- and by mcp_advice_observe. Rows are dumped and restored with the database.

create table @extschema@.mcp_advice (
    id text primary key,
    -- Null of what was muted before it was ever remembered.
    ddl text,
    -- What follows ON in the definition, as pg_get_indexdef prints it.
    definition text,
    table_schema name,
    table_name name,
    size_bytes bigint,
    confidence text,
    first_seen timestamptz,
    last_seen timestamptz,
    times_seen bigint not null default 0,
    muted_at timestamptz,
    muted_by name,
    mute_reason text,
    -- When the index was first noticed to exist, whatever its name.
    applied_at timestamptz
);

-- The recorded statements that advice promises to improve, with their counters when it was last
-- given and when it was noticed to be applied.
create table @extschema@.mcp_advice_statement (
    id text not null,
    queryid bigint not null,
    -- In planner units.
    cost_before double precision not null,
    cost_after double precision not null,
    seen_at timestamptz not null,
    seen_calls bigint,
    seen_ms double precision,
    seen_blocks bigint,
    applied_at timestamptz,
    applied_calls bigint,
    applied_ms double precision,
    applied_blocks bigint,
    primary key (id, queryid)
);

select pg_catalog.pg_extension_config_dump('@extschema@.mcp_advice', '');
select pg_catalog.pg_extension_config_dump('@extschema@.mcp_advice_statement', '');

-- The indexes that exist and are what was advised. Storage parameters and tablespace do not count.
create view @extschema@.mcp_advice_index as
select
    a.id,
    i.indexrelid as index
from @extschema@.mcp_advice as a
inner join pg_catalog.pg_namespace as n
    on n.nspname = a.table_schema
inner join pg_catalog.pg_class as t
    on t.relnamespace = n.oid
    and t.relname = a.table_name
inner join pg_catalog.pg_index as i
    on i.indrelid = t.oid
    and i.indisvalid
inner join pg_catalog.pg_class as c
    on c.oid = i.indexrelid
cross join lateral (
    select pg_catalog.substr(
        pg_catalog.pg_get_indexdef(c.oid),
        pg_catalog.length(
            case when i.indisunique then 'CREATE UNIQUE INDEX ' else 'CREATE INDEX ' end
            || pg_catalog.quote_ident(c.relname) || ' ON '
        ) + 1
    )
) as whole (text)
cross join lateral (
    select case
        when pg_catalog.starts_with(whole.text, 'ONLY ') then pg_catalog.substr(whole.text, 6)
        else whole.text
    end
) as d (text)
where
    d.text = a.definition
    or pg_catalog.starts_with(d.text, a.definition || ' WITH (')
    or pg_catalog.starts_with(d.text, a.definition || ' TABLESPACE ');

create view @extschema@.mcp_advice_history as
with sides as (
    select
        s.id,
        s.cost_before,
        s.cost_after,
        s.seen_calls,
        s.seen_ms,
        s.seen_blocks,
        r.was_reset,
        c.calls - case when r.was_reset then 0 else s.applied_calls end as calls,
        c.exec_ms - case when r.was_reset then 0 else s.applied_ms end as ms,
        c.blocks - case when r.was_reset then 0 else s.applied_blocks end as blocks
    from @extschema@.mcp_advice_statement as s
    left join @extschema@.mcp_statement_counters() as c
        on c.queryid = s.queryid
        and s.applied_at is not null
    cross join lateral (
        -- What the counters say began after the index was noticed: then all of it counts.
        select coalesce(
            c.counted_since > s.applied_at or c.calls < s.applied_calls
            or c.exec_ms < s.applied_ms or c.blocks < s.applied_blocks,
            false
        )
    ) as r (was_reset)
),

statements as (
    select
        s.*,
        -- With fewer calls a mean says little.
        coalesce(s.seen_calls >= 5 and s.calls >= 5, false) as is_measured,
        s.seen_ms / nullif(s.seen_calls, 0) as ms_before,
        s.seen_blocks::double precision / nullif(s.seen_calls, 0) as blocks_before,
        s.cost_after / nullif(s.cost_before, 0) as promised
    from sides as s
),

effects as (
    select
        s.id,
        pg_catalog.count(*) as statements,
        pg_catalog.count(*) filter (where s.is_measured) as measured,
        pg_catalog.bool_or(s.was_reset) as was_reset,
        1 - pg_catalog.sum(s.seen_ms * s.promised) / nullif(pg_catalog.sum(s.seen_ms), 0)
            as promised_of_all,
        1 - pg_catalog.sum(s.ms_before * s.calls * s.promised) filter (where s.is_measured)
        / nullif(pg_catalog.sum(s.ms_before * s.calls) filter (where s.is_measured), 0) as promised,
        1 - pg_catalog.sum(s.ms) filter (where s.is_measured)
        / nullif(pg_catalog.sum(s.ms_before * s.calls) filter (where s.is_measured), 0) as gain,
        1 - pg_catalog.sum(s.blocks) filter (where s.is_measured)
        / nullif(pg_catalog.sum(s.blocks_before * s.calls) filter (where s.is_measured), 0) as blocks_gain,
        pg_catalog.sum(s.ms_before * s.calls) filter (where s.is_measured)
        / nullif(pg_catalog.sum(s.calls) filter (where s.is_measured), 0) as ms_before,
        pg_catalog.sum(s.ms) filter (where s.is_measured)
        / nullif(pg_catalog.sum(s.calls) filter (where s.is_measured), 0) as ms_after
    from statements as s
    group by s.id
),

indexes as (
    select
        x.id,
        pg_catalog.min(x.index::pg_catalog.regclass::text) as name
    from @extschema@.mcp_advice_index as x
    group by x.id
)

select
    a.id,
    case
        when x.id is not null then 'applied'
        when a.muted_at is not null then 'muted'
        when a.applied_at is not null then 'dropped'
        else 'advised'
    end as status,
    pg_catalog.quote_ident(a.table_schema) || '.' || pg_catalog.quote_ident(a.table_name) as relation,
    a.ddl,
    x.name as index,
    a.size_bytes,
    a.confidence,
    a.first_seen,
    a.last_seen,
    a.times_seen,
    a.muted_at,
    a.muted_by,
    a.mute_reason,
    a.applied_at,
    coalesce(e.statements, 0) as statements,
    coalesce(e.measured, 0) as statements_measured,
    coalesce(e.promised, e.promised_of_all) as promised_gain,
    e.gain as measured_gain,
    e.blocks_gain as measured_blocks_gain,
    e.ms_before as mean_ms_before,
    e.ms_after as mean_ms_after,
    nullif(pg_catalog.concat_ws(
        '; ',
        case when x.id is not null and a.applied_at is null
            then 'not noticed yet: mcp_advice_observe() begins to measure' end,
        case when a.applied_at is not null and e.id is null
            then 'given for a list of statements: nothing is recorded of it' end,
        case when a.applied_at is not null and e.measured < e.statements
            then pg_catalog.format(
                '%s of %s statements have fewer than 5 calls before or since', e.statements - e.measured, e.statements
            ) end,
        case when a.applied_at is not null and e.was_reset
            then 'counters were reset since: only what came after is counted' end
    ), '') as note
from @extschema@.mcp_advice as a
left join effects as e
    on e.id = a.id
left join indexes as x
    on x.id = a.id;

-- What is muted concerns everybody who asks for advice; times of statements do not.
grant select (id, ddl, table_schema, table_name, muted_at, muted_by, mute_reason)
on @extschema@.mcp_advice to public;
grant select on @extschema@.mcp_advice, @extschema@.mcp_advice_statement,
    @extschema@.mcp_advice_index, @extschema@.mcp_advice_history to pg_monitor;
