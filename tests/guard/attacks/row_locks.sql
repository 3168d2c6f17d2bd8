--- class: Locks of rows and tables

--- attack: for update
select * from victim where id = 1 for update

--- attack: for no key update
select * from victim where id = 2 for no key update

--- attack: for share
select * from victim where id = 3 for share

--- attack: for key share
select * from victim where id = 4 for key share

--- attack: nowait
select * from victim where id = 5 for update nowait

--- attack: skip locked
select * from victim where id = 6 for update skip locked

--- attack: in a subquery
select * from (select * from victim where id = 7 for update) as q

--- attack: in a scalar subquery
select (select id from victim where id = 8 for update)

--- attack: in with
with q as (select * from extra where id = 1 for update) select * from q

--- attack: in exists
select exists (select from extra where id = 2 for share)

--- attack: through a view
--- setup: create view locking as select * from extra for update
--- sql:
select * from locking

--- attack: through an sql function
--- setup: create function locks() returns setof extra language sql volatile as 'select * from extra for update'
--- sql:
select * from locks()

--- attack: of one table of several
select * from victim as v join extra as e using (id) for update of v

--- attack: explain analyze of it
explain analyze select * from victim for update

--- attack: lock table
--- resource:
--- sql:
lock table victim in access exclusive mode
--- control: begin; lock table victim; select pg_sleep(30)

--- attack: share lock that stops writers
--- resource:
--- sql:
lock table victim in share mode nowait
--- control: begin; lock table victim in share mode; select pg_sleep(30)
