--- class: Attribute notation
--- setup:
create function wrecks(victim) returns integer language sql volatile as 'select harm()';
create function wrecks_quietly(victim) returns integer language plpgsql stable as
    $$ begin return quiet_harm(); end $$;
create type pair as (a integer, b text);
create function wrecks_pair(pair) returns integer language sql volatile as 'select harm()';
create function contents(text) returns text language sql volatile as 'select pg_read_file($1)';

--- attack: alias and dot
select v.wrecks from victim as v

--- attack: table and dot
select victim.wrecks from victim

--- attack: parentheses
select (v).wrecks from victim as v

--- attack: in where
select 1 from victim as v where v.wrecks = 1

--- attack: in order by
select 1 from victim as v order by v.wrecks

--- attack: of a row
select (row(1, 'x')::pair).wrecks_pair

--- attack: of a subquery
select (select v from victim as v limit 1).wrecks
--- control: select wrecks(v) from victim as v

--- attack: of a column in a subquery
select (q.x).wrecks from (select v as x from victim as v) as q

--- attack: of a whole row called as a function
select wrecks(v.*) from victim as v

--- attack: a liar
select v.wrecks_quietly from victim as v

--- attack: a file
select ('{scratch}/secret.txt'::text).contents

--- attack: a built-in for files
select ('{scratch}/secret.txt'::text).pg_read_file

--- attack: a built-in for files, on a column
select f.pg_read_file from unnest(array['{scratch}/secret.txt']) as f

--- attack: an element of an array
select ((array['{scratch}/secret.txt'])[1]).pg_read_file
