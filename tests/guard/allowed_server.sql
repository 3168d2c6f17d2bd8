--- Statements that restricted mode must run: catalogs, statistics, settings, plans.

-- SHOW
show work_mem

show all

show server_version

show search_path

show time zone

show transaction isolation level

show session authorization

show "work_mem"

SHOW password_encryption

-- who and where
select version(), current_user, session_user, user, current_role, current_catalog, current_database(), current_schema, current_schemas(true)

select pg_backend_pid(), inet_server_addr(), inet_server_port(), inet_client_addr(), pg_postmaster_start_time(), pg_conf_load_time(), pg_is_in_recovery()

select current_setting('work_mem'), current_setting('server_version_num')::int, current_setting('app.tenant', true)

select name, setting, unit, source from pg_settings where name like 'autovacuum%'

select name, current_setting(name) from pg_settings where context = 'user' limit 3

-- activity
select pid, usename, state, wait_event_type, wait_event, left(query, 100), now() - query_start as runtime from pg_stat_activity where state <> 'idle' order by runtime desc nulls last

select pid, pg_blocking_pids(pid), query from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0

select locktype, relation::regclass, mode, granted, pid from pg_locks where not granted

select bl.pid as blocked, a.query, kl.pid as blocking, ka.query from pg_locks bl join pg_stat_activity a on a.pid = bl.pid join pg_locks kl on kl.transactionid = bl.transactionid and kl.pid <> bl.pid join pg_stat_activity ka on ka.pid = kl.pid where not bl.granted

select * from pg_stat_progress_vacuum

select * from pg_stat_progress_create_index

select state, count(*) from pg_stat_activity group by state

select * from pg_prepared_xacts

select * from pg_stat_ssl

select gss_authenticated from pg_stat_gssapi

-- statistics
select relname, seq_scan, idx_scan, n_live_tup, n_dead_tup, last_autovacuum from pg_stat_user_tables order by n_dead_tup desc

select indexrelname, idx_scan, pg_size_pretty(pg_relation_size(indexrelid)) from pg_stat_user_indexes where idx_scan = 0

select datname, numbackends, xact_commit, blks_hit::float8 / nullif(blks_hit + blks_read, 0) as ratio, deadlocks, temp_bytes from pg_stat_database

select * from pg_stat_bgwriter

select * from pg_stat_wal

select * from pg_stat_archiver

select * from pg_stat_replication

select * from pg_stat_wal_receiver

select * from pg_stat_subscription

select * from pg_replication_slots

select slot_name, pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) as lag from pg_replication_slots

select pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), pg_last_xact_replay_timestamp()

select pg_walfile_name(pg_current_wal_lsn()), pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn()

select * from pg_statio_user_tables

select * from pg_stats where tablename = 'orders'

select schemaname, tablename, attname, null_frac, n_distinct, most_common_vals from pg_stats

select query, calls, total_exec_time, mean_exec_time, rows from pg_stat_statements order by total_exec_time desc limit 10

select * from pg_stat_statements_info

select pg_stat_get_live_tuples('orders'::regclass), pg_stat_get_db_numbackends(oid) from pg_database

select * from pg_stat_io

select funcname, calls, total_time from pg_stat_user_functions

select * from pg_stat_slru

select age(datfrozenxid), datname from pg_database order by 1 desc

select relname, age(relfrozenxid), mxid_age(relminmxid) from pg_class where relkind = 'r'

select txid_current_if_assigned(), pg_current_xact_id_if_assigned(), pg_current_snapshot(), txid_current_snapshot()

select pg_xact_status('100'::xid8), txid_status(100)

select pg_stat_clear_snapshot()

-- sizes
select pg_size_pretty(pg_database_size(current_database())), pg_size_bytes('1 GB')

select relname, pg_total_relation_size(oid), pg_table_size(oid), pg_indexes_size(oid), pg_relation_size(oid, 'vm') from pg_class where relkind = 'r'

select spcname, pg_tablespace_location(oid), pg_size_pretty(pg_tablespace_size(oid)) from pg_tablespace

select pg_column_size(c.*), pg_column_compression(c.name) from customers c limit 1

select pg_relation_filepath('orders'), pg_relation_filenode('orders'::regclass)

-- catalogs
select n.nspname, c.relname, c.relkind, c.reltuples::bigint from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname not like 'pg\_%'

select a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid) from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum where a.attrelid = 'orders'::regclass and a.attnum > 0 and not a.attisdropped

select conname, pg_get_constraintdef(oid, true), contype from pg_constraint where conrelid = 'orders'::regclass

select indexrelid::regclass, pg_get_indexdef(indexrelid), indisunique, indisvalid from pg_index where indrelid = 'orders'::regclass

select tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal

select p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), l.lanname, pg_get_functiondef(p.oid) from pg_proc p join pg_language l on l.oid = p.prolang where p.pronamespace = 'public'::regnamespace and p.prokind = 'f'

select viewname, definition from pg_views

