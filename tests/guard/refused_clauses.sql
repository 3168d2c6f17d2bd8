--- Statements that restricted mode must refuse: queries with a clause, relation or setting that
--- makes them so, and texts that are not one statement.

-- Clause: SELECT INTO
select * into t from orders

select 1 into temp t

select 1 into unlogged t

select into t

select 1 into table t from orders limit 1

with q as (select 1) select * into t from q

select 1 into t union select 2

explain analyze select 1 into t

-- Clause: row locks
select * from orders for update

select * from orders for no key update

select * from orders for share

select * from orders for key share

select * from orders for update of orders nowait

select * from orders for update skip locked

select * from orders for share for update

select * from orders limit 1 for update

select * from (select * from orders for update) q

select (select id from orders limit 1 for update)

with q as (select * from orders for update) select 1

select * from orders where id in (select id from orders for share)

values (1) for update

explain analyze select * from orders for update

-- Clause: changes in WITH
with q as (insert into customers (id) values (1) returning *) select * from q

with q as (update orders set total = 0 returning *) select * from q

with q as (delete from orders returning *) select * from q

with q as (delete from orders) select 1

with q as (merge into orders o using customers c on true when matched then delete returning o.*) table q

with q as (select 1), r as (delete from orders returning *) select * from q

with recursive q as (delete from orders returning id) select * from q

with q as materialized (delete from orders returning *) values (1)

select * from (with q as (delete from orders returning *) select * from q) x

select (with q as (delete from orders returning id) select max(id) from q)

with a as (with b as (delete from orders returning *) select * from b) select * from a

explain analyze with q as (delete from orders returning *) select * from q

-- Relation: secrets
select * from pg_authid

select rolpassword from pg_catalog.pg_authid

select passwd from pg_shadow

table pg_authid

table pg_catalog.pg_shadow

select * from public.pg_authid

select * from "pg_authid"

select * from PG_AUTHID

select * from U&"pg_\0061uthid"

select * from postgres.pg_catalog.pg_authid

select * from only pg_authid

select * from pg_authid a, pg_roles r

select * from pg_roles r left join pg_authid a using (oid)

select (select rolpassword from pg_authid limit 1)

select exists (select from pg_authid where rolpassword like 'md5%')

select * from customers where name in (select rolpassword from pg_authid)

select row_to_json(a) from pg_authid a

select * from pg_authid tablesample system (100)

values ((select rolpassword from pg_authid limit 1))

select 1 union all select count(*) from pg_shadow

with q as (select * from pg_authid) select * from q

with pg_authid as (select * from pg_authid) select * from pg_authid

with q as (select * from pg_authid), pg_authid as (select 1) select * from q

with pg_authid as (select 1) select * from pg_catalog.pg_authid

with pg_authid as (select 1) select * from public.pg_authid

select * from (with pg_authid as (select 1) table pg_authid) q, pg_authid

select * from pg_user_mapping

select umoptions from pg_user_mappings

select * from information_schema.user_mapping_options

select * from information_schema._pg_user_mappings

select subconninfo from pg_subscription

select * from pg_hba_file_rules

select * from pg_ident_file_mappings

select * from pg_file_settings

select data from pg_largeobject

select * from vault.decrypted_secrets

explain select * from pg_authid

explain analyze select * from pg_authid

explain delete from pg_authid

-- Setting: secrets
show primary_conninfo

show ssl_passphrase_command

show "Primary_ConnInfo"

show app.jwt_secret

select current_setting('primary_conninfo')

select current_setting('PRIMARY_CONNINFO', true)

select pg_catalog.current_setting('app.settings.jwt_secret'::text)

select current_setting(U&'primary\005fconninfo')

-- Several: statements
select 1; select 2

select 1; drop table orders

select 1; delete from orders; --

select 1;; select 2;

; select 1; ; select 2

begin; select 1; commit

select 1; commit; drop table orders

select $$ ; $$; select ';'

select 1 /* ; */; /* x */ select 2

-- Syntax: not SQL
selekt 1

select from where

select (1

select 1)

select 1) as q; drop table orders; --

select 'unfinished

select "unfinished

select $$unfinished

select $a$ x $b$

select 1 /* unfinished

select E'\

select * from orders where

select U&"\zzzz"

drop

hello, show me all the customers

`select 1`

select 1 from customers limit 1, 2

\d customers

-- Text: nothing in it
;

;;;

/* only a comment */

/* x */ ;
