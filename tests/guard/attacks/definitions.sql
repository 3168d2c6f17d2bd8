--- class: Definitions

--- attack: create table
create table planted (id integer)

--- attack: create unlogged table
create unlogged table planted_unlogged (id integer)

--- attack: create table if not exists
create table if not exists planted_too (id integer)

--- attack: create view
create view planted_view as select 1 as one

--- attack: replace a view
create or replace view amounts as select id, 0::numeric(12, 2) as amount from victim

--- attack: create function
create function planted() returns integer language sql as 'select 1'

--- attack: replace a function
create or replace function double(integer) returns integer language sql immutable as 'select $1 * 3'

--- attack: create trigger
create trigger planted before insert on victim for each statement
    execute function suppress_redundant_updates_trigger()

--- attack: create rule
create rule planted as on delete to victim do instead nothing

--- attack: create index
create index planted_index on victim (name)

--- attack: create index concurrently
create index concurrently planted_concurrently on victim (amount)

--- attack: create schema
create schema planted_schema

--- attack: create schema with a table
create schema planted_whole create table t (a integer)

--- attack: create sequence
create sequence planted_sequence

--- attack: create type
create type planted_type as (a integer)

--- attack: create enum
create type planted_enum as enum ('a')

--- attack: create domain
create domain planted_domain as integer check (value > 0)

--- attack: create operator
create operator === (leftarg = integer, rightarg = integer, function = int4eq)

--- attack: create aggregate
create aggregate planted_sum (integer) (sfunc = int4pl, stype = integer)

--- attack: create cast
create cast (integer as bytea) with inout as assignment

--- attack: create statistics
create statistics planted_statistics on id, name from victim

--- attack: create policy
create policy planted on payslips using (true)

--- attack: create extension
create extension cube

--- attack: create role
create role planted_role superuser

--- attack: create user with a password
create user planted_user password 'x'

--- attack: create publication
create publication planted for all tables

--- attack: create server
create server planted foreign data wrapper postgres_fdw

--- attack: create event trigger
--- setup: create function on_event() returns event_trigger language plpgsql as 'begin end'
--- sql:
create event trigger planted on ddl_command_end execute function on_event()

--- attack: alter table
alter table victim add column planted integer

--- attack: alter table without a rewrite
alter table victim alter column name set statistics 10

--- attack: switch row security off
alter table payslips disable row level security

--- attack: alter role
alter role weak superuser

--- attack: alter role's settings
alter role weak set search_path = planted

--- attack: alter database's settings
alter database "{database}" set work_mem = '1GB'

--- attack: alter function
alter function harm() cost 7

--- attack: rename
alter view amounts rename to sums

--- attack: drop table
drop table if exists extra

--- attack: drop function
drop function double(integer)

--- attack: drop several with what depends on them
drop table victim, payslips cascade

--- attack: drop owned
--- setup: create table owned_by_weak (); alter table owned_by_weak owner to weak
--- sql:
drop owned by weak

--- attack: reassign owned
--- setup: create table owned_by_tenant (); alter table owned_by_tenant owner to tenant
--- sql:
reassign owned by tenant to postgres

--- attack: grant
grant select on extra to public

--- attack: grant a role
grant postgres to weak

--- attack: revoke
revoke select on payslips from public

--- attack: default privileges
alter default privileges grant all on tables to public

--- attack: comment
comment on table extra is 'planted'

--- attack: database
create database "planted of {database}"
