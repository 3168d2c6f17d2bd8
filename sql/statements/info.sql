-- How pg_stat_statements counts, and since when.
--
-- evictions: how often entries were thrown out since then, because more statements came than it
-- keeps: each time the 5 % that are used least (entry_dealloc in pg_stat_statements.c), with what was
-- counted for them. Not known before 1.9, which did not tell.
select
    (
        select e.extversion
        from pg_catalog.pg_extension as e
        where e.extname = 'pg_stat_statements'
    ) as version,
    i.stats_reset as counted_since,
    i.dealloc as evictions,
    (select pg_catalog.count(*) from {schema}.pg_stat_statements(false)) as entries,
    pg_catalog.current_setting('pg_stat_statements.max', true)::bigint as max_entries,
    pg_catalog.current_setting('pg_stat_statements.track', true) as track,
    pg_catalog.current_setting('pg_stat_statements.track_planning', true)::boolean
        as track_planning,
    pg_catalog.current_setting('track_io_timing')::boolean as track_io_timing
from {info} as i
