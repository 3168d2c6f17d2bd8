--- class: Casts, domains and types of users
--- setup:
create type coin as (n integer);
create function coin_to_text(coin) returns text language sql volatile as 'select harm()::text';
create function coin_from_integer(integer) returns coin language sql volatile as 'select row(harm())::coin';
create function coin_to_integer(coin) returns integer language sql volatile as 'select harm()';
create cast (coin as text) with function coin_to_text(coin) as implicit;
create cast (integer as coin) with function coin_from_integer(integer) as implicit;
create cast (coin as integer) with function coin_to_integer(coin) as implicit;
create domain checked as integer check (harm() = 1 and value > 0);
create domain checked_text as text check (harm(value) is not null);
create domain checked_twice as checked;
create domain checked_quietly as integer check (quiet_harm() = value);
create type holder as (n checked, t text);
create function takes_coin(coin) returns integer language plpgsql immutable as 'begin return 1; end';
create table held (h holder, list checked[]);
create table hoard (c coin);
insert into hoard values (row(1));

--- attack: explicit
select c::text from hoard

--- attack: cast as
select cast(c as integer) from hoard

--- attack: the function itself
select coin_from_integer(1)

--- attack: implicit, as an argument
select takes_coin(1)

--- attack: implicit, in an expression
select c + 1 from hoard

--- attack: implicit, as an argument of a built-in
select initcap(c) from hoard

--- attack: implicit, in a join
select 1 from victim as v join hoard as h on v.id = h.c

--- attack: implicit, in case
select case when true then c else 1 end from hoard
--- control: select c::integer from hoard

--- attack: domain
select 1::checked

--- attack: domain of a constant
select checked '1'

--- attack: domain of a text
select 'x'::checked_text

--- attack: domain of a domain
select 1::checked_twice

--- attack: domain of a column
select id::checked from victim

--- attack: domain in an array
select array[1]::checked[]

--- attack: domain in an array literal
select '{1}'::checked[]

--- attack: domain in a row literal
select '(1,x)'::holder

--- attack: domain by a row
select row(1, 'x')::holder

--- attack: domain by json
select json_populate_record(null::holder, '{"n": 1}')

--- attack: domain by jsonb
select jsonb_populate_recordset(null::holder, '[{"n": 1}]')

--- attack: domain by a list of columns
select * from json_to_record('{"n": 1}') as t (n checked)

--- attack: domain by jsonb list of columns
select * from jsonb_to_recordset('[{"n": 1}]') as t (n checked)

--- attack: domain by xmltable
select * from xmltable('/a' passing '<a>1</a>' columns n checked path '.')

--- attack: domain by hstore
select populate_record(null::holder, 'n=>1')

--- attack: domain of a liar
select 1::checked_quietly

--- attack: domain as a default of a constant comparison
select * from victim where id = '1'::checked

--- attack: domain in values
values (1::checked), (2)

--- attack: domain in string_to_array
select string_to_array('1', ',')::checked[]
