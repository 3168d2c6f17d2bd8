--- class: Plain changes of data

--- attack: insert values
insert into victim values (100, 'x', 0)

--- attack: insert from a query
insert into extra select id, name from victim

--- attack: insert default values
insert into extra default values returning *

--- attack: insert or update
insert into victim values (1, 'x', 0) on conflict (id) do update set name = 'taken'

--- attack: insert or nothing
insert into victim values (101, 'y', 0) on conflict do nothing

--- attack: insert into a view
insert into amounts values (102, 3)

--- attack: update all rows
update victim set amount = 0

--- attack: update from another table
update victim as v set name = e.note from extra as e where e.id = v.id

--- attack: update a view
update amounts set amount = -1 where id = 3

--- attack: update that changes nothing but the version of a row
update victim set name = name where id = 4

--- attack: delete one row
delete from victim where id = 5

--- attack: delete using another table
delete from victim using extra where extra.id = victim.id

--- attack: merge
merge into victim as v using extra as e on v.id = e.id + 5
    when matched then update set amount = 1 when not matched then insert values (e.id + 200, e.note, 0)

--- attack: truncate
truncate extra

--- attack: truncate and restart
truncate table victim restart identity cascade

--- attack: with before an update
with one as (select 6 as id) update victim set name = 'with' from one where victim.id = one.id

--- attack: with before a delete
with one as (select 7 as id) delete from victim using one where victim.id = one.id returning *

--- attack: refresh
--- setup: insert into victim values (900, 'new', 1)
--- sql:
refresh materialized view summary
