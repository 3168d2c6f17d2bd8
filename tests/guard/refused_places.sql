--- Statements that restricted mode must refuse: a function call in every place that can hold one.
--- The tests put other functions in the place of pg_read_file too.
--- A heading says which class of refusal it must be, and what the statements have in common.

-- Function: select list
select pg_read_file('f')

select 1, pg_read_file('f')

select pg_read_file('f') as x from customers

select distinct pg_read_file('f')

select distinct on (pg_read_file('f')) 1

select lower(pg_read_file('f'))

select lower(upper(btrim(pg_read_file('f'))))

select (pg_read_file('f'))

select ((((pg_read_file('f')))))

select 'a' || pg_read_file('f')

select pg_read_file('f') || 'a'

select - length(pg_read_file('f'))

select pg_read_file('f')::text::varchar

select cast(pg_read_file('f') as text)

select pg_read_file('f') collate "C"

select (pg_read_file('f')) is null

select pg_read_file('f') is distinct from 'x'

select pg_read_file('f') = 'x' is true

select not (pg_read_file('f') = 'x')

select true and pg_read_file('f') = 'x' or false

select pg_read_file('f') like 'x'

select 'x' not ilike pg_read_file('f')

select 'x' similar to pg_read_file('f')

select 'x' like 'y' escape pg_read_file('f')

select 1 between 0 and length(pg_read_file('f'))

select 'x' in ('y', pg_read_file('f'))

select 'x' = any (array[pg_read_file('f')])

select array[1, length(pg_read_file('f'))]

select array[[pg_read_file('f')]]

select (array[1, 2])[length(pg_read_file('f'))]

select (array[1, 2])[1:length(pg_read_file('f'))]

select row(1, pg_read_file('f'))

select (1, pg_read_file('f')) = (1, 'x')

select (row(pg_read_file('f'))).f1

select case when pg_read_file('f') = 'x' then 1 end

select case 1 when 1 then pg_read_file('f') end

select case pg_read_file('f') when 'x' then 1 end

select case when false then 1 else length(pg_read_file('f')) end

select coalesce(null, pg_read_file('f'))

select nullif(pg_read_file('f'), 'x')

select greatest('a', pg_read_file('f'))

select least(pg_read_file('f'))

select pg_read_file('f') at time zone 'UTC'

select now() at time zone pg_read_file('f')

select extract(year from pg_read_file('f')::date)

select substring(pg_read_file('f') from 1 for 2)

select position('a' in pg_read_file('f'))

select trim(both pg_read_file('f') from 'x')

select overlay('abc' placing pg_read_file('f') from 1)

select (now(), now()) overlaps (pg_read_file('f')::timestamptz, now())

select collation for (pg_read_file('f'))

select normalize(pg_read_file('f'), nfc)

select pg_read_file('f') is normalized

select treat(pg_read_file('f') as text)

select make_interval(days => length(pg_read_file('f')))

select concat(variadic array[pg_read_file('f')])

select format('%s', variadic array['x', pg_read_file('f')])

-- Function: aggregates and windows
select max(pg_read_file('f'))

select count(*) filter (where pg_read_file('f') = 'x')

select string_agg(name, pg_read_file('f')) from customers

select array_agg(name order by pg_read_file('f')) from customers

select percentile_cont(length(pg_read_file('f'))) within group (order by total) from orders

select percentile_cont(0.5) within group (order by length(pg_read_file('f'))) from orders

select sum(1) over (partition by pg_read_file('f'))

select sum(1) over (order by pg_read_file('f'))

select sum(1) over (order by id rows between length(pg_read_file('f')) preceding and current row) from orders

select sum(1) over (order by id rows between current row and length(pg_read_file('f')) following) from orders

select sum(1) over w from orders window w as (partition by pg_read_file('f'))

select sum(1) over w from orders window v as (order by id), w as (v rows length(pg_read_file('f')) preceding)

select lag(name, 1, pg_read_file('f')) over () from customers

-- Function: FROM
select * from pg_read_file('f')

select * from pg_read_file('f') as t

select * from pg_read_file('f') with ordinality as t (line, n)

select * from pg_read_file('f') as t (line text)

select t.* from lateral pg_read_file('f') t

select * from customers, pg_read_file('f')

select * from customers, lateral pg_read_file(name)

select * from customers cross join pg_read_file('f')

select * from customers left join lateral pg_read_file('f') f on true

select * from rows from (pg_read_file('f'))

select * from rows from (generate_series(1, 2), pg_read_file('f')) with ordinality

select * from rows from (pg_read_file('f') as (a text), generate_series(1, 2))

