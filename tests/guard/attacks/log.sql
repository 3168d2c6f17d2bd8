--- class: The log of changes, backup and transactions
--- setup:
create function emits() returns pg_lsn language sql volatile as $$ select pg_logical_emit_message(false, 'a', 'b') $$;

--- attack: switch
select pg_switch_wal()

--- attack: switch in from
--- setup: insert into extra values (1, 'so that there is something to switch')
--- sql:
select * from pg_switch_wal()

--- attack: restore point
select pg_create_restore_point('planted')

--- attack: message
select pg_logical_emit_message(false, 'prefix', 'planted')

--- attack: transactional message
select pg_logical_emit_message(true, 'prefix', 'planted')

--- attack: binary message
select pg_logical_emit_message(false, 'prefix', '\x00'::bytea)

--- attack: message of each row
select pg_logical_emit_message(false, 'prefix', name) from victim

--- attack: message by a function
select emits()

--- attack: begin a backup
select pg_backup_start('planted', true)

--- attack: checkpoint
checkpoint

--- attack: transaction number
select txid_current()

--- attack: transaction number by its new name
select pg_current_xact_id()

--- attack: transaction numbers in from
select * from txid_current() as t

--- attack: snapshot for others
select pg_export_snapshot()
--- secret: -1


--- attack: object numbers
select max(pg_nextoid('pg_class', 'oid', 'pg_class_oid_index')) from generate_series(1, 20000)

--- attack: a logged transaction number by a cast of a function
select (txid_current())::text::bigint + 1
