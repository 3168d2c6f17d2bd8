--- Statements that restricted mode must refuse: kinds of statements that do more than read.

-- Statement: changes of data
insert into customers (id, name) values (1, 'x')

insert into customers select * from customers

insert into customers default values returning *

update orders set total = 0

update only orders o set total = c.id from customers c where c.id = o.customer_id returning *

delete from orders

delete from orders using customers where true returning *

merge into orders o using customers c on o.customer_id = c.id when matched then delete

with q as (select 1) insert into customers select 1, 'x' from q

with q as (select 1) update orders set total = 0

with q as (select 1) delete from orders

with q as (select 1) merge into orders o using q on true when matched then do nothing

truncate orders

truncate table orders, customers restart identity cascade

copy orders to '/tmp/x'

copy orders from '/tmp/x'

copy orders to program 'sh'

copy (select * from orders) to stdout

copy (select 1) to '/tmp/x'

copy orders from stdin

copy (delete from orders returning *) to stdout

-- Statement: definitions
create table t (a int)

create temp table t (a int)

create unlogged table t (a int)

create table t as select 1

create temporary table t on commit drop as select 1

create table t (like orders)

create view v as select 1

create or replace temp view v as select 1

create materialized view v as select 1

refresh materialized view v

refresh materialized view concurrently v

create index on orders (total)

create unique index concurrently i on orders (id)

create schema s

create schema s create table t (a int)

create sequence s

create function f() returns int language sql as 'select 1'

create or replace function f() returns int language sql begin atomic select 1; end

create procedure p() language sql as 'select 1'

create trigger t before insert on orders execute function f()

create event trigger t on ddl_command_start execute function f()

create rule r as on select to orders do instead select 1

create policy p on orders

create type t as (a int)

create type t as enum ('a')

create domain d as int check (value > 0)

create aggregate a (int) (sfunc = int4pl, stype = int)

create operator === (leftarg = int, rightarg = int, function = int4eq)

create operator class c for type int using btree as function 1 btint4cmp(int, int)

create cast (int as text) without function

create collation c from "C"

create conversion c for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1

create text search configuration c (copy = english)

create statistics s on id, total from orders

create extension dblink

create language plpython3u

create foreign data wrapper w

create server s foreign data wrapper postgres_fdw

create user mapping for public server s

create foreign table t (a int) server s

import foreign schema x from server s into public

create publication p for all tables

create subscription s connection 'host=x' publication p

create role r

create user u superuser

create group g

create database d

create tablespace t location '/tmp'

create access method m type index handler h

create transform for int language sql (from sql with function f(internal))

alter table orders add column x int

alter table orders disable row level security

alter index orders_pkey rename to x

alter role postgres superuser

alter user postgres password 'x'

alter database postgres set work_mem = '1GB'

alter system set work_mem = '1GB'

alter function f() owner to x

alter default privileges grant select on tables to public

alter sequence tickets restart

alter view v rename to w

alter type t add value 'b'

alter extension dblink update

alter subscription s disable

drop table orders

drop table if exists orders cascade

drop schema public cascade

drop owned by postgres

drop database postgres

drop role postgres

drop index concurrently orders_pkey

drop function f()

reassign owned by a to b

grant select on orders to public

grant postgres to public

revoke all on orders from public

comment on table orders is 'x'

security label on table orders is 'x'

-- Statement: maintenance
vacuum

vacuum full orders

vacuum (analyze, verbose) orders

analyze

analyze orders (total)

cluster

cluster orders using orders_pkey

reindex table orders

reindex (concurrently) index orders_pkey

reindex database postgres

checkpoint

load 'x'

-- Statement: the session
set work_mem = '1GB'

set local statement_timeout = 0

set session characteristics as transaction read write

set transaction read write

set role postgres

set session authorization postgres

set time zone 'UTC'

set search_path to public

set names 'LATIN1'

reset all

reset work_mem

reset role

reset session authorization

discard all

discard temp

set constraints all deferred

lock table orders

lock orders in access exclusive mode nowait

listen c

unlisten *

notify c, 'x'

-- Statement: transactions
begin

begin read write

start transaction

commit

commit and chain

end

rollback

rollback and chain

abort

savepoint s

release savepoint s

rollback to savepoint s

prepare transaction 'x'

commit prepared 'x'

rollback prepared 'x'

-- Statement: prepared statements and cursors
prepare p as select 1

prepare p as delete from orders

execute p

execute p (1, 2)

deallocate p

deallocate all

declare c cursor for select 1

declare c cursor with hold for select * from orders

fetch all from c

move 1 in c

close c

-- Statement: code
do $$ begin perform 1; end $$

do language plpgsql 'begin end'

call p()

call pg_catalog.p(1)

-- Statement: EXPLAIN that executes or has no plan
explain analyze insert into customers (id) values (1)

explain analyze update orders set total = 0

explain analyze delete from orders

explain (analyze) delete from orders

explain (analyze true) delete from orders

explain (analyze on) delete from orders

explain (analyze 1) delete from orders

explain (analyze 'true') delete from orders

explain (analyze false, analyze) delete from orders

explain (analyze, analyze off) delete from orders

explain (verbose, ANALYZE) delete from orders

explain (analyze maybe) delete from orders

explain (analyze 2) delete from orders

explain analyse verbose delete from orders

explain analyze merge into orders o using customers c on true when matched then delete

explain analyze with q as (select 1) delete from orders

explain analyze create table t as select 1

explain analyze create materialized view v as select 1

explain analyze declare c cursor for select 1

explain execute p

explain analyze execute p (1)

explain create table t as execute p

explain refresh materialized view v
