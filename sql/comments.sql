-- What \df+ shows. pgrx does not turn the doc comments of functions into COMMENT ON.
-- First what it is good for and what a row is, then a line for each argument, then columns that need
-- a word and units. Lines of at most 100 characters, as psql breaks nothing.
comment on function mcp_advise_indexes(
    text[], bigint, integer, double precision, double precision, interval, integer
) is
'Indexes worth building, one a row, best first. Nothing is built, nothing of the session changes.
queries: statements to advise on; NULL: the workload of this database in pg_stat_statements.
storage_budget: bytes for all new indexes less those they replace; NULL: no limit.
max_columns: key columns of an index. max_queries: statements taken from pg_stat_statements.
min_improvement: share (0 to 1) of the workload''s cost that each index must cut.
pareto_ratio: log10 of speed-up asked per log10 of space; 0: speed alone.
time_limit: then the best found so far is returned.
ddl builds the index; size_bytes is an estimate. cost_before, cost_after: of the whole workload without
and with this index, those of lower rank there: planner units for given statements, milliseconds of
recorded time for pg_stat_statements. replaces: existing indexes that can go then.';
comment on function mcp_advise_report(
    text[], bigint, integer, double precision, double precision, interval, integer, boolean
) is
'All that mcp_advise_indexes finds out, as one JSON document: indexes, the cost and plan of each statement
before and after, statements left out and why, the border between size and cost, drops, statistics,
planner calls, times in ms, sizes in bytes.
plans: whether to show plans. The other arguments: as of mcp_advise_indexes.';
comment on function mcp_advise_drops(text[], double precision, interval, integer, boolean) is
'Indexes that can go, one a row, each proven by planning the workload without it. Drops nothing.
queries: the workload; NULL: what pg_stat_statements recorded, at most max_queries.
tolerance: share by which a statement may get dearer (0.01 is 1 %).
time_limit: for all of it. with_advice: counts in the indexes that the advisor would build.
verdict: drop; keep (needed_by has the statement); unproven (why_not); superseded (superseded_by).
ddl drops the index, undo makes it again; size_bytes, scans, rows_written: since statistics began.
caveats: what such a proof cannot see.';
comment on function mcp_advise_statistics(text[]) is
'Where wrong estimates are the trouble and no index: ANALYZE and CREATE STATISTICS, one a row.
queries: the workload; NULL: what pg_stat_statements recorded.
estimated_rows, sampled_rows: rows (groups, of ndistinct) by the planner and by a sample; ratio: how many
times more there are. queries: who uses the columns. plan_changes: whether a plan becomes another.
Columns that the caller may not read, and partitioned tables, are not sampled.';
comment on function mcp_export_statistics(boolean, text[]) is
'This database as the planner sees it, as one JSON document for mcp_import_statistics: definitions, sizes,
statistics, settings, workload. No row of a table is read.
with_values: whether values that occur in rows may be in it, as pg_stats shows them to the caller.
queries: the workload; NULL: what pg_stat_statements recorded; an empty array: none.';
comment on function mcp_import_statistics(jsonb, boolean) is
'Makes the objects of a document of mcp_export_statistics in this database, which must have none, without
rows but with statistics and sizes, all or nothing. Plans are then those of the original. For the
database''s owner. Expressions and functions of the document are code: import only what you trust.
replace: drops an earlier import first, if it has no rows. Returns counts, left_out and notes as JSON.';
comment on function mcp_whatif_benchmark(text[], integer, integer) is
'How fast what-if planning is here: a row for each statement with its first 0, 1, 2, 4, ... candidates.
queries: the statements. max_candidates: 0 to 100. repeats: plannings of each.
cost: planner units. calls: planner calls made. plan_us: mean microseconds of one.';
comment on function mcp_explain(text, text[], regclass[], boolean, text, text[], boolean, bigint, boolean, boolean, boolean, boolean, boolean) is
'The plan of one statement as text, also with indexes that do not exist or without some that do.
query: what to plan; or queryid: a statement of pg_stat_statements.
hypothetical_indexes: CREATE INDEX statements. hide_indexes: indexes that the plan may not use.
analyze: executes it, if it only reads; not together with other indexes.
format: text, json, xml, yaml or compact. parameters: values for $1, $2, ...; without them typical ones.
generic_plan: for any values. buffers, wal, settings, timing, verbose: as of EXPLAIN.
Costs are planner units, times ms. Nothing is built; what is executed is rolled back.';
comment on function mcp_explain_report(text, text[], regclass[], boolean, text, text[], boolean, bigint, boolean, boolean, boolean, boolean, boolean) is
'All about the plan of one statement, from one planning and with analyze one execution, as JSON: plan,
compact, findings, cost before and after (planner units), indexes used, not used and hidden,
planning_ms, execution_ms, and with other indexes before and difference.
Arguments: as of mcp_explain.';
comment on function mcp_plan_findings(text, text[], regclass[], boolean) is
'What a plan shows that is worth a person''s time, one finding a row: misestimates, wasteful scans, sorts on
disk, conditions that hide an index, and more. Arguments: as of mcp_explain; most needs analyze.
severity: warning or info. node, place: where. evidence: figures as JSON. remedy: what to do.';
comment on function mcp_plan_findings_of(json, text) is
'As mcp_plan_findings, of a plan that was made before.
plan: output of EXPLAIN (FORMAT JSON), best with ANALYZE and VERBOSE, or of auto_explain.
query: the statement, for what only its text shows.';
comment on function mcp_whatif_indexes(text[], text[]) is
'What the workload costs with exactly these indexes, as JSON in the form of mcp_advise_report, with a
description of the tables. Nothing is searched, nothing is built.
indexes: CREATE INDEX statements of any kind that mcp_explain takes; may be empty.
queries: the statements; NULL: the workload of this database in pg_stat_statements.';
comment on function mcp_schemas() is
'The schemas of the database, one a row, the user''s own first. tables: without partitions.
size_bytes: of tables, partitions and materialized views, with indexes and TOAST.';
comment on function mcp_objects(text, text) is
'The objects of one kind in a schema, one a row, by name.
kind: table, view, sequence, extension, materialized view, partition, function, type or index.
rows_estimate: the planner''s. size_bytes: with indexes and TOAST, of all partitions.';
comment on function mcp_object(text, text, text) is
'Everything that the catalog knows of one object, as JSON: what psql''s \d commands show, dependencies in
both directions, and what statistics tell of columns that the caller may read.
name: without quotes, letter by letter; of a function with the types of its arguments if need be.
kind: as of mcp_objects. An error if there is none.';
comment on function mcp_top_queries(text, integer, boolean, integer) is
'The dearest statements in pg_stat_statements, one a row; those of mcp_advisor and mcp-bridge left out.
sort_by: resources (more than 5 % of the time, blocks or WAL of all), total_time, mean_time, io, temp, wal,
rows, calls, planning_time, max_time or stddev_time. max_rows: how many.
all_databases: not of this one only. delta_seconds: waits so long and counts only what ends meanwhile.
..._ms: milliseconds; ..._share: 0 to 1, of what all took; blocks: of 8 kB, as a rule. sort_value,
sort_unit: what the order goes by. stats_since: since when is counted.';
comment on function mcp_health(text[]) is
'What is wrong with the database, worst first: a row a finding, and one for each check that finds nothing
(ok) or cannot look ("ran": false in details). It waits for no lock and writes nothing.
checks: all, categories (index, connection, vacuum, sequence, replication, buffer, constraint, table,
transaction, workload, integrity, settings, version, security) or names of checks.
severity: critical, warning, info or ok. value in unit, held against threshold.
remediation: SQL that mends it, never run by itself; details: figures and its risk. Limits are settings
(mcp_advisor.health_...).';
comment on function mcp_index_bloat(regclass, integer) is
'How much of a b-tree index is empty; one row. sample_pages: pages to read, the same at every call.
waste_percent, waste_bytes: more than its entries need at its fill factor. dead_percent: of entries.
density_percent: how full leaf pages are. method: exact, or sampled.
An index that is locked is an error (55P03). For its owner and pg_stat_scan_tables (pg_monitor).';
comment on function mcp_table_bloat(regclass, integer) is
'How much of a table, materialized view or TOAST table is empty; one row. sample_pages: pages to read,
the same at every call.
waste_percent, waste_bytes: more than live rows need at its fill factor. dead_percent: of rows.
density_percent: how full pages are with live rows. method: exact, or sampled.
A table that is locked is an error (55P03). For its owner and pg_stat_scan_tables (pg_monitor).';
comment on function mcp_sequence_last_value(regclass) is
'The last value that a sequence has given, as pg_sequence_last_value, without waiting for a lock.
NULL if none was given yet, if it is locked or temporary, and without USAGE or SELECT on it.';
comment on function mcp_check_read_only(text) is
'Whether a statement only reads, by what the server resolves it to; one row. It is not executed.
query: one statement, judged under the caller''s role and search_path.
allowed; else reason, detail and hint: what is refused, naming the object, why, what to write instead.
What bodies of functions call that are not in SQL is seen only when they run: see mcp_guard().';
comment on function mcp_guard(interval, interval, bigint, bigint, integer, bigint, bigint, boolean, bigint) is
'Holds the session to reading until it ends, a superuser''s too; nothing undoes it. Refusals: 25006.
statement_time, lock_time: for a statement, and to wait for a lock.
work_mem, temp_files, memory: bytes of a statement. parallel_workers: how many.
max_rows, max_bytes: most rows, and bytes of their values, sent for one statement; NULL: no limit.
this_transaction: until the transaction ends; behind a pooler that shares connections, and only there.
All are ceilings: settings and further calls only lower them.';
comment on function mcp_statements_info() is
'How pg_stat_statements counts; one row. counted_since: the last reset. entries of max_entries: statements
kept, of all databases; evictions: how often the 5 % used least were thrown out since then.
track, track_planning, track_io_timing: the settings that say what is counted.';
comment on function mcp_running_queries(boolean) is
'What other sessions do now, one a row, the longest-running first; idle ones only with an open
transaction. all_databases: not of this one only.
running_ms: since the statement began, or the transaction of an idle session. waits_for: class and event.
blocked_by: the processes it waits for, 0 for a prepared transaction. workers: parallel ones.
Sessions of other roles are shown to pg_read_all_stats.';
comment on function mcp_relationships(text) is
'How the tables relate, one relationship a row. schema: those with an end in it; NULL: all.
kind: foreign key; inferred (no constraint, but see evidence); inheritance; partition.
cardinality: many-to-one or one-to-one. optional: whether the columns may be null. indexed: whether an
index begins with them.';
comment on function mcp_join_path(text, text, integer) is
'The shortest ways to join two tables, one a row, best first. No row if no chain of 8 joins does.
from_table, to_table: names as in SQL; the same twice for a self join. max_paths: 1 to 100.
from_clause: FROM ... JOIN ... ON ..., to put after a select list. multiplies: whether rows of the first table
come several times. declared: whether each join follows a foreign key. notes: what to know.';
comment on function mcp_search_schema(text, integer) is
'Objects and columns whose names or comments have the words of search, one a row, the best first.
Words match in singular and plural, by their beginning and with small mistakes. max_rows: 1 to 10000.
details: type, arguments, labels or columns. matched: each word and where it was found.';
comment on function mcp_schema_overview(text, integer, text) is
'What is in a schema as text for models: a line for each enum, table and view; one row, a page.
schema: NULL: all but the system''s. max_tokens: most of a page, 1000 to 1000000, estimated from above.
after: next_after of the page before; NULL: the first page.
objects: how many are on this page; remaining: how many come after it.';
comment on function mcp_advice_mute(text, text) is
'Leaves an index out of the advice from now on, for everybody in this database; the next best is advised.
id: as of mcp_advise_indexes. reason: shown in mcp_advice_history.
For roles that may write to mcp_advice.';
comment on function mcp_advice_unmute(text) is
'Has a muted index advised again. id: as of mcp_advice_mute; an error if it is not muted.
For roles that may write to mcp_advice.';
comment on function mcp_advice_observe() is
'Notices which remembered advice is an index by now, whatever its name, and begins to measure its effect.
Returns how many were noticed. For roles that may write to mcp_advice.';
comment on function mcp_statement_counters() is
'The counters of this database''s statements in pg_stat_statements, added up over all roles, one a row:
calls, ms of execution, blocks found or read, since when. No rows where it is not there.
For mcp_advice_history.';
comment on table mcp_advice is
'The memory of advice: a row for each index that was advised while mcp_advisor.remember was on, or is muted. Read it through mcp_advice_history.';
comment on table mcp_advice_statement is
'The recorded statements that remembered advice promises to improve, with their counters when it was last given and when it was noticed to be applied.';
comment on view mcp_advice_index is
'Remembered advice and the valid indexes that are what was advised, whatever their names.';
comment on view mcp_advice_history is
'What was advised and what became of it. status: advised, muted, applied (the index exists, see index), dropped (it did). promised_gain: share of the improved statements'' time that the advice promised to save; measured_gain: the share saved in fact, by the mean execution times of pg_stat_statements before and since, over the statements_measured that have at least 5 calls on both sides; measured_blocks_gain: the same of blocks. note: what to know of these figures.';
