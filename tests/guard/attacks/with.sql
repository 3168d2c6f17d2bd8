--- class: Changes within WITH

--- attack: insert
with q as (insert into extra values (10, 'with') returning *) select * from q

--- attack: update
with q as (update victim set amount = 1 returning *) select count(*) from q

--- attack: delete
with q as (delete from victim where id = 1 returning *) select * from q

--- attack: delete whose rows nobody reads
with q as (delete from victim where id = 2) select 1

--- attack: one of several
with a as (select 1), b as (insert into extra values (11, 'b')), c as (select 2) select * from a, c

--- attack: in a with of a with
with a as (with b as (delete from victim where id = 3 returning *) select 1) select * from a
--- control: with b as (delete from victim where id = 3 returning *) select 1

--- attack: three deep
with a as (select * from (with b as (with c as (insert into extra values (12, 'c') returning *) select * from c) select * from b) as x) select * from a
--- control: with c as (insert into extra values (12, 'c') returning *) select * from c

--- attack: in a subquery
select * from (with q as (delete from extra returning *) select * from q) as x
--- control: with q as (delete from extra returning *) select * from q

--- attack: recursive
with recursive q as (insert into extra values (13, 'r') returning id), r(n) as (select id from q union all select n + 1 from r where n < 15) select * from r

--- attack: materialized
with q as materialized (update victim set name = 'm' where id = 4 returning *) values (1)

--- attack: with a union
with q as (insert into extra values (14, 'u') returning id) select id from q union all select 1

--- attack: explain analyze of it
explain analyze with q as (delete from victim where id = 5 returning *) select * from q

--- attack: upsert
with q as (insert into victim values (6, 'x', 1) on conflict (id) do update set name = 'x' returning *) table q

--- attack: two that write
with a as (insert into extra values (15, 'a') returning id), b as (update victim set amount = 2 where id = 7 returning id) select * from a, b

--- attack: in upper case and with comments
WITH/**/q/**/AS/**/(DELETE/**/FROM/**/victim/**/WHERE/**/id=8/**/RETURNING/**/1)SELECT/**/*/**/FROM/**/q
