--- class: Row security, defaults, generated and index expressions
--- Policies do not hold for a superuser, but for views of other roles that one reads through.
--- setup:
create table secured (id integer, note text);
insert into secured values (1, 'a');
alter table secured enable row level security;
create policy by_call on secured using (harm() = 1);
grant select on secured to tenant;
create view as_tenant as select * from secured;
alter view as_tenant owner to tenant;
create table secured_quietly (id integer);
insert into secured_quietly values (1);
alter table secured_quietly enable row level security;
create policy by_liar on secured_quietly using (quiet_harm() = 1);
grant select on secured_quietly to tenant;
create view quietly_as_tenant as select * from secured_quietly;
alter view quietly_as_tenant owner to tenant;
create table with_default (id integer default harm());
create function looks(integer) returns integer language plpgsql immutable as 'begin return $1 + frozen_harm(); end';
create table with_check (id integer check (looks(id) > 0));
create table with_generated (id integer, twice integer generated always as (looks(id)) stored);
create table with_index (id integer);
create index on with_index (looks(id));
create table parted (id integer) partition by range (looks(id));
create table parted_low partition of parted for values from (0) to (1000);

--- attack: a policy
select * from as_tenant

--- attack: a policy, in a subquery
select (select count(*) from as_tenant)

--- attack: a policy by with
with q as (select * from as_tenant) select * from q

--- attack: a policy, joined
select * from victim as v left join as_tenant as t using (id)

--- attack: a policy by explain analyze
explain analyze select * from as_tenant

--- attack: a policy of a liar
select * from quietly_as_tenant

--- attack: a default
insert into with_default default values

--- attack: a check
insert into with_check values (1)

--- attack: a generated column
insert into with_generated values (1)

--- attack: an index expression
insert into with_index values (1)

--- attack: a partition key
insert into parted values (1)
