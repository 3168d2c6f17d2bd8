--- Statements that restricted mode must run: queries as people write them.
--- One or more statements below each heading, parted by empty lines.

-- plain queries
select 1

select 1;

values (1, 'a'), (2, 'b')

table customers

select

select * from customers

select id, name from customers where country = 'de' order by name limit 10

select distinct country from customers order by country

select distinct on (customer_id) customer_id, id, total from orders order by customer_id, ordered_at desc

select c.name, o.total from customers c join orders o on o.customer_id = c.id where o.status = 'paid'

select * from orders where ordered_at >= now() - interval '7 days'

select count(*) from orders

select "id" as "Order Id", "total" from "public"."orders"

(select 1)

((select id from customers)) order by 1 limit 3

select * from only customers

select customers.* from customers

select c from customers c limit 1

select null, true, false, 1.5, 1e10, 'x', E'\n', b'101', x'1f', $$dollar$$, $q$it's$q$

select -1, +1, - (- 1), not true

select date '2026-01-01', time '12:00', timestamp '2026-01-01 12:00', interval '1 day', interval '3' hour

-- joins
select * from customers c left join orders o on o.customer_id = c.id

select * from customers c right join orders o on o.customer_id = c.id

select * from customers c full outer join orders o on o.customer_id = c.id

select * from customers cross join products limit 5

select * from orders join order_items on order_items.order_id = orders.id limit 1

select * from order_items natural join products limit 1

select c.id, recent.id from customers c, lateral (select o.id from orders o where o.customer_id = c.id order by o.ordered_at desc limit 2) recent

select c.id, n from customers c left join lateral (select count(*) as n from orders o where o.customer_id = c.id) s on true

select * from (customers c join orders o on c.id = o.customer_id) as j limit 1

select a.x, b.y from (values (1), (2)) as a (x) join (values (1, 'one')) as b (x, y) on a.x = b.x

select e.name, m.name as manager from employees e left join employees m on m.id = e.manager_id

-- aggregates
select country, count(*), min(created_at), max(created_at) from customers group by country having count(*) > 1

select status, sum(total), avg(total), stddev(total), stddev_pop(total), variance(total), var_samp(total) from orders group by 1

select corr(value, sensor), covar_pop(value, sensor), regr_slope(value, sensor), regr_r2(value, sensor) from metrics

select percentile_cont(0.5) within group (order by total), percentile_disc(array[0.25, 0.75]) within group (order by total) from orders

select mode() within group (order by status) from orders

select count(*) filter (where status = 'paid') as paid, count(distinct customer_id) from orders

select string_agg(name, ', ' order by name) from customers

select array_agg(distinct country order by country) from customers

select json_agg(c), jsonb_agg(c.name), json_object_agg(c.id, c.name), jsonb_object_agg(c.id, c.email) from customers c

select bool_and(total > 0), bool_or(total > 100), every(total > 0), bit_and(id), bit_or(id), bit_xor(id) from orders

select range_agg(during), range_intersect_agg(during) from bookings

select country, status, sum(total) from customers c join orders o on o.customer_id = c.id group by grouping sets ((country), (status), ())

select country, status, sum(total), grouping(country, status) from customers c join orders o on o.customer_id = c.id group by rollup (country, status)

select country, status, count(*) from customers c join orders o on o.customer_id = c.id group by cube (country, status)

select rank(100) within group (order by total), percent_rank(100) within group (order by total), cume_dist(100) within group (order by total) from orders

select xmlagg(xmlelement(name customer, name)) from customers

select sum(total) / nullif(count(*), 0) from orders

select date_trunc('month', ordered_at) as month, sum(total) from orders group by month order by month

select date_bin('15 minutes', at, timestamptz '2026-01-01') as slot, avg(value) from metrics group by 1

select width_bucket(total, 0, 500, 10) as bucket, count(*) from orders group by 1 order by 1

select any_value from (select max(id) as any_value from customers) q

-- window functions
select id, row_number() over (order by ordered_at), rank() over (order by total), dense_rank() over (order by total) from orders

select id, lag(total) over w, lead(total, 1, 0) over w, first_value(total) over w, last_value(total) over w, nth_value(total, 2) over w from orders window w as (partition by customer_id order by ordered_at)

select id, sum(total) over (order by ordered_at rows between unbounded preceding and current row) from orders

select id, avg(total) over (order by ordered_at range between interval '7 days' preceding and current row exclude current row) from orders

select id, sum(total) over (order by id groups between 1 preceding and 1 following exclude ties) from orders

select id, ntile(4) over (order by total), percent_rank() over (order by total), cume_dist() over (order by total) from orders

select id, count(*) filter (where status = 'paid') over (partition by customer_id) from orders

select * from (select *, row_number() over (partition by customer_id order by total desc) as n from orders) ranked where n <= 3

-- common table expressions
with paid as (select * from orders where status = 'paid') select count(*) from paid

with a as (select 1 as x), b as (select x + 1 as y from a) select * from a, b

with recursive numbers (n) as (values (1) union all select n + 1 from numbers where n < 10) select sum(n) from numbers

with recursive tree as (select id, name, manager_id, 1 as level from employees where manager_id is null union all select e.id, e.name, e.manager_id, t.level + 1 from employees e join tree t on e.manager_id = t.id) select * from tree order by level

with recursive walk as (select id, manager_id from employees union select e.id, e.manager_id from employees e join walk w on e.manager_id = w.id) search depth first by id set ordering select * from walk order by ordering

with recursive walk as (select id, manager_id from employees union all select e.id, e.manager_id from employees e join walk w on e.manager_id = w.id) cycle id set is_cycle using path select * from walk

