--- class: SELECT INTO and CREATE TABLE AS

--- attack: select into
select * into taken from victim

--- attack: select into without a table
select 1 as a into taken_one

--- attack: select into unlogged
select 1 as a into unlogged taken_unlogged

--- attack: select into table
select 1 as a into table taken_table

--- attack: select into no columns
select into taken_nothing

--- attack: select into temporary
select 1 as a into temp taken_temporary
--- next: select to_regclass('taken_temporary') is null

--- attack: with before select into
with q as (select 1 as a) select * into taken_with from q

--- attack: union into
select 1 as a into taken_union union select 2

--- attack: create table as
create table taken_as as select * from victim

--- attack: create table as values
create table taken_values as values (1)

--- attack: create table as with no data
create table taken_empty as select * from victim with no data

--- attack: create temporary table as
create temp table taken_temporary_as as select 1 as a
--- next: select to_regclass('taken_temporary_as') is null

--- attack: create materialized view
create materialized view taken_view as select 1 as a

--- attack: explain analyze create table as
explain analyze create table taken_explained as select 1 as a

--- attack: explain analyze select into
explain analyze select 1 as a into taken_explained_into

--- attack: create table as execute
prepare p as select 1 as a; create table taken_executed as execute p
