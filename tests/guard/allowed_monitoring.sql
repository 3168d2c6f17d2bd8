--- Statements that restricted mode must run: what exporters, agents and checks of monitoring systems
--- read.

-- sessions and locks
select datname, usename, application_name, client_addr, state, wait_event_type, count(*) as sessions, max(extract(epoch from now() - xact_start)) as longest from pg_stat_activity where backend_type = 'client backend' group by 1, 2, 3, 4, 5, 6

select pid, usename, datname, age(clock_timestamp(), xact_start) as xact_age, age(clock_timestamp(), query_start) as query_age, state, left(regexp_replace(query, '\s+', ' ', 'g'), 120) as query from pg_stat_activity where state <> 'idle' and pid <> pg_backend_pid() order by xact_start nulls last

select count(*) filter (where state = 'active') as active, count(*) filter (where state like 'idle in transaction%') as idle_in_transaction, count(*) filter (where wait_event_type = 'Lock') as waiting, current_setting('max_connections')::int - count(*) as left_over from pg_stat_activity

select max(age(backend_xmin)) as oldest_xmin, max(age(backend_xid)) as oldest_xid from pg_stat_activity

select backend_type, count(*), min(backend_start) from pg_stat_activity group by 1 order by 1

with recursive blocked as (select pid, unnest(pg_blocking_pids(pid)) as by_pid from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0),
tree as (select distinct b.by_pid as root, b.by_pid as pid, array[b.by_pid] as path from blocked as b where not exists (select from blocked as x where x.pid = b.by_pid) union all select t.root, b.pid, t.path || b.pid from tree as t join blocked as b on b.by_pid = t.pid where not b.pid = any (t.path))
select t.root, repeat('. ', cardinality(t.path) - 1) || t.pid as session, a.state, a.wait_event, now() - a.state_change as since, a.query from tree as t join pg_stat_activity as a on a.pid = t.pid order by t.path

select w.pid as waiting, w.mode, w.locktype, w.relation::regclass as relation, h.pid as holding, h.mode as held, now() - w.waitstart as waited from pg_locks as w join pg_locks as h on h.granted and not w.granted and h.pid <> w.pid and (h.locktype, h.database, h.relation, h.page, h.tuple, h.transactionid, h.classid, h.objid) is not distinct from (w.locktype, w.database, w.relation, w.page, w.tuple, w.transactionid, w.classid, w.objid)

select d.datname, l.mode, count(*) from pg_locks as l left join pg_database as d on d.oid = l.database group by 1, 2

select wait_event_type, wait_event, count(*) from pg_stat_activity where wait_event is not null group by 1, 2 order by 3 desc

select gid, owner, database, now() - prepared as age from pg_prepared_xacts order by prepared

select leader_pid, count(*) as workers, max(query_start) from pg_stat_activity where leader_pid is not null group by leader_pid

-- databases
select datname, numbackends, xact_commit, xact_rollback, blks_read, blks_hit, tup_returned, tup_fetched, tup_inserted, tup_updated, tup_deleted, conflicts, temp_files, temp_bytes, deadlocks, checksum_failures, blk_read_time, blk_write_time, extract(epoch from stats_reset) from pg_stat_database where datname is not null

select d.datname, pg_database_size(d.oid) as bytes, d.datconnlimit, age(d.datfrozenxid) as xid_age, mxid_age(d.datminmxid) as mxid_age, round(100.0 * age(d.datfrozenxid) / current_setting('autovacuum_freeze_max_age')::numeric, 1) as percent from pg_database as d where d.datallowconn order by xid_age desc

select datname, confl_tablespace, confl_lock, confl_snapshot, confl_bufferpin, confl_deadlock from pg_stat_database_conflicts

select sum(blks_hit) * 100.0 / nullif(sum(blks_hit + blks_read), 0) as hit_ratio, sum(xact_rollback)::float8 / nullif(sum(xact_commit + xact_rollback), 0) as rollbacks from pg_stat_database

select datname, session_time, active_time, idle_in_transaction_time, sessions, sessions_abandoned, sessions_fatal, sessions_killed from pg_stat_database order by 1

select spcname, pg_tablespace_size(oid), coalesce(nullif(pg_tablespace_location(oid), ''), current_setting('data_directory', true)) as place from pg_tablespace