with m as materialized (select * from orders), n as not materialized (select * from customers) select count(*) from m join n on n.id = m.customer_id

with x as (values (1), (2)) table x

select * from (with inside as (select 1 as one) select * from inside) q

with pg_authid as (select 1 as one) select * from pg_authid

with recursive pg_shadow (n) as (values (1) union all select n + 1 from pg_shadow where n < 3) select * from pg_shadow

with pg_authid as (select 1 as one) select (select max(one) from pg_authid), q.one from (select * from pg_authid) q

-- set operations
select id from customers union select id from products

select id from customers union all select id from products order by 1

select id from customers intersect select customer_id from orders

select id from customers except all (select customer_id from orders limit 3)

(select 1 union select 2) intersect (select 2 union select 3)

-- subqueries
select * from customers where id in (select customer_id from orders)

select * from customers c where exists (select from orders o where o.customer_id = c.id)

select * from customers where id not in (1, 2, 3)

select * from orders where total > all (select total from orders where status = 'open')

select * from orders where total >= any (array[1, 2, 3]::numeric[])

select (select max(total) from orders) as largest, array(select id from customers order by id) as ids

select * from orders where (customer_id, status) = (select customer_id, status from orders limit 1)

select * from orders where (customer_id, status) in (values (1, 'paid'), (2, 'open'))

-- conditions
select * from customers where name like 'C%' and email ilike '%@EXAMPLE.com' and name not like '%z'

select * from customers where name like concat('Cust', '%') escape '!'

select * from customers where name similar to '(C|D)%' or name ~ '^C' or name ~* 'c' or name !~ 'q'

select * from orders where total between 10 and 20 or total not between symmetric 20 and 10

select * from orders where shipped_at is null or shipped_at is not null

select * from orders where (shipped_at is null) is not true and (total > 1) is not unknown

select * from orders where shipped_at is distinct from ordered_at and total is not distinct from total

select case status when 'paid' then 1 else 0 end, case when total > 10 then 'big' when total > 5 then 'mid' end from orders

select coalesce(email, name), nullif(country, 'de'), greatest(1, 2, 3), least('a', 'b') from customers

select * from orders where (ordered_at, ordered_at + interval '1 day') overlaps (now(), interval '2 days')

select * from customers where name collate "C" < 'D' order by name collate "de-x-icu" nulls last

select * from customers order by name using <

select * from customers order by 1 desc nulls first fetch first 5 rows with ties

select * from customers offset 5 rows fetch next row only

select row(1, 'a') = row(1, 'b'), (1, 2) < (1, 3), row(1, 2) is null

-- casts and types
select '1'::int, cast('2' as bigint), int '3', '{1,2}'::int[], '2026-01-01'::date::text, 1::numeric(10, 2)

select 'customers'::regclass, 'lower(text)'::regprocedure, 'pg_catalog'::regnamespace, 'integer'::regtype

select 'pg_authid'::regclass::oid

select '10.0.0.0/8'::cidr >> '10.0.0.1'::inet, '08:00:2b:01:02:03'::macaddr

select '[1,5)'::int4range @> 3, '{[1,3),[5,7)}'::int4multirange, numrange(1, 2, '[]')

select 'abc'::varchar(2), 'abc'::char(5), 'abc'::"char", '1'::bit(3), '\xdead'::bytea

select '(1,2)'::point <-> '(3,4)'::point, '((0,0),(1,1))'::box && '((0,0),(2,2))'::box

select 'a'::text operator(pg_catalog.||) 'b'::text, 1 operator(pg_catalog.+) 2

select $1::int + $2::int

select '12.34'::money, 'yes'::boolean, '1 year 2 mons'::interval, 'infinity'::timestamptz, 'NaN'::float8

-- arrays
select tags[1], tags[1:2], tags[:2], array_length(tags, 1), cardinality(tags) from customers

select array[1, 2] || 3, array[[1, 2], [3, 4]], array[]::text[], array_append(array[1], 2), array_position(array['a', 'b'], 'b')

select * from customers where 'tag1' = any (tags) or tags @> array['tag2'] or tags && array['tag3']

select id, tag, ordinality from customers, unnest(tags) with ordinality as t (tag, ordinality)

select array_to_string(tags, ','), string_to_array('a,b', ','), array_remove(tags, 'tag1'), array_replace(tags, 'tag1', 'x') from customers

select unnest(array[1, 2]), unnest(array['a', 'b'])

select * from unnest(array[1, 2], array['a', 'b']) as u (a, b)

-- composite values
select (amount).amount, (amount).currency, (i.amount).* from invoices i

select (row(1, 2)).f1

select (c).name, (c.tags)[1] from customers c

select (i.amount).currency from (select * from invoices) i where (i.amount).amount > 0

-- generated sets
select generate_series(1, 3), generate_series('2026-01-01'::timestamptz, '2026-01-03', '1 day')

select d::date, count(o.id) from generate_series(date '2026-01-01', date '2026-01-31', interval '1 day') d left join orders o on o.ordered_at::date = d::date group by 1

select * from rows from (generate_series(1, 3), unnest(array['a', 'b'])) with ordinality as t (n, letter, row)

select * from rows from (json_to_record('{"a":1}') as (a int, b text)) as x

select * from generate_subscripts(array[3, 4], 1) s

select * from regexp_matches('foobar', 'o', 'g'), regexp_split_to_table('a b', ' ')

select * from string_to_table('a,b', ',')

select * from customers tablesample bernoulli (50) repeatable (1)

select * from customers tablesample system (10)
