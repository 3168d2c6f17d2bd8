--- class: Statistics
--- setup:
create function resets() returns void language sql volatile as 'select pg_stat_reset()';

--- attack: reset
select pg_stat_reset()

--- attack: reset in from
select * from pg_stat_reset()

--- attack: reset of shared ones
select pg_stat_reset_shared('bgwriter')

--- attack: reset of the archiver
select pg_stat_reset_shared('archiver')

--- attack: reset of the log of changes
select pg_stat_reset_shared('wal')

--- attack: reset of one table
select pg_stat_reset_single_table_counters('victim'::regclass)

--- attack: reset of one function
select pg_stat_reset_single_function_counters('harm()'::regprocedure)

--- attack: reset of every table
select pg_stat_reset_single_table_counters(oid) from pg_class where relname = 'extra'

--- attack: reset of caches
select pg_stat_reset_slru(null)

--- attack: reset of one cache
select pg_stat_reset_slru('Notify')

--- attack: reset of slots
--- setup: select pg_create_logical_replication_slot('counted_{database}', 'test_decoding')
--- sql:
select pg_stat_reset_replication_slot('counted_{database}')

--- attack: reset of statements
select pg_stat_statements_reset()
--- setup: select 42 as marked_by_{database}
--- holds: select count(*) > 0 from pg_stat_statements where query ~ 'marked_by_{database}' and query !~ 'count'

--- attack: reset of statements of one database
select count(pg_stat_statements_reset(0, oid, 0)) from pg_database where datname = current_database()
--- setup: select 43 + 1 as marked_again_by_{database}
--- holds: select count(*) > 0 from pg_stat_statements where query ~ 'marked_again_by_{database}' and query !~ 'count'

--- attack: reset by a function
select resets()

--- attack: snapshot cleared and reset
select pg_stat_clear_snapshot(), pg_stat_reset()

--- attack: analyze
analyze victim (name)

--- attack: delete of planner's statistics
--- setup: analyze extra
--- sql:
delete from pg_statistic where starelid = 'extra'::regclass
