--- class: DO and CALL
--- setup:
create procedure writes_row(integer) language sql as $$ insert into extra values ($1, 'called') $$;
create procedure writes_in_plpgsql(out n integer) language plpgsql as
    $$ begin insert into extra values (41, 'x'); n := 1; end $$;

--- attack: do that writes
do $$ begin insert into extra values (40, 'x'); end $$

--- attack: do with the language
do language plpgsql 'begin delete from victim where id = 1; end'

--- attack: do that executes a text
do $$ begin execute 'delete from ' || 'victim where id = 2'; end $$

--- attack: do that defines
do $$ begin create table planted_by_do (); end $$

--- attack: do that copies to a program
do $$ begin copy (select 1) to program 'cat > {scratch}/do.txt'; end $$

--- attack: do that commits
do $$ begin update victim set amount = 3; commit; end $$

--- attack: do that waits
--- resource:
--- sql:
do $$ begin loop end loop; end $$

--- attack: do that tells
do $$ declare p text; begin select rolpassword into p from pg_authid where rolname = 'other'; raise notice '%', p; end $$

--- attack: do that fails with a secret
do $$ declare p text; begin select rolpassword into p from pg_authid where rolname = 'other'; raise exception '%', p; end $$

--- attack: call
call writes_row(42)

--- attack: call with an out parameter
call writes_in_plpgsql(null)

--- attack: call in another schema
--- setup: create schema away; create procedure away.p() language sql as 'delete from victim where id = 3'
--- sql:
call away.p()

--- attack: call by named argument
--- setup: create procedure named(what text) language plpgsql as $$ begin execute what; end $$
--- sql:
call named(what => 'delete from victim where id = 4')
