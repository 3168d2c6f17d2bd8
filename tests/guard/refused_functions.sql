--- Statements that restricted mode must refuse: each family of functions with an effect, or that
--- shows what no table privilege covers.

-- Function: files of the server
select pg_read_binary_file('/etc/passwd')

select pg_read_file('/etc/passwd', 0, 100)

select pg_stat_file('postgresql.conf')

select pg_ls_dir('.')

select pg_file_write('x', 'y', false)

select pg_file_read('x', 0, 10)

select pg_file_rename('a', 'b')

select pg_file_unlink('x')

select pg_file_sync('x')

select pg_logdir_ls()

select utl_file.fopen('/tmp', 'x', 'w')

select aws_s3.query_export_to_s3('select 1', 'b', 'k')

select aws_s3.table_import_from_s3('t', '', '', 'b', 'k', 'r')

select * from azure_storage.blob_get('a', 'b', 'c')

-- Function: large objects
select lo_import('/etc/passwd')

select lo_import('/etc/passwd', 1)

select lo_export(1, '/tmp/x')

select lo_get(1)

select lo_get(1, 0, 10)

select lo_put(1, 0, '\x00')

select lo_create(0)

select lo_creat(-1)

select lo_from_bytea(0, '\x00')

select lo_open(1, 262144)

select loread(lo_open(1, 262144), 100)

select lowrite(0, '\x00')

select lo_unlink(1)

select lo_truncate(0, 0), lo_truncate64(0, 0)

select lo_lseek(0, 0, 0), lo_tell(0), lo_close(0)

-- Function: connections
select dblink_connect('host=example.com')

select dblink_connect_u('x', 'dbname=postgres')

select * from dblink('dbname=postgres', 'select 1') as t (a int)

select dblink_exec('dbname=postgres', 'drop table x')

select public.dblink_send_query('x', 'select 1')

select dblink_open('c', 'select 1'), dblink_fetch('c', 1), dblink_close('c')

select dblink_get_result('x'), dblink_cancel_query('x'), dblink_disconnect('x')

select dblink_get_connections(), dblink_is_busy('x'), dblink_error_message('x')

select postgres_fdw_disconnect('s'), postgres_fdw_disconnect_all()

select run_command_on_workers('select 1')

select run_command_on_all_nodes($$ select 1 $$)

select http_get('http://169.254.169.254/')

select http_post('http://example.com', 'x', 'text/plain')

select content from http(('GET', 'http://example.com', null, null, null)::http_request)

select net.http_post(url := 'http://example.com')

select aws_lambda.invoke('f', '{}')

select pg_background_launch('drop table x')

select oracle_execute('s', 'drop table x')

-- Function: texts that are run
select query_to_xml('select 1', true, false, '')

select query_to_xml_and_xmlschema('select 1', true, false, '')

select query_to_xmlschema('select 1', true, false, '')

select cursor_to_xml('c', 10, true, false, '')

select cursor_to_xmlschema('c', true, false, '')

select table_to_xml('pg_authid', true, false, '')

select table_to_xml_and_xmlschema('pg_authid', true, false, '')

select schema_to_xml('pg_catalog', true, false, '')

select database_to_xml(true, false, '')

select database_to_xml_and_xmlschema(true, false, '')

select * from ts_stat('select words from documents')

select * from ts_stat('select words from documents', 'ab')

select ts_rewrite('a'::tsquery, 'select a, b from t')

select ts_rewrite('a'::tsquery, query) from (select 'select 1'::text as query) q

select * from crosstab('select 1, 2, 3') as t (a int, b int)

select * from crosstab('select 1, 2, 3', 'select 2') as t (a int, b int)

select * from crosstab2('select 1, 2, 3')

select * from crosstab4('select 1, 2, 3')

select * from connectby('t', 'a', 'b', 'x', 0) as t (a text, b text, l int)

select * from xpath_table('id', 'doc', 't', '/a', 'true') as t (a int)

select mcp_explain('delete from orders', '{}', '{}', true)

select mcp_explain_report('delete from orders', '{}', '{}', true)

select dbms_sql.parse(1, 'drop table x')

-- Function: other sessions and the server
select pg_cancel_backend(1)

select pg_terminate_backend(pid) from pg_stat_activity

select pg_terminate_backend(1, 1000)

select pg_reload_conf()

select pg_rotate_logfile()

select pg_promote()

select pg_promote(false, 1)

select pg_log_backend_memory_contexts(pg_backend_pid())

-- Function: locks
select pg_advisory_lock(1)

select pg_advisory_lock(1, 2)

select pg_advisory_lock_shared(1)

select pg_advisory_xact_lock(1)

select pg_try_advisory_lock(1)