-- tables and indexes
select schemaname, relname, seq_scan, seq_tup_read, idx_scan, idx_tup_fetch, n_tup_ins, n_tup_upd, n_tup_del, n_tup_hot_upd, n_live_tup, n_dead_tup, n_mod_since_analyze, n_ins_since_vacuum, extract(epoch from last_vacuum), extract(epoch from last_autovacuum), extract(epoch from last_analyze), vacuum_count, autovacuum_count from pg_stat_user_tables

select s.relname, s.n_dead_tup, round(100.0 * s.n_dead_tup / nullif(s.n_live_tup + s.n_dead_tup, 0), 1) as dead, current_setting('autovacuum_vacuum_threshold')::int + current_setting('autovacuum_vacuum_scale_factor')::float8 * c.reltuples as threshold, coalesce((select option_value from pg_options_to_table(c.reloptions) where option_name = 'autovacuum_enabled'), 'true') as enabled from pg_stat_user_tables as s join pg_class as c on c.oid = s.relid order by s.n_dead_tup desc limit 20

select heap_blks_read, heap_blks_hit, idx_blks_read, idx_blks_hit, toast_blks_hit, relname from pg_statio_user_tables order by heap_blks_read desc

select c.oid::regclass as relation, age(c.relfrozenxid), mxid_age(c.relminmxid), pg_size_pretty(pg_total_relation_size(c.oid)) from pg_class as c where c.relkind in ('r', 't', 'm') order by age(c.relfrozenxid) desc limit 20

select n.nspname, c.relname, pg_table_size(c.oid), pg_indexes_size(c.oid), pg_total_relation_size(c.oid), pg_relation_size(c.reltoastrelid) as toast, c.reltuples::bigint, c.relpages from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'm') and n.nspname not in ('pg_catalog', 'information_schema') order by 5 desc

select i.relname, i.indexrelname, i.idx_scan, pg_relation_size(i.indexrelid) as bytes from pg_stat_user_indexes as i join pg_index as x using (indexrelid) where i.idx_scan = 0 and not x.indisunique and not exists (select from pg_constraint as k where k.conindid = i.indexrelid) order by bytes desc

select a.indexrelid::regclass as one, b.indexrelid::regclass as other from pg_index as a join pg_index as b on a.indrelid = b.indrelid and a.indexrelid < b.indexrelid and a.indkey::text = b.indkey::text and a.indclass = b.indclass and a.indpred is not distinct from b.indpred

select k.conrelid::regclass as child, k.conname, k.confrelid::regclass as parent from pg_constraint as k where k.contype = 'f' and not exists (select from pg_index as i where i.indrelid = k.conrelid and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] operator(pg_catalog.@>) k.conkey)

select indexrelid::regclass, indisvalid, indisready, indislive from pg_index where not indisvalid or not indisready

with columns as (select s.schemaname, s.tablename, sum((1 - s.null_frac) * s.avg_width) as width, max(s.null_frac) as nulls from pg_stats as s group by 1, 2), sizes as (select c.oid, c.relname, c.relpages, c.reltuples, 24 + k.width + case when k.nulls > 0 then 4 else 0 end as tuple, coalesce(substring(array_to_string(c.reloptions, ' ') from 'fillfactor=([0-9]+)')::numeric, 100) as fill, current_setting('block_size')::numeric as block from pg_class as c join pg_namespace as n on n.oid = c.relnamespace join columns as k on k.schemaname = n.nspname and k.tablename = c.relname where c.relkind = 'r')
select relname, relpages, ceil(reltuples * tuple / (block - 24) * 100 / fill) as expected, greatest(relpages - ceil(reltuples * tuple / (block - 24) * 100 / fill), 0) * block as wasted from sizes order by wasted desc limit 20

select s.relname, a.attname, s.seq_scan, s.idx_scan, 100 * s.idx_scan / nullif(s.seq_scan + s.idx_scan, 0) as used from pg_stat_user_tables as s join pg_attribute as a on a.attrelid = s.relid and a.attnum = 1

select seqs.schemaname, seqs.sequencename, seqs.last_value, seqs.max_value, round(100 * coalesce(seqs.last_value, 0) / seqs.max_value::numeric, 2) as used from pg_sequences as seqs

select parent.relname, count(*) as partitions, sum(pg_total_relation_size(i.inhrelid)) from pg_inherits as i join pg_class as parent on parent.oid = i.inhparent group by 1

select relname, last_autoanalyze < now() - interval '7 days' as stale, n_mod_since_analyze from pg_stat_all_tables where n_live_tup > 0

