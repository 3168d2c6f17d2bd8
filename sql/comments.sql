-- What \df+ shows. pgrx does not turn the doc comments of functions into COMMENT ON.
comment on function mcp_advise_indexes(
    text[], bigint, integer, double precision, double precision, interval, integer
) is
'Indexes worth building, best first. queries: statements to advise on, NULL for the workload of this database in pg_stat_statements. storage_budget: bytes for all new indexes, NULL for no limit. max_columns: key columns per index. min_improvement: share of the workload''s cost that each index must cut. pareto_ratio: log10 of speed-up asked per log10 of space, 0 for speed alone. time_limit: the best found by then is returned. max_queries: statements taken from pg_stat_statements. Costs are planner units for given statements and milliseconds of recorded execution time for pg_stat_statements; cost_before and cost_after are those of the whole workload, cumulative by rank. Nothing is built and nothing of the session changes.';
comment on function mcp_advise_report(
    text[], bigint, integer, double precision, double precision, interval, integer, boolean
) is
'Everything that mcp_advise_indexes finds out, as one document: the indexes, cost and plan of each statement before and after, statements left out and why, the rounds of the search, the Pareto front of size and cost, planner calls made and saved, time. plans: whether to show plans.';
comment on function mcp_whatif_benchmark(text[], integer, integer) is
'How fast what-if planning is on this server: each statement is planned in process with its first 0, 1, 2, 4, … candidate indexes (at most max_candidates), repeats times each. plan_us: mean microseconds of one planner call.';
comment on function mcp_explain(text, text[], regclass[], boolean, text) is
'The plan of one statement. query: SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES or TABLE; parameters $1, $2, … get typical values from the statistics of the columns that they are compared with. hypothetical_indexes: CREATE INDEX statements (b-tree on plain columns, with INCLUDE) for indexes that the plan may use as if they were built. hide_indexes: existing indexes that it may not use. With either, the text begins with the cost before and after and the indexes used. analyze: execute the statement, which must only read, and show times, rows and buffers; not together with other indexes. format: text, json, xml or yaml. Nothing is built, what is executed is rolled back, and nothing of the session changes.';
comment on function mcp_whatif_indexes(text[], text[]) is
'What the workload costs with exactly these indexes, as one document in the form of mcp_advise_report: nothing is searched. indexes: CREATE INDEX statements (b-tree on plain columns, with INCLUDE), may be empty. queries: the statements, NULL for the workload of this database in pg_stat_statements. The document also describes the tables: rows, columns, existing indexes.';
comment on function mcp_schemas() is
'The schemas of the database, the user''s own first. tables: tables, partitioned and foreign ones, without partitions. size_bytes: of all tables, partitions and materialized views, with indexes and TOAST.';
comment on function mcp_objects(text, text) is
'The objects of one kind in a schema, by name. kind: table, view, sequence, extension, materialized view, partition, function, type or index; extensions are listed whatever their schema. size_bytes: with indexes and TOAST, of all partitions.';
comment on function mcp_object(text, text, text) is
'One object with everything that the catalog knows of it. name: without quotes, letter by letter; of a function also with the types of its arguments, as in area(integer, text). kind: as for mcp_objects; table, view, materialized view and partition find any of these.';
comment on function mcp_top_queries(text, integer) is
'The dearest statements of this database in pg_stat_statements. sort_by: total_time, mean_time, or resources for those with more than 5 % of the time, blocks or WAL of all, the largest share first. Times are of execution, in milliseconds; shares are from 0 to 1. Statements of mcp_advisor, mcp-bridge and hypopg are left out.';
comment on function mcp_health(text[]) is
'What is wrong with the database, worst first. checks: all, or names of categories (index, connection, vacuum, sequence, replication, buffer, constraint) or of checks. severity: critical, warning, info or ok; a check that finds nothing has one row that is ok, one that cannot run has a row that says why. remediation: SQL that mends it.';
comment on function mcp_index_bloat(regclass, integer) is
'How much of a b-tree index is empty. sample_pages: how many of its pages are read, all if there are no more; the same ones at every call. waste_percent, waste_bytes: pages that what is alive does not need at the index''s own fill factor. dead_percent: entries that are marked dead, of all. density_percent: how full leaf pages are. method: exact if all pages were read, else sampled. It never waits for a lock: an index that is locked is an error (55P03). For the owner and for members of pg_stat_scan_tables, as pg_monitor is.';
comment on function mcp_table_bloat(regclass, integer) is
'How much of a table, materialized view or TOAST table is empty. sample_pages: how many of its pages are read, all if there are no more; the same ones at every call. waste_percent, waste_bytes: pages that the rows that are alive do not need at the table''s own fill factor. dead_percent: rows that are deleted and not removed, of all. density_percent: how full pages are with live rows. method: exact if all pages were read, else sampled. It never waits for a lock: a table that is locked is an error (55P03). For the owner and for members of pg_stat_scan_tables, as pg_monitor is.';
comment on function mcp_sequence_last_value(regclass) is
'The last value that a sequence has given, as pg_sequence_last_value, under a lock that is only taken when it is free. NULL when no value was given yet, when the sequence is locked or temporary, and without USAGE or SELECT on it.';