select * from generate_series(1, length(pg_read_file('f')))

select * from unnest(array[pg_read_file('f')])

select * from (select pg_read_file('f')) q

select * from (select * from (select * from pg_read_file('f')) a) b

select * from (values (pg_read_file('f'))) v

select * from (table customers) t, pg_read_file('f')

select * from customers tablesample bernoulli (length(pg_read_file('f')))

select * from customers tablesample system (1) repeatable (length(pg_read_file('f')))

select * from xmltable('/a' passing (pg_read_file('f')::xml) columns b text)

select * from xmltable(pg_read_file('f') passing '<a/>' columns b text)

select * from xmltable('/a' passing '<a/>' columns b text path pg_read_file('f'))

select * from xmltable('/a' passing '<a/>' columns b text default pg_read_file('f'))

select * from xmltable(xmlnamespaces(pg_read_file('f') as x), '/a' passing '<a/>' columns b text)

select * from json_table(pg_read_file('f'), '$' columns (a int))

select * from json_table('{}', '$' passing pg_read_file('f') as x columns (a int))

select * from json_table('{}', '$' columns (a text default pg_read_file('f') on empty))

select * from json_table('{}', '$' columns (nested '$.a' columns (a text default pg_read_file('f') on error)))

-- Function: joins
select * from customers a join customers b on pg_read_file('f') = 'x'

select * from (customers a join customers b on a.id = length(pg_read_file('f'))) j

select * from customers a left join (customers b join customers c on pg_read_file('f') = c.name) on true

-- Function: clauses
select 1 where pg_read_file('f') = 'x'

select 1 from customers where id = 1 and (name = 'a' or exists (select pg_read_file('f')))

select 1 from customers group by pg_read_file('f')

select 1 from customers group by grouping sets ((pg_read_file('f')), ())

select 1 from customers group by rollup (id, pg_read_file('f'))

select 1 from customers group by cube (pg_read_file('f'))

select 1 having pg_read_file('f') = 'x'

select 1 order by pg_read_file('f')

select 1 from customers order by name using <, pg_read_file('f') desc nulls last

select 1 limit length(pg_read_file('f'))

select 1 offset length(pg_read_file('f'))

select 1 fetch first (length(pg_read_file('f'))) rows only

-- Function: VALUES and set operations
values (pg_read_file('f'))

values (1, 'a'), (2, pg_read_file('f'))

values (1) order by pg_read_file('f')

values (1) limit length(pg_read_file('f'))

select 1 union select length(pg_read_file('f'))

select pg_read_file('f') union all select 'x'

(select 'x' intersect values (pg_read_file('f'))) except select 'y'

select 'x' union (select 'y' union (select 'z' union select pg_read_file('f')))

select 'x' union select 'y' order by 1 limit length(pg_read_file('f'))

-- Function: WITH
with q as (select pg_read_file('f')) select 1

with q as (select 1) select pg_read_file('f') from q

with q as materialized (values (pg_read_file('f'))) table q

with a as (with b as (select pg_read_file('f')) table b) table a

with recursive q (n) as (values (1) union all select n + 1 from q where pg_read_file('f') = 'x') table q

with recursive q (n) as (select pg_read_file('f') union all select n from q) select 1

select * from (with q as (select pg_read_file('f')) table q) x

-- Function: subqueries
select (select pg_read_file('f'))

select array(select pg_read_file('f'))

select exists (select pg_read_file('f'))

select 1 in (select length(pg_read_file('f')))

select 'x' = any (select pg_read_file('f'))

select 'x' <> all (values (pg_read_file('f')))

select (1, 2) = (select 1, length(pg_read_file('f')))

select * from customers where id = (select max(o.id) from orders o where o.status = (select pg_read_file('f')))

-- Function: XML and JSON
select xmlelement(name a, pg_read_file('f'))

select xmlelement(name a, xmlattributes(pg_read_file('f') as b))

select xmlforest(pg_read_file('f') as a)

select xmlconcat(pg_read_file('f')::xml)

select xmlpi(name a, pg_read_file('f'))

select xmlroot(pg_read_file('f')::xml, version '1.0')

select xmlroot('<a/>', version pg_read_file('f'))

select xmlparse(content pg_read_file('f'))

select xmlserialize(content pg_read_file('f')::xml as text)

select xmlexists('/a' passing (pg_read_file('f')::xml))

select xmlagg(pg_read_file('f')::xml)

select pg_read_file('f')::xml is document

select json_object('a': pg_read_file('f'))

select json_object(pg_read_file('f'): 1)

select json_array(1, pg_read_file('f'))

