--- class: Waiting for others
--- setup:
create table held (id integer primary key, n integer);
insert into held values (1, 1), (2, 2);
create view of_held as select * from held;
create index on held (n);

--- attack: a table that somebody holds
--- meanwhile: lock table held in access exclusive mode
--- resource:
--- sql:
select * from held

--- attack: a view of it
--- meanwhile: lock table held in access exclusive mode
--- resource:
--- sql:
select count(*) from of_held

--- attack: only planned
--- meanwhile: lock table held in access exclusive mode
--- resource:
--- sql:
explain select * from held

--- attack: through explain_query
--- meanwhile: lock table held in access exclusive mode
--- resource:
--- call: explain_query
--- sql:
select * from held where n = 1
--- control: select * from held

--- attack: through analyze_query_indexes
--- meanwhile: lock table held in access exclusive mode
--- resource:
--- call: analyze_query_indexes {"queries": ["select * from held where n = 1"]}
--- control: select * from held

--- attack: through get_object_details
--- meanwhile: lock table held in access exclusive mode
--- resource:
--- call: get_object_details {"schema_name": "public", "object_name": "held"}
--- control: select * from held

--- attack: its definition
--- meanwhile: lock table held in access exclusive mode
--- resource:
--- sql:
select pg_get_viewdef('of_held'::regclass), pg_relation_size('held'), count(*) from held

--- attack: its size
--- meanwhile: lock table held in access exclusive mode
--- resource:
--- sql:
select pg_total_relation_size('held'::regclass)

--- attack: its statistics by an extension
--- meanwhile: lock table held in access exclusive mode
--- resource:
--- sql:
select * from pgstattuple('held')

--- attack: a row of a table that somebody is about to change
--- meanwhile: lock table held in exclusive mode
--- resource:
--- sql:
select * from held where id = 1 for update

--- attack: an advisory lock that somebody has
--- meanwhile: select pg_advisory_xact_lock(4711)
--- resource:
--- sql:
select pg_advisory_lock(4711)

--- attack: an advisory lock that somebody has, by a function
--- meanwhile: select pg_advisory_xact_lock(4712)
--- resource:
--- setup: select 1
--- sql:
select id from held where pg_advisory_lock_shared(4712) is not null

--- attack: a catalog that somebody holds
--- meanwhile: lock table pg_description in access exclusive mode
--- resource:
--- sql:
select obj_description('held'::regclass)

--- attack: a type that is being changed
--- meanwhile: alter table held add column more integer
--- resource:
--- sql:
select row_to_json(h) from held as h

--- attack: health of a database with a held table
--- meanwhile: lock table held in access exclusive mode
--- resource:
--- call: analyze_db_health {"health_type": "index"}
--- control: select pg_indexes_size('held')
