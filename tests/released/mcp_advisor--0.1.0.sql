CREATE  FUNCTION "mcp_advice_mute"(
	"id" TEXT, /* Option < & str > */
	"reason" TEXT DEFAULT NULL /* Option < & str > */
) RETURNS VOID /* Result < (), ErrorReport > */
VOLATILE PARALLEL UNSAFE
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_advice_mute_wrapper';
CREATE  FUNCTION "mcp_advice_observe"() RETURNS bigint /* Result < i64, ErrorReport > */
STRICT VOLATILE PARALLEL UNSAFE
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_advice_observe_wrapper';
CREATE  FUNCTION "mcp_advice_unmute"(
	"id" TEXT /* Option < & str > */
) RETURNS VOID /* Result < (), ErrorReport > */
VOLATILE PARALLEL UNSAFE
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_advice_unmute_wrapper';
CREATE  FUNCTION "mcp_advise_drops"(
	"queries" TEXT[] DEFAULT NULL, /* :: std :: option :: Option < Vec < Option < String > > > */
	"tolerance" double precision DEFAULT 0.01, /* Option < f64 > */
	"time_limit" interval DEFAULT '30 s', /* Option < Interval > */
	"max_queries" INT DEFAULT 1000, /* Option < i32 > */
	"with_advice" bool DEFAULT false /* Option < bool > */
) RETURNS TABLE (
	"rank" INT,  /* i32 */
	"verdict" TEXT,  /* String */
	"index" regclass,  /* Regclass */
	"relation" regclass,  /* Regclass */
	"reasons" TEXT[],  /* Vec < String > */
	"message" TEXT,  /* String */
	"size_bytes" bigint,  /* i64 */
	"scans" bigint,  /* i64 */
	"rows_written" bigint,  /* i64 */
	"statements" bigint,  /* i64 */
	"needed_by" jsonb,  /* Option < JsonB > */
	"why_not" TEXT,  /* Option < String > */
	"caveats" TEXT[],  /* Vec < String > */
	"ddl" TEXT,  /* Option < String > */
	"undo" TEXT,  /* Option < String > */
	"superseded_by" TEXT  /* Option < String > */
)
VOLATILE PARALLEL UNSAFE
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_advise_drops_wrapper';
CREATE  FUNCTION "mcp_advise_indexes"(
	"queries" TEXT[] DEFAULT NULL, /* :: std :: option :: Option < Vec < Option < String > > > */
	"storage_budget" bigint DEFAULT NULL, /* Option < i64 > */
	"max_columns" INT DEFAULT 3, /* Option < i32 > */
	"min_improvement" double precision DEFAULT 0.10, /* Option < f64 > */
	"pareto_ratio" double precision DEFAULT 2.0, /* Option < f64 > */
	"time_limit" interval DEFAULT '30 s', /* Option < Interval > */
	"max_queries" INT DEFAULT 1000 /* Option < i32 > */
) RETURNS TABLE (
	"rank" INT,  /* i32 */
	"id" TEXT,  /* String */
	"ddl" TEXT,  /* String */
	"relation" regclass,  /* Regclass */
	"method" TEXT,  /* String */
	"columns" TEXT[],  /* Vec < String > */
	"size_bytes" bigint,  /* i64 */
	"cost_before" double precision,  /* f64 */
	"cost_after" double precision,  /* f64 */
	"improvement" double precision,  /* f64 */
	"improved_queries" bigint[],  /* Vec < i64 > */
	"regressed_queries" bigint[],  /* Vec < i64 > */
	"write_overhead" double precision,  /* f64 */
	"breaks_hot" bool,  /* bool */
	"replaces" regclass[],  /* Vec < Regclass > */
	"confidence" TEXT,  /* String */
	"reason" TEXT,  /* String */
	"confidence_detail" jsonb,  /* JsonB */
	"write_cost" double precision,  /* f64 */
	"wal_bytes_per_second" double precision,  /* f64 */
	"hot_updates_lost" double precision  /* f64 */
)
VOLATILE PARALLEL UNSAFE
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_advise_indexes_wrapper';
CREATE  FUNCTION "mcp_advise_report"(
	"queries" TEXT[] DEFAULT NULL, /* :: std :: option :: Option < Vec < Option < String > > > */
	"storage_budget" bigint DEFAULT NULL, /* Option < i64 > */
	"max_columns" INT DEFAULT 3, /* Option < i32 > */
	"min_improvement" double precision DEFAULT 0.10, /* Option < f64 > */
	"pareto_ratio" double precision DEFAULT 2.0, /* Option < f64 > */
	"time_limit" interval DEFAULT '30 s', /* Option < Interval > */
	"max_queries" INT DEFAULT 1000, /* Option < i32 > */
	"plans" bool DEFAULT true /* bool */
) RETURNS jsonb /* Result < JsonB, ErrorReport > */
VOLATILE PARALLEL UNSAFE
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_advise_report_wrapper';
CREATE  FUNCTION "mcp_advise_statistics"(
	"queries" TEXT[] DEFAULT NULL /* :: std :: option :: Option < Vec < Option < String > > > */
) RETURNS TABLE (
	"relation" regclass,  /* Regclass */
	"ddl" TEXT,  /* String */
	"kind" TEXT,  /* String */
	"estimated_rows" double precision,  /* Option < f64 > */
	"sampled_rows" double precision,  /* Option < f64 > */
	"ratio" double precision,  /* Option < f64 > */
	"queries" bigint[],  /* Vec < i64 > */
	"plan_changes" bool,  /* Option < bool > */
	"reason" TEXT  /* String */
)
VOLATILE PARALLEL UNSAFE
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_advise_statistics_wrapper';
CREATE  FUNCTION "mcp_check_read_only"(
	"query" TEXT /* Option < String > */
) RETURNS TABLE (
	"allowed" bool,  /* bool */
	"reason" TEXT,  /* Option < String > */
	"detail" TEXT,  /* Option < String > */
	"hint" TEXT  /* Option < String > */
)
VOLATILE PARALLEL UNSAFE
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_check_read_only_wrapper';
CREATE  FUNCTION "mcp_explain"(
	"query" TEXT DEFAULT NULL, /* Option < String > */
	"hypothetical_indexes" TEXT[] DEFAULT '{}', /* :: std :: option :: Option < Vec < Option < String > > > */
	"hide_indexes" regclass[] DEFAULT '{}', /* :: std :: option :: Option < Vec < Option < Regclass > > > */
	"analyze" bool DEFAULT false, /* Option < bool > */
	"format" TEXT DEFAULT 'text', /* Option < String > */
	"parameters" TEXT[] DEFAULT NULL, /* :: std :: option :: Option < Vec < Option < String > > > */
	"generic_plan" bool DEFAULT false, /* Option < bool > */
	"queryid" bigint DEFAULT NULL, /* Option < i64 > */
	"buffers" bool DEFAULT NULL, /* Option < bool > */
	"wal" bool DEFAULT false, /* Option < bool > */
	"settings" bool DEFAULT false, /* Option < bool > */
	"timing" bool DEFAULT NULL, /* Option < bool > */
	"verbose" bool DEFAULT false /* Option < bool > */
) RETURNS TEXT /* Result < String, ErrorReport > */
VOLATILE PARALLEL UNSAFE
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_explain_wrapper';
CREATE  FUNCTION "mcp_explain_report"(
	"query" TEXT DEFAULT NULL, /* Option < String > */
	"hypothetical_indexes" TEXT[] DEFAULT '{}', /* :: std :: option :: Option < Vec < Option < String > > > */
	"hide_indexes" regclass[] DEFAULT '{}', /* :: std :: option :: Option < Vec < Option < Regclass > > > */
	"analyze" bool DEFAULT false, /* Option < bool > */
	"format" TEXT DEFAULT 'text', /* Option < String > */
	"parameters" TEXT[] DEFAULT NULL, /* :: std :: option :: Option < Vec < Option < String > > > */
	"generic_plan" bool DEFAULT false, /* Option < bool > */
	"queryid" bigint DEFAULT NULL, /* Option < i64 > */
	"buffers" bool DEFAULT NULL, /* Option < bool > */
	"wal" bool DEFAULT false, /* Option < bool > */
	"settings" bool DEFAULT false, /* Option < bool > */
	"timing" bool DEFAULT NULL, /* Option < bool > */
	"verbose" bool DEFAULT false /* Option < bool > */
) RETURNS jsonb /* Result < JsonB, ErrorReport > */
VOLATILE PARALLEL UNSAFE
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_explain_report_wrapper';
CREATE  FUNCTION "mcp_export_statistics"(
	"with_values" bool DEFAULT true, /* Option < bool > */
	"queries" TEXT[] DEFAULT NULL /* :: std :: option :: Option < Vec < Option < String > > > */
) RETURNS jsonb /* Result < JsonB, ErrorReport > */
STABLE PARALLEL RESTRICTED
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_export_statistics_wrapper';
CREATE  FUNCTION "mcp_guard"(
	"statement_time" interval DEFAULT '30 s', /* Option < Interval > */
	"lock_time" interval DEFAULT '1 s', /* Option < Interval > */
	"work_mem" bigint DEFAULT 67108864, /* Option < i64 > */
	"temp_files" bigint DEFAULT 1073741824, /* Option < i64 > */
	"parallel_workers" INT DEFAULT 2, /* Option < i32 > */
	"max_rows" bigint DEFAULT NULL, /* Option < i64 > */
	"max_bytes" bigint DEFAULT NULL, /* Option < i64 > */
	"this_transaction" bool DEFAULT false, /* Option < bool > */
	"memory" bigint DEFAULT 2147483648 /* Option < i64 > */
) RETURNS VOID /* Result < (), ErrorReport > */
VOLATILE PARALLEL UNSAFE
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_guard_wrapper';
CREATE  FUNCTION "mcp_health"(
	"checks" TEXT[] DEFAULT '{all}' /* :: std :: option :: Option < Vec < Option < String > > > */
) RETURNS TABLE (
	"check_name" TEXT,  /* & '_ str */
	"category" TEXT,  /* & '_ str */
	"severity" TEXT,  /* String */
	"object" TEXT,  /* Option < String > */
	"value" double precision,  /* Option < f64 > */
	"unit" TEXT,  /* Option < String > */
	"threshold" TEXT,  /* Option < String > */
	"message" TEXT,  /* String */
	"remediation" TEXT,  /* Option < String > */
	"details" jsonb  /* JsonB */
)
VOLATILE PARALLEL UNSAFE
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_health_wrapper';
CREATE  FUNCTION "mcp_import_statistics"(
	"document" jsonb, /* Option < JsonB > */
	"replace" bool DEFAULT false /* Option < bool > */
) RETURNS jsonb /* Result < JsonB, ErrorReport > */
VOLATILE PARALLEL UNSAFE
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_import_statistics_wrapper';
CREATE  FUNCTION "mcp_index_bloat"(
	"index" regclass, /* Option < Regclass > */
	"sample_pages" INT DEFAULT 200 /* Option < i32 > */
) RETURNS TABLE (
	"pages" bigint,  /* i64 */
	"pages_read" bigint,  /* i64 */
	"waste_percent" double precision,  /* f64 */
	"waste_bytes" bigint,  /* i64 */
	"dead_percent" double precision,  /* f64 */
	"density_percent" double precision,  /* f64 */
	"free_bytes" bigint,  /* i64 */
	"fillfactor" INT,  /* i32 */
	"method" TEXT  /* & '_ str */
)
VOLATILE PARALLEL RESTRICTED
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_index_bloat_wrapper';
CREATE  FUNCTION "mcp_join_path"(
	"from_table" TEXT, /* Option < String > */
	"to_table" TEXT, /* Option < String > */
	"max_paths" INT DEFAULT 3 /* Option < i32 > */
) RETURNS TABLE (
	"path" INT,  /* i32 */
	"hops" INT,  /* i32 */
	"tables" TEXT[],  /* Vec < String > */
	"conditions" TEXT[],  /* Vec < String > */
	"from_clause" TEXT,  /* String */
	"multiplies" bool,  /* bool */
	"declared" bool,  /* bool */
	"notes" TEXT[]  /* Vec < String > */
)
STABLE PARALLEL RESTRICTED
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_join_path_wrapper';
CREATE  FUNCTION "mcp_object"(
	"schema" TEXT, /* Option < String > */
	"name" TEXT, /* Option < String > */
	"kind" TEXT DEFAULT 'table' /* Option < String > */
) RETURNS jsonb /* Result < JsonB, ErrorReport > */
STABLE PARALLEL RESTRICTED
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_object_wrapper';
CREATE  FUNCTION "mcp_objects"(
	"schema" TEXT, /* Option < String > */
	"kind" TEXT DEFAULT 'table' /* Option < String > */
) RETURNS TABLE (
	"schema_name" TEXT,  /* Option < String > */
	"object_type" TEXT,  /* Option < String > */
	"name" TEXT,  /* Option < String > */
	"owner" TEXT,  /* Option < String > */
	"rows_estimate" bigint,  /* Option < i64 > */
	"size_bytes" bigint,  /* Option < i64 > */
	"details" TEXT,  /* Option < String > */
	"description" TEXT  /* Option < String > */
)
STABLE PARALLEL RESTRICTED
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_objects_wrapper';
CREATE  FUNCTION "mcp_plan_findings"(
	"query" TEXT, /* Option < String > */
	"hypothetical_indexes" TEXT[] DEFAULT '{}', /* :: std :: option :: Option < Vec < Option < String > > > */
	"hide_indexes" regclass[] DEFAULT '{}', /* :: std :: option :: Option < Vec < Option < Regclass > > > */
	"analyze" bool DEFAULT false /* Option < bool > */
) RETURNS TABLE (
	"finding" TEXT,  /* String */
	"severity" TEXT,  /* String */
	"node" INT,  /* i32 */
	"place" TEXT,  /* String */
	"message" TEXT,  /* String */
	"evidence" jsonb,  /* JsonB */
	"remedy" TEXT  /* String */
)
VOLATILE PARALLEL UNSAFE
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_plan_findings_wrapper';
CREATE  FUNCTION "mcp_plan_findings_of"(
	"plan" json, /* Option < Json > */
	"query" TEXT DEFAULT '' /* Option < String > */
) RETURNS TABLE (
	"finding" TEXT,  /* String */
	"severity" TEXT,  /* String */
	"node" INT,  /* i32 */
	"place" TEXT,  /* String */
	"message" TEXT,  /* String */
	"evidence" jsonb,  /* JsonB */
	"remedy" TEXT  /* String */
)
VOLATILE PARALLEL RESTRICTED
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_plan_findings_of_wrapper';
CREATE  FUNCTION "mcp_relationships"(
	"schema" TEXT DEFAULT null /* Option < String > */
) RETURNS TABLE (
	"kind" TEXT,  /* String */
	"from_table" TEXT,  /* String */
	"from_columns" TEXT[],  /* :: std :: option :: Option < Vec < String > > */
	"to_table" TEXT,  /* String */
	"to_columns" TEXT[],  /* :: std :: option :: Option < Vec < String > > */
	"constraint_name" TEXT,  /* Option < String > */
	"cardinality" TEXT,  /* Option < String > */
	"optional" bool,  /* Option < bool > */
	"indexed" bool,  /* Option < bool > */
	"self_reference" bool,  /* Option < bool > */
	"on_update" TEXT,  /* Option < String > */
	"on_delete" TEXT,  /* Option < String > */
	"deferrable" TEXT,  /* Option < String > */
	"validated" bool,  /* Option < bool > */
	"evidence" TEXT  /* Option < String > */
)
STABLE PARALLEL RESTRICTED
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_relationships_wrapper';
CREATE  FUNCTION "mcp_running_queries"(
	"all_databases" bool DEFAULT false /* Option < bool > */
) RETURNS TABLE (
	"pid" INT,  /* Option < i32 > */
	"role" TEXT,  /* Option < String > */
	"database" TEXT,  /* Option < String > */
	"application" TEXT,  /* Option < String > */
	"backend_type" TEXT,  /* Option < String > */
	"state" TEXT,  /* Option < String > */
	"waits_for" TEXT,  /* Option < String > */
	"running_ms" double precision,  /* Option < f64 > */
	"transaction_ms" double precision,  /* Option < f64 > */
	"blocked_by" INT[],  /* :: std :: option :: Option < Vec < Option < i32 > > > */
	"workers" bigint,  /* Option < i64 > */
	"query_id" bigint,  /* Option < i64 > */
	"query" TEXT  /* Option < String > */
)
VOLATILE PARALLEL RESTRICTED
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_running_queries_wrapper';
CREATE  FUNCTION "mcp_schema_overview"(
	"schema" TEXT DEFAULT null, /* Option < String > */
	"max_tokens" INT DEFAULT 8000, /* Option < i32 > */
	"after" TEXT DEFAULT null /* Option < String > */
) RETURNS TABLE (
	"overview" TEXT,  /* String */
	"objects" bigint,  /* i64 */
	"remaining" bigint,  /* i64 */
	"next_after" TEXT  /* Option < String > */
)
STABLE PARALLEL RESTRICTED
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_schema_overview_wrapper';
CREATE  FUNCTION "mcp_schemas"() RETURNS TABLE (
	"schema_name" TEXT,  /* Option < String > */
	"owner" TEXT,  /* Option < String > */
	"schema_type" TEXT,  /* Option < String > */
	"tables" bigint,  /* Option < i64 > */
	"size_bytes" bigint,  /* Option < i64 > */
	"description" TEXT  /* Option < String > */
)
STRICT STABLE PARALLEL RESTRICTED
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_schemas_wrapper';
CREATE  FUNCTION "mcp_search_schema"(
	"search" TEXT, /* Option < String > */
	"max_rows" INT DEFAULT 20 /* Option < i32 > */
) RETURNS TABLE (
	"rank" INT,  /* i32 */
	"kind" TEXT,  /* String */
	"schema_name" TEXT,  /* String */
	"object_name" TEXT,  /* String */
	"column_name" TEXT,  /* Option < String > */
	"details" TEXT,  /* Option < String > */
	"matched" TEXT,  /* String */
	"rows_estimate" bigint,  /* Option < i64 > */
	"description" TEXT  /* Option < String > */
)
STABLE PARALLEL RESTRICTED
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_search_schema_wrapper';
CREATE  FUNCTION "mcp_sequence_last_value"(
	"sequence" regclass /* Regclass */
) RETURNS bigint /* Option < i64 > */
STRICT VOLATILE PARALLEL RESTRICTED
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_sequence_last_value_wrapper';
CREATE  FUNCTION "mcp_statement_counters"() RETURNS TABLE (
	"queryid" bigint,  /* i64 */
	"calls" bigint,  /* i64 */
	"exec_ms" double precision,  /* f64 */
	"blocks" bigint,  /* i64 */
	"counted_since" timestamp with time zone  /* Option < TimestampWithTimeZone > */
)
STRICT VOLATILE PARALLEL RESTRICTED
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_statement_counters_wrapper';

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
CREATE  FUNCTION "mcp_statements_info"() RETURNS TABLE (
	"version" TEXT,  /* Option < String > */
	"counted_since" timestamp with time zone,  /* Option < TimestampWithTimeZone > */
	"evictions" bigint,  /* Option < i64 > */
	"entries" bigint,  /* Option < i64 > */
	"max_entries" bigint,  /* Option < i64 > */
	"track" TEXT,  /* Option < String > */
	"track_planning" bool,  /* Option < bool > */
	"track_io_timing" bool  /* Option < bool > */
)
STRICT VOLATILE PARALLEL UNSAFE
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_statements_info_wrapper';
CREATE  FUNCTION "mcp_table_bloat"(
	"table" regclass, /* Option < Regclass > */
	"sample_pages" INT DEFAULT 200 /* Option < i32 > */
) RETURNS TABLE (
	"pages" bigint,  /* i64 */
	"pages_read" bigint,  /* i64 */
	"waste_percent" double precision,  /* f64 */
	"waste_bytes" bigint,  /* i64 */
	"dead_percent" double precision,  /* f64 */
	"density_percent" double precision,  /* f64 */
	"free_bytes" bigint,  /* i64 */
	"fillfactor" INT,  /* i32 */
	"method" TEXT  /* & '_ str */
)
VOLATILE PARALLEL RESTRICTED
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_table_bloat_wrapper';
CREATE  FUNCTION "mcp_top_queries"(
	"sort_by" TEXT DEFAULT 'resources', /* Option < String > */
	"max_rows" INT DEFAULT 10, /* Option < i32 > */
	"all_databases" bool DEFAULT false, /* Option < bool > */
	"delta_seconds" INT DEFAULT NULL /* Option < i32 > */
) RETURNS TABLE (
	"queryid" bigint,  /* Option < i64 > */
	"role" TEXT,  /* Option < String > */
	"calls" bigint,  /* Option < i64 > */
	"total_ms" double precision,  /* Option < f64 > */
	"mean_ms" double precision,  /* Option < f64 > */
	"max_ms" double precision,  /* Option < f64 > */
	"stddev_ms" double precision,  /* Option < f64 > */
	"rows" bigint,  /* Option < i64 > */
	"time_share" double precision,  /* Option < f64 > */
	"access_share" double precision,  /* Option < f64 > */
	"read_share" double precision,  /* Option < f64 > */
	"dirtied_share" double precision,  /* Option < f64 > */
	"wal_share" double precision,  /* Option < f64 > */
	"blocks_hit" bigint,  /* Option < i64 > */
	"blocks_read" bigint,  /* Option < i64 > */
	"blocks_dirtied" bigint,  /* Option < i64 > */
	"blocks_temp" bigint,  /* Option < i64 > */
	"wal_bytes" bigint,  /* Option < i64 > */
	"toplevel" bool,  /* Option < bool > */
	"stats_since" timestamp with time zone,  /* Option < TimestampWithTimeZone > */
	"query" TEXT,  /* Option < String > */
	"database" TEXT,  /* Option < String > */
	"plans" bigint,  /* Option < i64 > */
	"planning_ms" double precision,  /* Option < f64 > */
	"io_read_ms" double precision,  /* Option < f64 > */
	"io_write_ms" double precision,  /* Option < f64 > */
	"temp_blocks_read" bigint,  /* Option < i64 > */
	"temp_blocks_written" bigint,  /* Option < i64 > */
	"sort_value" double precision,  /* Option < f64 > */
	"sort_unit" TEXT,  /* Option < String > */
	"details" jsonb  /* Option < JsonB > */
)
VOLATILE PARALLEL UNSAFE
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_top_queries_wrapper';
CREATE  FUNCTION "mcp_whatif_benchmark"(
	"queries" TEXT[], /* Vec < Option < String > > */
	"max_candidates" INT DEFAULT 8, /* i32 */
	"repeats" INT DEFAULT 10 /* i32 */
) RETURNS TABLE (
	"query_id" bigint,  /* i64 */
	"indexes" TEXT[],  /* Vec < String > */
	"cost" double precision,  /* f64 */
	"calls" bigint,  /* i64 */
	"plan_us" double precision  /* f64 */
)
STRICT VOLATILE PARALLEL UNSAFE
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_whatif_benchmark_wrapper';
CREATE  FUNCTION "mcp_whatif_indexes"(
	"indexes" TEXT[], /* :: std :: option :: Option < Vec < Option < String > > > */
	"queries" TEXT[] DEFAULT NULL /* :: std :: option :: Option < Vec < Option < String > > > */
) RETURNS jsonb /* Result < JsonB, ErrorReport > */
VOLATILE PARALLEL UNSAFE
LANGUAGE c /* Rust */
AS 'MODULE_PATHNAME', 'mcp_whatif_indexes_wrapper';
-- finalize
-- What \df+ shows. pgrx does not turn the doc comments of functions into COMMENT ON.
comment on function mcp_advise_indexes(
    text[], bigint, integer, double precision, double precision, interval, integer
) is
'Indexes worth building, best first. queries: statements to advise on, NULL for the workload of this database in pg_stat_statements. storage_budget: bytes for all new indexes, less those that they replace, NULL for no limit. max_columns: key columns per index. min_improvement: share of the workload''s cost that each index must cut. pareto_ratio: log10 of speed-up asked per log10 of space, 0 for speed alone. time_limit: the best found by then is returned. max_queries: statements taken from pg_stat_statements. Costs are planner units for given statements and milliseconds of recorded execution time for pg_stat_statements; cost_before and cost_after are those of the whole workload, cumulative by rank, with the cost of keeping the indexes up to date (write_cost; mcp_advisor.write_weight). replaces: existing indexes that can go then. wal_bytes_per_second: WAL that the index adds. hot_updates_lost: share of the table''s updates that are no longer heap-only. Nothing is built and nothing of the session changes.';
comment on function mcp_advise_report(
    text[], bigint, integer, double precision, double precision, interval, integer, boolean
) is
'Everything that mcp_advise_indexes finds out, as one document: the indexes, cost and plan of each statement before and after, statements left out and why, the rounds of the search, the Pareto front of size and cost, planner calls made and saved, time. plans: whether to show plans.';
comment on function mcp_advise_drops(text[], double precision, interval, integer, boolean) is
'Indexes that can go. Named are those that the checks duplicate_index, redundant_index and unused_index of mcp_health find (reasons), never one that backs a constraint, is the replica identity or clusters the table. All are hidden at once from the planner, and the workload (queries, or what pg_stat_statements recorded, at most max_queries) is planned again: verdict is drop when no statement gets dearer by more than tolerance (0.01 = 1 %), keep when one does (needed_by: the statement, its cost and that without the index), unproven when some could not be planned, or its duplicate goes (why_not), superseded when none needs it once the index of superseded_by is there (only with_advice, which runs the advisor, too). Of several that can stand in for each other one is kept. statements: how many read the table and do not need it. size_bytes, scans, rows_written: of the index with its partitions, and of the table, since statistics began. caveats: what such a proof cannot see. ddl drops the index, undo makes it again. A NOTICE says which kinds could not be judged.';
comment on function mcp_export_statistics(boolean, text[]) is
'This database as the planner sees it, as one document for mcp_import_statistics: settings, definitions of schemas, types, tables, indexes, constraints, views and what those need, sizes, statistics and the workload. No row of a table is read. with_values: whether values that occur in rows are in it, as pg_stats shows them to the caller: most common values, bounds of histograms. queries: the workload, NULL for what pg_stat_statements recorded in this database as far as the caller may see it, an empty array for none.';
comment on function mcp_import_statistics(jsonb, boolean) is
'Makes the objects of a document of mcp_export_statistics in this database, which must have none of its own, without rows but with the statistics and sizes of the original, and switches mcp_advisor.shadow on for it: plans are then those of the original, and the advisor takes its workload. replace: drops an earlier import first, if nobody has put rows into it. For the owner of the database. All or nothing. What was left out, and differences between the servers by which plans may differ, are in the answer. Expressions and functions of the document are code and run with the rights of who plans with them.';
comment on function mcp_whatif_benchmark(text[], integer, integer) is
'How fast what-if planning is on this server: each statement is planned in process with its first 0, 1, 2, 4, … candidate indexes (at most max_candidates), repeats times each. plan_us: mean microseconds of one planner call.';
comment on function mcp_explain(text, text[], regclass[], boolean, text, text[], boolean, bigint, boolean, boolean, boolean, boolean, boolean) is
'The plan of one statement. query: SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES or TABLE. Or queryid: that of pg_stat_statements, whose text is taken as the caller may see it. Parameters $1, $2, … get typical values from the statistics of the columns that they are compared with; parameters: values for all of them instead, as the types of the parameters read them; generic_plan: none, the plan is one for any values. hypothetical_indexes: CREATE INDEX statements (b-tree on plain columns, with INCLUDE) for indexes that the plan may use as if they were built. hide_indexes: existing indexes that it may not use. With either, the text begins with the cost before and after and the indexes used, and ends with what changed and the plan before. analyze: execute the statement, which must only read, and show times, rows and buffers; not together with other indexes. format: text, json, xml, yaml, or compact (a line a node with what matters, for readers that pay for each word). buffers, wal, settings, timing, verbose: the options of EXPLAIN; buffers and timing are on with analyze. Nothing is built, what is executed is rolled back, and nothing of the session changes.';
comment on function mcp_explain_report(text, text[], regclass[], boolean, text, text[], boolean, bigint, boolean, boolean, boolean, boolean, boolean) is
'Everything about the plan of one statement, which is planned, and executed with analyze, once. Arguments as for mcp_explain. query: the text. plan: what mcp_explain answers; compact: a line a node. findings: as of mcp_plan_findings. cost: before and after, the same without other indexes. indexes: used, not_used and hidden. planning_ms, execution_ms: with analyze. With other indexes also before: the plan without them, plan and compact; and difference: same_plan, times_cheaper, changes (change, place, before, after, cost_before, cost_after, index, reason), and text, which says them in words.';
comment on function mcp_plan_findings(text, text[], regclass[], boolean) is
'What the plan of a statement shows that is worth a person''s time: misestimates and where they start, scans that throw most rows away, sorts and hashes on disk with the work_mem that would do, stale statistics, repeated sub-plans, conditions that hide an index, and more. Arguments as for mcp_explain; most needs analyze. finding: what was found. severity: warning or info. node: its number in the order of EXPLAIN, as in the format compact; place: the node. message, evidence: in words and in figures. remedy: what to do.';
comment on function mcp_plan_findings_of(json, text) is
'As mcp_plan_findings, of a plan that was made before. plan: the output of EXPLAIN (FORMAT JSON), best with ANALYZE and VERBOSE, or that of auto_explain. query: the statement, for what only its text shows (NOT IN).';
comment on function mcp_whatif_indexes(text[], text[]) is
'What the workload costs with exactly these indexes, as one document in the form of mcp_advise_report: nothing is searched. indexes: CREATE INDEX statements (b-tree on plain columns, with INCLUDE), may be empty. queries: the statements, NULL for the workload of this database in pg_stat_statements. The document also describes the tables: rows, columns, existing indexes.';
comment on function mcp_schemas() is
'The schemas of the database, the user''s own first. tables: tables, partitioned and foreign ones, without partitions. size_bytes: of all tables, partitions and materialized views, with indexes and TOAST.';
comment on function mcp_objects(text, text) is
'The objects of one kind in a schema, by name. kind: table, view, sequence, extension, materialized view, partition, function, type or index; extensions are listed whatever their schema. size_bytes: with indexes and TOAST, of all partitions.';
comment on function mcp_object(text, text, text) is
'One object with everything that the catalog knows of it. name: without quotes, letter by letter; of a function also with the types of its arguments, as in area(integer, text). kind: as for mcp_objects; table, view, materialized view and partition find any of these.';
comment on function mcp_top_queries(text, integer, boolean, integer) is
'The dearest statements in pg_stat_statements. sort_by: resources for those with more than 5 % of the time, blocks or WAL of all, the largest share first; total_time, mean_time, max_time or stddev_time of execution; io: by the time of reading and writing blocks, or by the blocks where none was measured; temp: by temporary blocks; wal: by bytes; rows; calls; planning_time. sort_value is what the order goes by, sort_unit in what. all_databases: of all, not of this one. delta_seconds: counts only what ends in that time from now on; the call waits for it, holding nothing but its snapshot. A statement that was reset or thrown out meanwhile counts from zero, and one that is not recorded at the end is not shown. Times are in milliseconds; shares are from 0 to 1, of what all took. stats_since: since when the row counts. details: what else this version of pg_stat_statements counts, without what is zero. Statements of mcp_advisor, mcp-bridge and hypopg are left out.';
comment on function mcp_health(text[]) is
'What is wrong with the database, worst first. checks: all, or names of categories (index, connection, vacuum, sequence, replication, buffer, constraint) or of checks. severity: critical, warning, info or ok; a check that finds nothing has one row that is ok, one that cannot run has a row that says why. remediation: SQL that mends it.';
comment on function mcp_index_bloat(regclass, integer) is
'How much of a b-tree index is empty. sample_pages: how many of its pages are read, all if there are no more; the same ones at every call. waste_percent, waste_bytes: pages that what is alive does not need at the index''s own fill factor. dead_percent: entries that are marked dead, of all. density_percent: how full leaf pages are. method: exact if all pages were read, else sampled. It never waits for a lock: an index that is locked is an error (55P03). For the owner and for members of pg_stat_scan_tables, as pg_monitor is.';
comment on function mcp_table_bloat(regclass, integer) is
'How much of a table, materialized view or TOAST table is empty. sample_pages: how many of its pages are read, all if there are no more; the same ones at every call. waste_percent, waste_bytes: pages that the rows that are alive do not need at the table''s own fill factor. dead_percent: rows that are deleted and not removed, of all. density_percent: how full pages are with live rows. method: exact if all pages were read, else sampled. It never waits for a lock: a table that is locked is an error (55P03). For the owner and for members of pg_stat_scan_tables, as pg_monitor is.';
comment on function mcp_sequence_last_value(regclass) is
'The last value that a sequence has given, as pg_sequence_last_value, under a lock that is only taken when it is free. NULL when no value was given yet, when the sequence is locked or temporary, and without USAGE or SELECT on it.';
comment on function mcp_check_read_only(text) is
'Whether a statement only reads. query: one statement, which is parsed, analyzed and rewritten under the caller''s role and search_path, and not executed. allowed: whether it may run where nothing may change. reason, detail, hint: what is refused, naming the object, why, and what to write instead. Every function that it would call is judged by what it resolves to: those of the server by its list of side effects, those of extensions by name and volatility, those of users by language, volatility and SECURITY DEFINER, and those in SQL also by what their bodies do, however deep, unless mcp_advisor.guard_functions lists them. Checks of domains, defaults of arguments, policies, rules and views are looked into as well. What bodies in other languages call is seen only when they run: see mcp_guard().';
comment on function mcp_guard(interval, interval, bigint, bigint, integer, bigint, bigint, boolean, bigint) is
'Holds the session to reading until it ends: nothing undoes it, whoever the session''s user is. From then on no statement changes data, objects or other sessions from whichever depth it is run, functions are judged where they run, and secrets of the catalog are not shown; refusals have the SQLSTATE 25006. statement_time, lock_time, work_mem, temp_files (bytes), parallel_workers: ceilings for each statement, which settings can only lower; max_rows, max_bytes: most rows and most bytes of their values (as stored, uncompressed) sent for one, NULL for no limit; memory: most bytes that a statement takes beyond what the process had, looked at every 25 ms, on Linux. A second call can only lower the ceilings, and only until its transaction ends. Behind a pooler that shares connections it would latch those of others: there, and only there, give this_transaction => true, which holds until the transaction ends, however it ends.';
comment on function mcp_statements_info() is
'How pg_stat_statements counts. counted_since: when all was last reset. evictions: how often the 5 % of the entries that are used least were thrown out since then, with what was counted for them, because more statements came than the max_entries that it keeps. entries: how many there are now, of all databases. track, track_planning, track_io_timing: the settings that say what is counted.';
comment on function mcp_running_queries(boolean) is
'What the other sessions do now, the longest-running first. all_databases: of all, not of this one. Idle sessions are left out unless a transaction of theirs is open. running_ms: since the statement began; of a session that is idle in a transaction, since the transaction began. waits_for: class and event. blocked_by: the processes that it waits for, 0 for a prepared transaction. workers: parallel ones. Sessions of other roles are shown to members of pg_read_all_stats.';
comment on function mcp_relationships(text) is
'How the tables of the database relate. schema: only those with an end in it, NULL for all. kind: foreign key; inferred, for which no constraint exists but names, types, a unique key and, where the caller may read the columns, statistics speak, see evidence; inheritance; partition. Tables are qualified and quoted, columns without quotes and in the order of the constraint. cardinality: many-to-one, or one-to-one when the referencing columns are unique. optional: whether they may be null. indexed: whether an index begins with them. Copies of a foreign key on partitions are left out.';
comment on function mcp_join_path(text, text, integer) is
'The shortest ways to join two tables along foreign keys and inferred relationships, in both directions, best first: fewer joins, then declared before inferred, then those that pair and lose fewer rows. from_table, to_table: names as in SQL, found by search_path unless qualified; the same twice asks for a self join. max_paths: from 1 to 100. from_clause: FROM … JOIN … ON …, to be put after a select list. multiplies: whether a row of the first table may be there several times. declared: whether each join follows a foreign key. notes: what to know of each join. No row, and a notice, when no chain of up to 8 joins is known.';
comment on function mcp_search_schema(text, integer) is
'Schemas, tables, views, columns, functions, types and their values, sequences, constraints and indexes whose names or comments have the words of search, the best answer first. Words are split at _, capitals and digits, and match in singular and plural, by their beginning and with small mistakes. Whoever has all words, in its own name, its table''s or the comments on both, comes before those that have some; names count more than comments, and rows decide between equals. max_rows: from 1 to 10000. details: the type of a column, the arguments of a function, the values of an enum, what an index or a constraint is on. matched: each word and where it was found. Names and comments are shown whatever the caller''s privileges, as the catalog itself is.';
comment on function mcp_schema_overview(text, integer, text) is
'What there is in a schema, as text for models: a line for each enum, table and view, with rows, size, columns, types, keys and the table''s comment. schema: NULL for all but the system''s. max_tokens: most tokens of a page, estimated from above, from 1000 to 1000000. after: the object, as schema.name, after which the page begins: next_after of the page before; the last line of the text has the call. objects: on this page; remaining: after it. Partitions are counted, not listed; a table too wide for a page is cut, with the call that shows the rest.';
comment on function mcp_advice_mute(text, text) is
'Leaves an index out of the advice from now on, for everybody in this database: the search then finds the next best. id: as mcp_advise_indexes gives it, which is the same for the same definition in every run. reason: shown in mcp_advice_history and in the report. For roles that may write to mcp_advice.';
comment on function mcp_advice_unmute(text) is
'Has a muted index advised again. An error if it is not muted.';
comment on function mcp_advice_observe() is
'Notices which remembered advice exists as an index by now, whatever its name, and begins to measure its effect. Returns how many were noticed. Remembering does the same; call it after building an index, or now and then.';
comment on function mcp_statement_counters() is
'The counters of this database''s statements in pg_stat_statements, added up over all roles: calls, ms of execution, blocks found or read, and since when is counted. No rows where pg_stat_statements is not there. For mcp_advice_history.';
comment on table mcp_advice is
'The memory of advice: a row for each index that was advised while mcp_advisor.remember was on, or is muted. Read it through mcp_advice_history.';
comment on table mcp_advice_statement is
'The recorded statements that remembered advice promises to improve, with their counters when it was last given and when it was noticed to be applied.';
comment on view mcp_advice_index is
'Remembered advice and the valid indexes that are what was advised, whatever their names.';
comment on view mcp_advice_history is
'What was advised and what became of it. status: advised, muted, applied (the index exists, see index), dropped (it did). promised_gain: share of the improved statements'' time that the advice promised to save; measured_gain: the share saved in fact, by the mean execution times of pg_stat_statements before and since, over the statements_measured that have at least 5 calls on both sides; measured_blocks_gain: the same of blocks. note: what to know of these figures.';
comment on function mcp_advise_statistics(text[]) is
'Where wrong estimates are the trouble and no index: ANALYZE and extended statistics for the tables of the workload (queries, NULL for what pg_stat_statements recorded), worst spender first. Each group of columns that a statement compares for equality or groups by is judged: the planner''s estimate for values of sampled rows (estimated_rows) against the sample (sampled_rows; groups for ndistinct), both a mean per set of values; ratio: how many times more there are than estimated, told from a factor of 4 on. kind: analyze, or the kinds of CREATE STATISTICS. queries: the statements that use the columns. plan_changes: whether one of them gets another plan when the planner is handed statistics that come to the right number, NULL where that was not tried. Partitioned tables are not sampled. The caller must be able to read the columns.';