select json_array(select pg_read_file('f'))

select json_objectagg('a': pg_read_file('f'))

select json_arrayagg(pg_read_file('f') order by 1)

select json_arrayagg(1) filter (where pg_read_file('f') = 'x')

select json_value(pg_read_file('f'), '$')

select json_value('{}', pg_read_file('f'))

select json_value('{}', '$' passing pg_read_file('f') as x)

select json_value('{}', '$' default pg_read_file('f') on empty)

select json_query(pg_read_file('f'), '$' error on error)

select json_exists(pg_read_file('f'), '$')

select json(pg_read_file('f'))

select json_scalar(pg_read_file('f'))

select json_serialize(pg_read_file('f'))

select pg_read_file('f') is json

-- Function: attribute notation
select ('f'::text).pg_read_file

select (('f'::text)).pg_read_file

select (select 'f'::text).pg_read_file

select f.pg_read_file from unnest(array['f']) as f

select f.pg_catalog.pg_read_file from unnest(array['f']) as f

select (f).pg_read_file from unnest(array['f']) as f

select (f.x).pg_read_file from (select 'f'::text as x) f

select (array['f'])[1].pg_read_file

select ((array['f'])[1]).pg_read_file

select ('f'::text).pg_read_file.length

select length(('f'::text).pg_read_file)

select 1 from unnest(array['f']) as f where f.pg_read_file = 'x'

select 1 from unnest(array['f']) as f order by f.pg_read_file

select 1 from unnest(array['f']) as f group by f.pg_read_file

select x from unnest(array['f']) as f, lateral (select f.pg_read_file) as g (x)

select (row('f'::text)).f1.pg_read_file

select (pg_read_file).x.pg_read_file from (select row('f'::text) as pg_read_file) q

-- Function: names written differently
select pg_catalog.pg_read_file('f')

select public.pg_read_file('f')

select "pg_read_file"('f')

select "pg_catalog"."pg_read_file"('f')

select postgres.pg_catalog.pg_read_file('f')

select PG_READ_FILE('f')

select Pg_Catalog.Pg_Read_File('f')

select pg_catalog . pg_read_file ('f')

select pg_catalog/**/./**/pg_read_file/**/('f')

select pg_read_file
-- comment
('f')

select pg_read_file /* ( */ ('f')

select U&"\0070g_read_file"('f')

select U&"pg\005fread\005ffile"('f')

select U&"!0070g_read_file" uescape '!' ('f')

select U&"\+000070g_read_file"('f')

select pg_catalog.U&"\0070g_read_file"('f')

select U&"\0070g_catalog".pg_read_file('f')

select * from U&"\0070g_read_file"('f')

select ('f'::text).U&"\0070g_read_file"

select pg_read_file(U&'\0066')

select pg_read_file(E'\146')

select pg_read_file($$f$$)

select pg_read_file(distinct 'f')

select pg_read_file(all 'f')

select pg_read_file(variadic array['f'])

select pg_read_file('f', 0, 1, true)

select pg_read_file(filename => 'f')

select pg_read_file(filename := 'f')

select pg_read_file()

select pg_read_file(*)

select pg_read_file($1)

-- Function: EXPLAIN
explain analyze select pg_read_file('f')

explain (analyze) select * from pg_read_file('f')

explain (analyze, verbose, format json) values (pg_read_file('f'))

explain select pg_read_file('f')

explain (analyze off) select * from pg_read_file('f')

explain insert into customers (id) select length(pg_read_file('f'))

explain update customers set name = pg_read_file('f')

explain update customers set (id, name) = (select 1, pg_read_file('f'))

explain delete from customers where name = pg_read_file('f')

explain delete from customers using pg_read_file('f') f

explain delete from customers returning pg_read_file('f')

explain insert into customers (id) values (1) on conflict (id) do update set name = pg_read_file('f')

explain insert into customers (id) values (1) on conflict (id) do update set name = 'x' where pg_read_file('f') = 'x'

explain insert into customers (id) values (1) on conflict (lower(pg_read_file('f'))) do nothing

explain merge into orders o using customers c on pg_read_file('f') = 'x' when matched then delete

explain merge into orders o using customers c on true when matched and pg_read_file('f') = 'x' then delete

explain merge into orders o using customers c on true when matched then update set status = pg_read_file('f')

explain merge into orders o using customers c on true when not matched then insert (status) values (pg_read_file('f'))

explain with gone as (delete from orders where status = pg_read_file('f')) select 1

explain create table t as select pg_read_file('f')

explain select pg_read_file('f') into t

explain declare c cursor for select pg_read_file('f')
