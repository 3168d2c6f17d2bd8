--- class: Side doors of the server
--- setup:
create table big (id integer, n integer, w tsvector);
insert into big select i, i, to_tsvector('w' || i) from generate_series(1, 2000) as i;
create index big_brin on big using brin (n) with (pages_per_range = 2, autosummarize = off);
create index big_gin on big using gin (w) with (fastupdate = on);
insert into big select i, i, to_tsvector('w' || i) from generate_series(2001, 6000) as i;

--- attack: collations
delete from pg_collation where collname = 'en_US'
--- control: delete from pg_collation where oid = (select max(oid) from pg_collation)

--- attack: collations of the system
--- setup: delete from pg_collation where collname in ('C.utf8', 'C.UTF-8', 'ucs_basic', 'en-x-icu')
--- sql:
select pg_import_system_collations('pg_catalog')

--- attack: collations in from
--- setup: delete from pg_collation where collname in ('C.utf8', 'C.UTF-8', 'de-x-icu')
--- sql:
select * from pg_import_system_collations('public'::regnamespace)

--- attack: summarize
select brin_summarize_new_values('big_brin')

--- attack: summarize in from
--- setup: insert into big select i, i, null from generate_series(6001, 9000) as i
--- sql:
select * from brin_summarize_new_values('big_brin'::regclass)

--- attack: summarize a range
--- setup: select brin_desummarize_range('big_brin', 0)
--- sql:
select brin_summarize_range('big_brin', 0)

--- attack: desummarize
--- setup: select brin_summarize_new_values('big_brin')
--- sql:
select brin_desummarize_range('big_brin', 2)

--- attack: pending list
select gin_clean_pending_list('big_gin')

--- attack: dump of an extension's table
--- setup: create table configured ()
--- sql:
select pg_extension_config_dump('configured', '')
--- control: alter extension hstore add table configured

--- attack: upgrade
select binary_upgrade_set_next_pg_type_oid(99999)
--- control: create type planted as (a integer)

--- attack: upgrade, an extension
select binary_upgrade_create_empty_extension('planted', 'public', false, '1', null, null, null)
--- control: comment on extension hstore is 'planted'

--- attack: pinned objects
select pg_stop_making_pinned_objects()
--- control: delete from pg_description where objoid = 1

--- attack: validator
select plpgsql_validator('harm()'::regprocedure), fmgr_sql_validator('harm(text)'::regprocedure)
--- control: select txid_current()

--- attack: handler
select plpgsql_inline_handler(null)
--- control: do $$ begin perform harm(); end $$

--- attack: catalog by hand
update pg_class set relname = 'moved' where relname = 'extra'

--- attack: catalog by hand, roles
update pg_authid set rolsuper = true where rolname = 'weak'

--- attack: catalog by hand, within
with q as (update pg_proc set procost = 5 where proname = 'harm' returning 1) select * from q

--- attack: catalog by hand, deleted
delete from pg_depend where objid = 'victim'::regclass

--- attack: catalog by hand, inserted
insert into pg_description values (1, 2, 3, 'x')

--- attack: by a schema
select pg_catalog.pg_create_restore_point('planted')

--- attack: by a schema in from
select * from pg_catalog.pg_logical_emit_message(false, 'a', 'b')

--- attack: lo_manage and kin as functions
select lo_oid(lo_create(0)::lo)

--- attack: mark of a statistics snapshot
select pg_stat_force_next_flush(), pg_stat_reset()

--- attack: a trigger function of an extension
create trigger planted before update on extra for each row execute function lo_manage(note)

--- attack: a text search dictionary that reads a file
create text search dictionary planted (template = simple, stopwords = english)

--- attack: a conversion
create conversion planted for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8

--- attack: an event
notify attack, 'door'

--- attack: random generator of an extension
select gen_random_uuid(), pg_catalog.setval('counter', 77)

--- attack: cursor by its name
begin; declare door cursor for select harm(); fetch door; commit

--- attack: a transaction number by a trigger's function
select txid_current_if_assigned(), txid_current()
