--- class: Out of the transaction

--- attack: commit
commit; insert into extra values (30, 'x')

--- attack: commit first
begin; commit; begin; insert into extra values (31, 'x'); commit

--- attack: rollback
rollback; delete from victim where id = 1

--- attack: end
end; delete from victim where id = 2

--- attack: abort
abort; delete from victim where id = 3

--- attack: commit and chain
begin; commit and chain; delete from victim where id = 4; commit

--- attack: read write
begin; set transaction read write; delete from victim where id = 5; commit

--- attack: read write by the setting
begin; set transaction_read_only = off; delete from victim where id = 6; commit

--- attack: by set_config
begin; select set_config('transaction_read_only', 'off', true); delete from victim where id = 7; commit

--- attack: session characteristics
set session characteristics as transaction read write; delete from victim where id = 8

--- attack: savepoint
begin; savepoint s; insert into extra values (32, 'x'); release savepoint s; commit

--- attack: prepare transaction
begin; insert into extra values (33, 'x'); prepare transaction 'planted'

--- attack: commit prepared
--- setup: begin; insert into extra values (34, 'x'); prepare transaction 'ready for {database}'
--- sql:
commit prepared 'ready for {database}'

--- attack: rollback prepared
--- setup: begin; insert into extra values (35, 'x'); prepare transaction 'also ready for {database}'
--- sql:
rollback prepared 'also ready for {database}'

--- attack: a procedure that commits
--- setup: create procedure commits() language plpgsql as $$ begin commit; insert into extra values (36, 'x'); commit; end $$
--- sql:
call commits()

--- attack: a setting of a function's own
--- until: 16
--- setup: create function writable() returns void language plpgsql set transaction_read_only = off as $$ begin insert into extra values (37, 'x'); end $$
--- sql:
select writable()
--- control: insert into extra values (37, 'x')

--- attack: a setting in a block
--- setup: create function escapes() returns void language plpgsql as $$ begin perform set_config('transaction_read_only', 'off', true); insert into extra values (38, 'x'); end $$
--- sql:
select escapes()
