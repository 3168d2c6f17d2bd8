--- class: State of the session that reaches the next call
--- setup:
create function leaves_table() returns integer language plpgsql volatile as
    $$ begin create temp table left_over (); return 1; end $$;
create function leaves_cursor() returns refcursor language plpgsql volatile as
    $$ declare c refcursor := 'left_open'; begin open c for select 1; return c; end $$;
create function takes_lock() returns integer language plpgsql stable as
    $$ begin perform pg_advisory_lock(88); return 1; end $$;

--- attack: advisory lock
select pg_advisory_lock(81)

--- attack: advisory lock of two numbers
select pg_advisory_lock(8, 2)

--- attack: shared advisory lock
select pg_advisory_lock_shared(83)

--- attack: advisory lock tried
select pg_try_advisory_lock(84)

--- attack: advisory lock in where
select id from victim where pg_try_advisory_lock(id)

--- attack: advisory lock in from
select * from pg_try_advisory_lock(85)

--- attack: advisory lock by a liar
select takes_lock()

--- attack: all advisory locks given up
select pg_advisory_unlock_all(), pg_advisory_lock(86)

--- attack: advisory lock of a transaction, and a wait
--- resource:
--- sql:
select pg_advisory_xact_lock(87), pg_sleep(100)

--- attack: prepare
prepare left_prepared as select 1
--- next: select count(*) = 0 from pg_prepared_statements

--- attack: prepare of a change
prepare left_change as delete from victim
--- next: select count(*) = 0 from pg_prepared_statements

--- attack: cursor with hold
declare left_cursor cursor with hold for select * from victim
--- next: select count(*) = 0 from pg_cursors where name = 'left_cursor'

--- attack: temporary table
create temp table left_table (id integer)
--- next: select to_regclass('left_table') is null

--- attack: temporary table that hides another
create temp table victim as select 1 as hidden
--- next: select count(*) = 3 from pg_attribute where attrelid = 'victim'::regclass and attnum > 0

--- attack: temporary table by a function
select leaves_table()

--- attack: temporary view
create temp view left_view as select 1 as a
--- next: select to_regclass('left_view') is null

--- attack: temporary function
create function pg_temp.left_function() returns integer language sql as 'select 1'
--- next: select to_regproc('pg_temp.left_function') is null

--- attack: listen
listen left_channel
--- next: select count(*) = 0 from pg_listening_channels()

--- attack: seed of random numbers
select setseed(0.5)
--- next: select random() not in (0.9851677175347999, 0.2499104186659835, 0.5225946113239252)

--- attack: seed in from
select * from setseed(0.5)
--- next: select random() not in (0.9851677175347999, 0.2499104186659835, 0.5225946113239252)

--- attack: hypothetical index
select * from hypopg_create_index('create index on victim (name)')
--- next: select count(*) = 0 from hypopg()

--- attack: a connection that stays
select dblink_connect('left_connection', 'host={socket} dbname={database} user=postgres application_name=left_behind')
--- holds: select count(*) = 0 from pg_stat_activity where application_name = 'left_behind'

--- attack: large object that stays open
begin; select lo_open(4242, 131072); insert into extra values (1, 'x'); commit

--- attack: transaction that stays open
begin
--- holds: select count(*) = 0 from pg_stat_activity where state like 'idle in transaction%' and datname = current_database()

--- attack: isolation
begin isolation level serializable; select 1
--- next: select current_setting('transaction_isolation') <> 'serializable'

--- attack: discard what the bridge needs
discard all
--- at bridge: without a guard there is nothing of others in the session
