-- When statistics of tables were last collected, and how many rows have changed since.
--
-- $1: oids. Of a partitioned table the figures are those of its own statistics.
select
    s.relid::bigint,
    greatest(s.last_analyze, s.last_autoanalyze)::text,
    s.n_mod_since_analyze
from pg_catalog.pg_stat_all_tables as s
where s.relid::bigint = any($1)
order by s.schemaname, s.relname
