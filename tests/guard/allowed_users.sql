--- Statements that restricted mode must run: objects of users that only read, and plans.

-- functions of users
select app.net(119), app.net(119, 0.07), app.net(price => 10, tax => 0.1)

select id, app.net(total) as net from orders where app.net(total) > 100 order by app.net(total) desc limit 10

select c.name, app.spent(c.id), app.tier_of(c.id) from customers as c order by 2 desc nulls last

select app.tier(sum(total)), count(*) from orders group by customer_id

select o.id, o.total from app.orders_of(3) as o where o.status = 'paid'

select c.id, o.id from customers as c, lateral app.orders_of(c.id) as o limit 20

select * from app.latest(5)

select l.id, row_number() over (order by l.total) from app.latest(wanted => 10) as l

select label(o), o.label from orders as o limit 3

select (o).label from orders as o limit 3

select app.as_reader(3)

select id, app.depth(id) from employees order by 2 desc

select app.first_of(1, 2, 3), app.first_of(variadic array['a', 'b'])

select app.product(price), app.product(distinct price) filter (where price < 3) from products

select category, app.join_words(name order by name) from products group by rollup (category)

select app.product(price) over (partition by category order by id) from products where id < 6

select id from orders where total operator(app.=~) 10.0

select (amount)::text, cast(amount as text) from invoices

select st_point(1, 2), st_distance(st_point(0, 0), at), st_dwithin(at, st_point(1, 1), 2), st_area(area), st_astext(at) from places

select name from places order by st_distance(at, st_point(0, 0)) limit 5

select time_bucket('5 minutes', at) as bucket, sensor, avg(value) from metrics group by bucket, sensor order by bucket, sensor

select app.tier_of(id) as tier, grouping(app.tier_of(id)), count(*) from customers group by cube (app.tier_of(id))

select max(app.net(total)) over (order by ordered_at rows 3 preceding) from orders

explain select app.spent(id) from customers

explain (analyze, buffers off) select app.tier_of(id) from customers

explain (verbose, costs off) select * from app.orders_of(1)

select '[1,5)'::price_range @> 3.0, price_range(1, 2, '[]') && price_range(2, 3), upper(price_range(1, 9))

-- views, policies, partitions
select * from best_customers order by total desc limit 5

select b.name, t.orders from best_customers as b join customer_totals as t using (id)

select day, orders, total, sum(total) over (order by day) as running from daily_sales order by day

select * from current_activity where pid = pg_backend_pid()

select * from notes

select tenant, count(*) from notes group by tenant

select sensor, date_trunc('month', at) as month, avg(value) from readings where at >= date '2026-01-01' group by 1, 2

select tableoid::regclass as partition, count(*), min(at), max(at) from readings group by 1 order by 1

select relid, parentrelid, level, isleaf from pg_partition_tree('readings') order by level, relid::text

select * from only readings_2026 tablesample bernoulli (10) repeatable (42)

select id, email, rank, state, label from contacts where state = 'open' and rank > 0

select email::text, split_part(email, '@', 2) as host from contacts

select 'someone@example.net'::email_address, 5::positive, '{1,2}'::positive[]

select 'paid'::order_state > 'open', enum_range(null::order_state), enum_first('paid'::order_state)

select ctid, xmin, xmax, cmin, tableoid::regclass from contacts

select c.name, o.id, p.name, i.quantity * i.price as amount from customers as c join orders as o on o.customer_id = c.id join order_items as i on i.order_id = o.id join products as p on p.id = i.product_id where o.status <> 'open' order by amount desc limit 25

-- EXPLAIN with every option
explain (format text) select * from best_customers

explain (format yaml, costs) select count(*) from orders

explain (format xml, verbose on) select * from orders where id = 1

explain (analyze, format json, buffers, settings, wal, timing, summary) select status, count(*) from orders group by status

explain (analyze, timing off, costs off, summary off) select * from daily_sales

explain (analyze, verbose) with recursive t (n) as (values (1) union all select n + 1 from t where n < 100) select max(n) from t

explain (analyze true, buffers true) table daily_sales

explain (analyze on, format yaml) values (1), (2)

explain (buffers) select * from readings where at = date '2026-02-02'

explain (settings on, summary on) select * from notes

explain (analyze on, wal on) select * from readings where sensor = 1 order by at limit 5

explain (verbose) insert into orders (id, customer_id, status, ordered_at, total) values (9999, 1, 'open', now(), 1)

explain (format json) update orders set total = total * 1.1 where status = 'open'

explain (costs off) delete from order_items using orders where orders.id = order_items.order_id and orders.status = 'open'

explain (analyze off, format xml) insert into contacts (email) select email from customers returning id

explain (verbose, costs off) with moved as (delete from notes returning *) insert into notes select * from moved

explain merge into products as p using (values (1, 2.5)) as n (id, price) on p.id = n.id when matched then update set price = n.price when not matched then insert (id, name, price) values (n.id, 'new', n.price)

explain select * from orders for no key update skip locked