select pg_get_viewdef('pg_tables'::regclass, true), pg_get_ruledef(oid) from pg_rewrite limit 1

select table_schema, table_name, column_name, data_type, is_nullable from information_schema.columns where table_name = 'orders' order by ordinal_position

select * from information_schema.table_constraints tc join information_schema.key_column_usage k using (constraint_schema, constraint_name)

select grantee, privilege_type from information_schema.role_table_grants where table_name = 'orders'

select * from information_schema.user_mappings

select rolname, rolsuper, rolcanlogin, rolconnlimit, rolvaliduntil from pg_roles

select usename, usesuper from pg_user

select r.rolname, m.rolname from pg_auth_members am join pg_roles r on r.oid = am.roleid join pg_roles m on m.oid = am.member

select has_table_privilege('orders', 'select'), has_schema_privilege('public', 'create'), pg_has_role('pg_monitor', 'member'), has_column_privilege('orders', 'id', 'select')

select obj_description('orders'::regclass), col_description('orders'::regclass, 1), shobj_description(oid, 'pg_database') from pg_database

select extname, extversion from pg_extension

select name, default_version, installed_version from pg_available_extensions

select sequencename, last_value, increment_by, cycle from pg_sequences

select last_value, is_called from tickets

select pg_get_serial_sequence('orders', 'id'), pg_sequence_last_value('tickets'), pg_sequence_parameters('tickets'::regclass)

select srvname, srvoptions from pg_foreign_server

select pubname, puballtables from pg_publication

select subname, relid::regclass, received_lsn from pg_stat_subscription

select enumlabel from pg_enum order by enumsortorder

select * from pg_policies

select * from pg_matviews

select * from pg_partition_tree('orders'), pg_partition_root('orders'), pg_partition_ancestors('orders')

select to_regclass('public.orders'), to_regtype('integer'), to_regrole('postgres'), to_regproc('lower')

select pg_typeof(1), pg_describe_object('pg_class'::regclass, 'orders'::regclass, 0), pg_identify_object('pg_class'::regclass, 'orders'::regclass, 0)

select objoid::regclass, description from pg_description limit 3

select oid, lomowner from pg_largeobject_metadata

select (aclexplode(relacl)).* from pg_class where relacl is not null

select option_name, option_value from pg_options_to_table(array['a=b'])

select * from pg_timezone_names limit 3

select * from pg_available_extension_versions where name = 'pg_trgm'

select * from pg_get_keywords() where catcode = 'R'

select pg_encoding_to_char(encoding), datcollate from pg_database

select pg_table_is_visible('orders'::regclass), pg_function_is_visible('lower(text)'::regprocedure)

select * from pg_config

select * from pg_control_system(), pg_control_checkpoint()

select * from pg_stat_recovery_prefetch

select * from pg_backend_memory_contexts order by total_bytes desc limit 5

select * from pg_shmem_allocations

select pg_replication_origin_progress('x', true), * from pg_replication_origin_status

select * from pg_listening_channels(), pg_notification_queue_usage()

select pg_trigger_depth(), pg_my_temp_schema(), pg_jit_available(), pg_client_encoding()

select current_query()

select oid::regprocedure from pg_proc where proname in ('pg_read_file', 'pg_sleep', 'lo_export')

select count(*) from pg_proc where proname = 'nextval'

-- EXPLAIN
explain select * from orders

explain (format json) select * from orders

explain (costs off, verbose, settings, summary on) select 1

explain verbose select 1

explain analyze select * from orders

explain analyse verbose select count(*) from orders

EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM orders WHERE total > 10

explain (analyze true, timing off) select 1

explain (analyze off) select 1

explain (analyze 1, wal) with q as (select 1) select * from q

explain (analyze) (select 1)

explain (select 1)

explain analyze (select 1) union (select 2)

explain (generic_plan) select * from orders where id = $1

explain (memory, serialize none) select 1

explain values (1)

explain table orders

explain with x as (select 1) select * from x

-- EXPLAIN of writes, which only plans
explain insert into orders select * from orders

explain update orders set status = 'x' where id = 1

explain delete from orders where id = 1

explain (analyze false) delete from orders

explain (analyze off, verbose) update orders o set total = c.id from customers c where c.id = o.customer_id returning o.*

explain insert into customers (id, name) values (1, 'x') on conflict (id) do update set name = excluded.name

explain merge into orders o using customers c on o.customer_id = c.id when matched then delete when not matched then do nothing

explain with gone as (delete from orders returning *) select count(*) from gone

explain select * from orders for update

explain select * into copy from orders

explain create table copy as select * from orders

explain create materialized view copy as select * from orders

explain declare c cursor for select * from orders

-- names and sizes in folders of the server that pg_monitor may list
select count(*), sum(size) from pg_ls_waldir()

select * from pg_ls_archive_statusdir() where name like '%.ready'

select * from pg_ls_tmpdir()

select name, size from pg_ls_logicalsnapdir()

select * from pg_ls_logicalmapdir()
