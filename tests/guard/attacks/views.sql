--- class: Views and rules
--- setup:
create view calls as select harm() as n;
create view calls_in_where as select id from victim where harm() = 1;
create view over_view as select n from calls;
create view barrier with (security_barrier) as select id, harm() as n from victim;
create materialized view stored as select 1 as one;
create view of_definer as select quiet_harm() as n;
create view passwords as select rolname, rolpassword from pg_authid;
create view sorted as select id from victim order by harm();
create recursive view counted (n) as values (1) union all select n + harm() from counted where n < 2;
create view of_file as select pg_read_file('{scratch}/secret.txt') as line;
create view of_mapping as select * from pg_user_mappings;
create view filled as select * from extra;
create function on_read() returns setof victim language sql volatile as 'select v.* from victim as v, harm() as h';
create table ruled (id integer, name text, amount numeric(12, 2));
do $$ begin
    if current_setting('server_version_num')::integer < 160000 then
        create rule "_RETURN" as on select to ruled do instead
            select v.id, v.name, v.amount from victim as v, harm() as h;
    end if;
end $$;
create rule as_well as on insert to filled do instead insert into victim values (new.id + 300, new.note, 0);

--- attack: in its select list
select * from calls

--- attack: in its condition
select * from calls_in_where

--- attack: of a view
select n from over_view

--- attack: security barrier
select * from barrier where id = 1

--- attack: in a subquery
select 1 where exists (select from calls where n = 1)

--- attack: in its order
select * from sorted

--- attack: recursive
select * from counted

--- attack: a liar
select * from of_definer

--- attack: passwords
select * from passwords where rolname = 'other'

--- attack: passwords, as one value
select row_to_json(p) from passwords as p

--- attack: a file
select * from of_file

--- attack: passwords for foreign servers
select * from of_mapping

--- attack: a function that returns rows
select * from on_read()

--- attack: a table that is a rule
--- until: 15
--- sql:
select * from ruled

--- attack: a rule on insert
insert into filled values (1, 'x')

--- attack: joined with itself
select * from calls as a, calls as b

--- attack: its whole row
select c from calls as c

--- attack: table statement
table calls

--- attack: temporary view
create temp view passing as select harm() as n; select * from passing
