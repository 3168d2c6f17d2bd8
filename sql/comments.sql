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
