--- Attacks that no parser outside of the server can see: the text says nothing of what is called.
--- The first layer lets them pass (a test holds that, so that nobody counts on it); they are left to
--- the second one, to READ ONLY, to the role's privileges and to the server's limits.
--- Setups are for the tests of the second layer. A heading says what the statements have in common
--- and what stops them.

-- functions of users with a trusted name: second layer
--- setup: create function lower(integer) returns text language sql as 'select pg_read_file(''f'')'
select lower(1)

--- setup: create function public.now(integer default 0) returns text language plpgsql as …
select public.now()

select app.total(id) from orders

select count_all(id) from orders

-- attribute notation with functions of users: second layer
select o.secret_of from orders o

select (o).secret_of from orders o

select (row(1)::orders_row).reads_files

-- operators of users: second layer
--- setup: create operator public.=== (leftarg = integer, rightarg = integer, function = reads_files)
select 1 === 2

select 1 operator(public.===) 2

select * from customers order by id using operator(public.<<<)

select 1 = any (array[1]::app_int[])

-- casts, domains and types of users: second layer
select 'x'::checked_domain

select cast(1 as app_type)

select '1'::app_type + 1

select json_populate_record(null::with_checked_domain, '{"a":1}')

select pg_input_is_valid('x', 'checked_domain')

-- views, rules and policies: second layer, role
select * from view_over_pg_authid

select * from view_that_calls_pg_read_file

select * from table_with_policy_that_calls

select * from foreign_table_over_a_file

-- names that only the server resolves: second layer
select current_setting('primary' || '_conninfo')

select setting from pg_settings where name = 'primary_conninfo'

select most_common_vals from pg_stats where tablename = 'pg_authid' and attname = 'rolpassword'

select query from pg_stat_activity

select query from pg_stat_statements

select prosrc from pg_proc where prosecdef

-- new words of the grammar that older servers take for functions: second layer
select json_value(1, 'x')

select json_scalar('x')

-- time: statement_timeout
select count(*) from generate_series(1, 10000000000)

with recursive q (n) as (select 1 union all select n + 1 from q) select count(*) from q

select count(*) from customers a, customers b, customers c, customers d, customers e, customers f

select 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' ~ '^(a+)+$'

select repeat('a', 1000000) similar to '(a|aa)+b'

-- memory and disk: work_mem, temp_file_limit, limits of the answer
select repeat('x', 1000000000)

select string_agg(repeat('x', 1000000), '') from generate_series(1, 1000)

select array_agg(g) from generate_series(1, 1000000000) g

select * from generate_series(1, 1000000000) g order by g desc

select array_fill(0, array[100000000])

select lpad('', 1000000000, 'x')

select jsonb_agg(repeat('x', 1000000)) from generate_series(1, 100) g
