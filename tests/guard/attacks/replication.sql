--- class: Replication
--- setup:
select pg_create_physical_replication_slot('kept_{database}', true);
select pg_create_logical_replication_slot('read_{database}', 'test_decoding');
set synchronous_commit = on; insert into extra values (1, 'logged');
select pg_replication_origin_create('origin_{database}');

--- attack: create a physical slot
select pg_create_physical_replication_slot('planted_1')

--- attack: create a slot that keeps files
select pg_create_physical_replication_slot('planted_2', true)

--- attack: create a temporary slot
select pg_create_physical_replication_slot('planted_3', true, true)

--- attack: create a logical slot
select pg_create_logical_replication_slot('planted_4', 'test_decoding')

--- attack: create in from
select * from pg_create_physical_replication_slot('planted_5') as t (a, b)

--- attack: copy a slot
select pg_copy_physical_replication_slot('kept_{database}', 'planted_6')

--- attack: copy a logical slot
select pg_copy_logical_replication_slot('read_{database}', 'planted_7')

--- attack: read changes, which moves the slot
select * from pg_logical_slot_get_changes('read_{database}', null, null)

--- attack: read changes with a schema
--- setup: set synchronous_commit = on; insert into extra values (2, 'logged')
--- sql:
select data from pg_catalog.pg_logical_slot_get_changes('read_{database}', null, null, 'include-xids', '0')

--- attack: peek at changes of all tables
--- setup: set synchronous_commit = on; insert into extra values (3, 'canary-change')
--- sql:
select * from pg_logical_slot_peek_changes('read_{database}', null, null)

--- attack: read binary changes
--- setup: set synchronous_commit = on; insert into extra values (4, 'logged')
--- sql:
select count(*) from pg_logical_slot_get_binary_changes('read_{database}', null, null)
--- control: select pg_logical_slot_get_changes('read_{database}', null, null)

--- attack: advance a slot
--- setup: set synchronous_commit = on; insert into extra values (5, 'logged')
--- sql:
select pg_replication_slot_advance('read_{database}', pg_current_wal_lsn())

--- attack: drop a slot
--- setup: select pg_create_physical_replication_slot('doomed_{database}')
--- sql:
select pg_drop_replication_slot('doomed_{database}')

--- attack: drop all slots
--- setup: select pg_create_physical_replication_slot('doomed_too_{database}')
--- sql:
select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name ~ '^doomed'

--- attack: create an origin
select pg_replication_origin_create('planted')

--- attack: drop an origin
--- setup: select pg_replication_origin_create('doomed_origin_{database}')
--- sql:
select pg_replication_origin_drop('doomed_origin_{database}')

--- attack: advance an origin
select pg_replication_origin_advance('origin_{database}', '0/AAAAAA')

--- attack: origin of the session
select pg_replication_origin_session_setup('origin_{database}')
--- next: select not pg_replication_origin_session_is_setup()

--- attack: create publication
create publication planted_{database} for table victim

--- attack: detach a subscription from its slot
--- setup: create subscription doomed_{database} connection 'host=nowhere' publication p with (connect = false)
--- sql:
alter subscription doomed_{database} set (slot_name = none)

--- attack: alter subscription
--- setup: create subscription altered_{database} connection 'host=nowhere' publication p with (connect = false)
--- sql:
alter subscription altered_{database} connection 'host=elsewhere'

--- attack: skip a transaction
--- setup: create subscription skipping_{database} connection 'host=nowhere' publication p with (connect = false)
--- sql:
alter subscription skipping_{database} skip (lsn = '0/AA')
