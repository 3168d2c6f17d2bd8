--- class: Sequences
--- setup:
create function next_of(text) returns bigint language sql volatile as 'select nextval($1)';
create function next_quietly() returns bigint language plpgsql stable as $$ begin return nextval('counter'); end $$;
create view next_by_view as select nextval('counter') as n;
create unlogged sequence quick;
create table numbered (id integer generated always as identity, n integer default nextval('counter'));

--- attack: nextval
select nextval('counter')

--- attack: nextval in from
select * from nextval('counter')

--- attack: nextval with ordinality
select * from nextval('counter'::regclass) with ordinality

--- attack: nextval in where
select 1 where nextval('counter') > 0

--- attack: nextval of each row
select id, nextval('counter') from victim

--- attack: nextval by attribute
select ('counter'::regclass).nextval

--- attack: nextval of an unlogged sequence
select nextval('quick')

--- attack: nextval by a function
select next_of('counter')

--- attack: nextval by a liar
select next_quietly()

--- attack: nextval by a view
select * from next_by_view

--- attack: nextval in limit
select id from victim limit nextval('counter')

--- attack: nextval in a case
select case when id > 7 then nextval('counter') end from victim

--- attack: setval
select setval('counter', 1000)

--- attack: setval that is not called
select setval('counter', 2000, false)

--- attack: setval of every sequence
select setval(oid::regclass, 5000) from pg_class where relkind = 'S' and relname = 'counter'

--- attack: a default
insert into numbered default values

--- attack: restart
alter sequence counter restart

--- attack: explain analyze
explain analyze select nextval('counter')

--- attack: in a schema and quoted
select pg_catalog."nextval"('public.counter')