select pg_try_advisory_xact_lock_shared(1)

select pg_advisory_unlock(1)

select pg_advisory_unlock_all()

select id from customers where pg_try_advisory_lock(id)

-- Function: waiting
select pg_sleep(1000)

select pg_sleep_for('1 day')

select pg_sleep_until('tomorrow')

-- Function: the session
select set_config('statement_timeout', '0', false)

select set_config(name, '0', true) from pg_settings

select set_config('transaction_read_only', 'off', true)

select set_config('role', 'postgres', false)

select set_limit(0.1)

select isn_weak(true)

select setseed(0.5)

select set_user('postgres')

select reset_user()

-- Function: sequences
select nextval('tickets')

select nextval('tickets'::regclass) from generate_series(1, 1000000)

select setval('tickets', 1)

select setval('tickets', 1, false)

select pg_nextoid('pg_class', 'oid', 'pg_class_oid_index')

-- Function: messages
select pg_notify('c', 'x')

select dbms_pipe.send_message('x')

select dbms_alert.signal('x', 'y')

-- Function: replication
select pg_create_physical_replication_slot('s')

select pg_create_logical_replication_slot('s', 'test_decoding')

select pg_copy_logical_replication_slot('a', 'b')

select pg_copy_physical_replication_slot('a', 'b')

select pg_drop_replication_slot('s')

select pg_drop_replication_slot(slot_name) from pg_replication_slots

select pg_replication_slot_advance('s', '0/0')

select * from pg_logical_slot_get_changes('s', null, null)

select * from pg_logical_slot_peek_changes('s', null, null)

select * from pg_logical_slot_get_binary_changes('s', null, null)

select * from pg_logical_slot_peek_binary_changes('s', null, null)

select pg_logical_emit_message(false, 'a', 'b')

select pg_replication_origin_create('o')

select pg_replication_origin_drop('o')

select pg_replication_origin_advance('o', '0/0')

select pg_replication_origin_session_setup('o')

select pg_replication_origin_xact_setup('0/0', now())

select pg_sync_replication_slots()

-- Function: log of changes, backup, recovery
select pg_switch_wal()

select pg_create_restore_point('x')

select pg_backup_start('x')

select pg_backup_stop()

select pg_start_backup('x')

select pg_stop_backup()

select pg_wal_replay_pause()

select pg_wal_replay_resume()

select pg_log_standby_snapshot()

-- Function: statistics
select pg_stat_reset()

select pg_stat_reset_shared('bgwriter')

select pg_stat_reset_single_table_counters(1)

select pg_stat_reset_single_function_counters(1)

select pg_stat_reset_slru('x')

select pg_stat_reset_replication_slot('x')

select pg_stat_reset_subscription_stats(1)

select pg_stat_reset_backend_stats(1)

select pg_stat_statements_reset()

select pg_stat_statements_reset(0, 0, 0)

select pg_qualstats_reset()

select pg_stat_force_next_flush()

select pg_restore_relation_stats('relation', 'orders'::regclass)

select pg_clear_relation_stats('public', 'orders')

select pg_clear_attribute_stats('public', 'orders', 'id', false)

-- Function: storage
select brin_summarize_new_values('i')

select brin_summarize_range('i', 0)

select brin_desummarize_range('i', 0)

select gin_clean_pending_list('i')

select pg_prewarm('orders')

select autoprewarm_start_worker()

select pg_buffercache_evict(1)

select pg_buffercache_evict_all()

select pg_truncate_visibility_map('orders')

select heap_force_kill('orders', array['(0,1)']::tid[])

select heap_force_freeze('orders', array['(0,1)']::tid[])

select bt_index_parent_check('orders_pkey')

select repack.repack_apply(null, null, null, null, null, 0)

-- Function: beneath privileges
select get_raw_page('pg_authid', 0)

select * from heap_page_items(get_raw_page('pg_authid', 0))

select * from pg_get_wal_block_info('0/0', '0/1')

select * from pg_hba_file_rules()

select * from pg_ident_file_mappings()

select * from pg_show_all_file_settings()

-- Function: transactions
select txid_current()

select pg_current_xact_id()

select pg_export_snapshot()

-- Function: internals
select binary_upgrade_set_next_pg_type_oid(1)

select binary_upgrade_create_empty_extension('x', 'y', false, 'z', null, null, null)

select pg_extension_config_dump('orders', '')

select pg_import_system_collations('pg_catalog')

select pg_stop_making_pinned_objects()

select fmgr_c_validator(1), plpgsql_validator(1)

-- Function: hypothetical indexes
select * from hypopg_create_index('create index on orders (total)')

select hypopg_reset()

select hypopg_drop_index(1)

select hypopg_hide_index(1)
