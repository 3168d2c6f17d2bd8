--- class: Trusted names for other functions
--- setup:
create function lower(integer) returns text language sql volatile as 'select harm()::text';
create function now(integer) returns integer language sql volatile as 'select harm()';
create function count(integer, integer) returns integer language sql volatile as 'select harm()';
create function abs(text) returns integer language sql volatile as 'select harm()';
create function public.version(variadic integer[]) returns integer language sql volatile as 'select harm()';
create function upper(victim) returns text language sql volatile as 'select harm()::text';
create function read_me(text) returns text language internal as 'pg_read_file_all';
create function length(pg_catalog.name) returns integer language plpgsql volatile as
    'begin return harm(); end';
create function concat_ws(integer, integer) returns integer language plpgsql stable as
    'begin return quiet_harm(); end';
create function max_step(integer, victim) returns integer language sql volatile as 'select harm()';
create aggregate max (victim) (sfunc = max_step, stype = integer);

--- attack: by the type of the argument
select lower(1)

--- attack: with a schema
select public.lower(1)

--- attack: now
select now(1)

--- attack: count
select count(1, 2)

--- attack: abs of a text
select abs('x'::text)

--- attack: variadic
select version(1, 2)

--- attack: of a row
select upper(v) from victim as v

--- attack: a better match than the server's
select length(name) from (select 'x'::name as name) as q

--- attack: internal code under another name
select read_me('{scratch}/secret.txt')

--- attack: a liar with a better match
select concat_ws(1, 2)

--- attack: an aggregate
select max(v) from victim as v

--- attack: in a schema of its own
--- setup: create schema before; create function before.lower(text) returns text language sql volatile as 'select harm($1)'
--- sql:
select before.lower('x')

--- attack: a built-in's name with a schema that is not pg_catalog
--- setup: create function public.current_database() returns text language sql volatile as 'select harm()::text'
--- sql:
select public.current_database()

--- attack: generate_series
--- setup: create function public.generate_series(text) returns setof integer language sql volatile as 'select harm()'
--- sql:
select * from generate_series('x'::text)