select funcid::regprocedure, calls, total_time, self_time from pg_stat_user_functions order by self_time desc

select statistics_schemaname, statistics_name, attnames, kinds, n_distinct, dependencies from pg_stats_ext

select schemaname, tablename, attname, inherited, null_frac, avg_width, n_distinct, correlation from pg_stats where schemaname = 'public' order by 2, 3

-- vacuum, checkpoints, WAL, replication
select p.pid, p.relid::regclass, p.phase, round(100.0 * p.heap_blks_scanned / nullif(p.heap_blks_total, 0), 1) as scanned, p.index_vacuum_count, now() - a.xact_start as runtime from pg_stat_progress_vacuum as p join pg_stat_activity as a using (pid)

select pid, command, phase, blocks_done, blocks_total, tuples_done from pg_stat_progress_create_index

select * from pg_stat_progress_analyze

select * from pg_stat_progress_basebackup

select * from pg_stat_progress_copy

select * from pg_stat_progress_cluster

select checkpoints_timed, checkpoints_req, checkpoint_write_time, buffers_checkpoint, buffers_clean, maxwritten_clean, buffers_backend, buffers_alloc, extract(epoch from stats_reset) from pg_stat_bgwriter

select archived_count, failed_count, last_archived_wal, extract(epoch from now() - last_archived_time) as age, last_failed_time > coalesce(last_archived_time, '-infinity') as failing from pg_stat_archiver

select wal_records, wal_fpi, wal_bytes, wal_buffers_full, wal_write, wal_sync, wal_write_time from pg_stat_wal

select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end - '0/0'::pg_lsn as bytes, pg_is_in_recovery()

select application_name, client_addr, state, sync_state, pg_wal_lsn_diff(sent_lsn, replay_lsn) as lag_bytes, extract(epoch from write_lag), extract(epoch from flush_lag), extract(epoch from replay_lag) from pg_stat_replication

select slot_name, slot_type, database, active, wal_status, safe_wal_size, xmin, catalog_xmin, pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end, restart_lsn) as retained from pg_replication_slots

select extract(epoch from now() - pg_last_xact_replay_timestamp()) as lag, pg_last_wal_receive_lsn(), case when pg_is_in_recovery() then pg_is_wal_replay_paused() end

select status, receive_start_lsn, written_lsn, latest_end_time, slot_name, sender_host from pg_stat_wal_receiver

select slot_name, spill_txns, stream_bytes, total_bytes from pg_stat_replication_slots

select name, blks_hit, blks_read, flushes from pg_stat_slru

select timeline_id, redo_lsn, checkpoint_time, next_xid, extract(epoch from now() - checkpoint_time) as age from pg_control_checkpoint()

select system_identifier, pg_control_version, data_page_checksum_version from pg_control_system(), pg_control_init()

select pg_walfile_name_offset(pg_current_wal_lsn()), pg_size_bytes(current_setting('max_wal_size')) as most

-- settings and versions
select name, setting, unit, category, context, vartype, boot_val, reset_val, pending_restart from pg_settings where source not in ('default', 'override') order by name

select name, case unit when '8kB' then setting::numeric * 8192 when 'kB' then setting::numeric * 1024 when 'MB' then setting::numeric * 1048576 else setting::numeric end as value from pg_settings where vartype in ('integer', 'real')

select current_setting('server_version_num')::int / 10000 as major, version(), pg_postmaster_start_time(), extract(epoch from now() - pg_postmaster_start_time()) as uptime, pg_conf_load_time()

select count(*) filter (where name = 'fsync' and setting = 'off') as no_fsync, count(*) filter (where name = 'track_io_timing' and setting = 'on') as io_timing from pg_settings

select e.extname, e.extversion, a.default_version, e.extversion <> a.default_version as outdated from pg_extension as e join pg_available_extensions as a on a.name = e.extname

select setdatabase, setrole::regrole, setconfig from pg_db_role_setting

select level, sum(used_bytes) as used, sum(total_bytes) as total from pg_backend_memory_contexts where level < 3 group by level

select rolname, rolsuper, rolvaliduntil < now() + interval '14 days' as expires, rolconnlimit, (select count(*) from pg_stat_activity as a where a.usesysid = r.oid) as sessions from pg_roles as r

select pg_export.count from (select count(*) from pg_stat_ssl where ssl) as pg_export
