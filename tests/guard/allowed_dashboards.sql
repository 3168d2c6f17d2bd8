--- Statements that restricted mode must run: what dashboards and analysts ask.

-- time buckets and calendars
select date_trunc('hour', at) + extract(minute from at)::int / 15 * interval '15 minutes' as slot, count(*) from events group by slot order by slot

select date_bin('5 minutes', at, 'epoch') as slot, kind, count(*) from events group by slot, kind order by slot desc, kind

with calendar as (select day::date from generate_series(current_date - 29, current_date, interval '1 day') as day)
select c.day, count(o.id) as orders, coalesce(sum(o.total), 0) as revenue
from calendar as c
left join orders as o on o.ordered_at >= c.day and o.ordered_at < c.day + 1
group by c.day order by c.day

select extract(isodow from d) as dow, to_char(d, 'Dy') as name, to_char(d, 'IYYY-"W"IW') as week, extract(quarter from d) as quarter from generate_series(timestamp '2026-01-01', timestamp '2026-01-14', '1 day') as d

select h.hour, count(e.id) from generate_series(0, 23) as h (hour) left join events as e on extract(hour from e.at) = h.hour group by h.hour order by h.hour

select date_trunc('month', ordered_at at time zone 'America/New_York')::date as month, sum(total) from orders group by 1 order by 1

select time_slot, lead(time_slot) over (order by time_slot) - time_slot as gap from (select distinct date_trunc('minute', at) as time_slot from metrics) as slots

-- growth, shares and percentiles
with monthly as (select date_trunc('month', ordered_at) as month, sum(total) as revenue from orders group by 1)
select month, revenue, lag(revenue) over w as before, round(100 * (revenue - lag(revenue) over w) / nullif(lag(revenue) over w, 0), 1) as growth
from monthly window w as (order by month) order by month

select status, count(*), round(100.0 * count(*) / sum(count(*)) over (), 2) as share, sum(count(*)) over (order by count(*) desc) as running from orders group by status

select percentile_cont(array[0.5, 0.9, 0.95, 0.99]) within group (order by (payload ->> 'ms')::numeric::float8) from events

select kind, percentile_disc(0.95) within group (order by (payload ->> 'ms')::int) as p95, mode() within group (order by payload ->> 'page') as page from events group by kind

select bucket, int4range(min(v), max(v), '[]') as range, count(*), repeat('#', (count(*) * 40 / max(count(*)) over ())::int) as bar
from (select total::int as v, width_bucket(total, 0, 500, 8) as bucket from orders) as t group by bucket order by bucket

select ntile(10) over (order by total) as decile, total from orders order by 2

select category, name, price, price - avg(price) over (partition by category) as off, (price - avg(price) over (partition by category)) / nullif(stddev_samp(price) over (partition by category), 0) as z from products

select regr_slope(y, x), regr_intercept(y, x), regr_r2(y, x), corr(y, x), regr_count(y, x), covar_samp(y, x), regr_sxy(y, x) from (select extract(epoch from at)::float8 as x, value as y from metrics) as m

with ranked as (select customer_id, sum(total) as spent, percent_rank() over (order by sum(total)) as pr, cume_dist() over (order by sum(total)) as cd from orders group by customer_id)
select case when pr >= 0.9 then 'top' when pr >= 0.5 then 'middle' else 'low' end as segment, count(*), avg(spent) from ranked group by 1

-- cohorts, funnels, retention, sessions
with first_order as (select customer_id, date_trunc('month', min(ordered_at)) as cohort from orders group by customer_id)
select f.cohort, extract(month from age(date_trunc('month', o.ordered_at), f.cohort)) as month, count(distinct o.customer_id) as customers
from first_order as f join orders as o using (customer_id) group by 1, 2 order by 1, 2

with steps as (
    select user_id, min(at) filter (where kind = 'view') as viewed, min(at) filter (where kind = 'click') as clicked
    from events group by user_id
)
select count(*) as users, count(viewed) as viewed, count(clicked) filter (where clicked > viewed) as clicked, round(count(clicked)::numeric / nullif(count(viewed), 0), 3) as rate from steps

with marked as (select user_id, at, case when at - lag(at) over (partition by user_id order by at) < interval '30 minutes' then 0 else 1 end as starts from events),
sessions as (select user_id, at, sum(starts) over (partition by user_id order by at) as session from marked)
select user_id, session, min(at), max(at), count(*), max(at) - min(at) as length from sessions group by user_id, session

select user_id, day, day - (row_number() over (partition by user_id order by day))::int as island from (select distinct user_id, at::date as day from events) as d

with grouped as (select day, day - row_number() over (order by day) * interval '1 day' as island from (select distinct ordered_at::date as day from orders) as d)
select min(day) as from_day, max(day) as to_day, count(*) as days from grouped group by island order by 1

select g.id as missing from generate_series((select min(id) from orders), (select max(id) from orders)) as g (id) where not exists (select from orders as o where o.id = g.id)

select customer_id, max(ordered_at) as last, count(*) as frequency, sum(total) as money, ntile(5) over (order by max(ordered_at)) as r, ntile(5) over (order by count(*)) as f, ntile(5) over (order by sum(total)) as m from orders group by customer_id

select d.day, count(distinct e.user_id) as active from generate_series(current_date - 6, current_date, '1 day') as d (day) left join events as e on e.at > d.day - interval '7 days' and e.at <= d.day group by d.day

-- pivots and grouping sets
select customer_id, sum(total) filter (where status = 'open') as open, sum(total) filter (where status = 'paid') as paid, sum(total) filter (where status = 'shipped') as shipped from orders group by customer_id order by customer_id

select country, sum(case extract(quarter from o.ordered_at) when 1 then total else 0 end) as q1, sum(case extract(quarter from o.ordered_at) when 4 then total else 0 end) as q4 from customers as c join orders as o on o.customer_id = c.id group by rollup (country) order by grouping(country), country

select coalesce(country, 'all') as country, coalesce(status, 'all') as status, count(*), grouping(country, status) as level from customers as c join orders as o on o.customer_id = c.id group by grouping sets ((country, status), (country), ()) order by level, 1, 2

select date_trunc('day', ordered_at) as day, status, sum(total) from orders group by cube (date_trunc('day', ordered_at), status) having sum(total) > 10

select category, status, count(*) from products as p join order_items as i on i.product_id = p.id join orders as o on o.id = i.order_id group by distinct rollup (category, status), rollup (category)

select jsonb_object_agg(status, n order by status) from (select status, count(*) as n from orders group by status) as s

select customer_id, (array_agg(id order by total desc))[1:3] as largest, string_agg(distinct status, '/' order by status) as states from orders group by customer_id

select c.name, latest.* from customers as c left join lateral (select o.id, o.total, o.ordered_at from orders as o where o.customer_id = c.id order by o.ordered_at desc fetch first 2 rows with ties) as latest on true order by c.id

-- windows and frames
select id, total, sum(total) over (order by id rows between 6 preceding and current row) as rolling, avg(total) over (order by id rows between 3 preceding and 3 following exclude current row) as smooth from orders

select at, value, max(value) over (order by at range between interval '10 minutes' preceding and interval '5 minutes' following) from metrics where sensor = 1

select id, total, count(*) over (order by total::int range between 5 preceding and 5 following exclude group) from orders

select id, customer_id, sum(total) over (partition by customer_id order by ordered_at::date groups between 1 preceding and current row exclude ties) from orders

select id, first_value(total) over w, last_value(total) over w, nth_value(total, 2) over w, lag(status, 2, 'none') over w, lead(status) over w from orders window w as (partition by customer_id order by ordered_at rows between unbounded preceding and unbounded following)

select id, array_agg(id) over (order by id rows between 1 preceding and 1 following), string_agg(status, ',') over (partition by customer_id), jsonb_agg(total) over w, bool_or(total > 10) over w from orders window base as (partition by status), w as (base order by id)

select sensor, at, value, sum(value) filter (where value > 0) over (partition by sensor order by at) as positive, count(*) over () as all from metrics

select distinct on (sensor) sensor, at, value, row_number() over (partition by sensor order by at desc) from metrics order by sensor, at desc

select * from (select o.*, rank() over (partition by customer_id order by total desc) as place, dense_rank() over (order by status) as d from orders as o) as q where place = 1 and d > 0

select max(n) as most from (select sum(delta) over (order by at) as n from (select ordered_at as at, 1 as delta from orders union all select shipped_at, -1 from orders where shipped_at is not null) as changes) as levels

-- hierarchies and graphs
with recursive chain as (select id, name, manager_id, array[id] as path, name as route from employees where manager_id is null union all select e.id, e.name, e.manager_id, c.path || e.id, c.route || ' > ' || e.name from employees as e join chain as c on e.manager_id = c.id)
select repeat('  ', cardinality(path) - 1) || name as tree, route from chain order by path

with recursive below as (select id as boss, id from employees union all select b.boss, e.id from below as b join employees as e on e.manager_id = b.id)
select boss, count(*) - 1 as people, sum(e.salary) as cost from below join employees as e using (id) group by boss order by people desc

with recursive edges (a, b) as (values (1, 2), (2, 3), (3, 1), (3, 4)), walk as (select a, b, 1 as hops from edges where a = 1 union all select e.a, e.b, w.hops + 1 from walk as w join edges as e on e.a = w.b) cycle b set loops to 'Y' default 'N' using trail
select * from walk where loops = 'N'

with recursive walk as (select id, manager_id from employees where id = 30 union all select e.id, e.manager_id from walk as w join employees as e on e.id = w.manager_id) search breadth first by id set place select id, place from walk order by place

with recursive fib (n, a, b) as (select 1, 0::numeric, 1::numeric union all select n + 1, b, a + b from fib where n < 50) select n, a from fib

with recursive parts (rest, part, n) as (select 'a.b.c.d' || '.', null::text, 0 union all select substr(rest, strpos(rest, '.') + 1), split_part(rest, '.', 1), n + 1 from parts where rest <> '') select part from parts where n > 0

with recursive days as (select min(ordered_at)::date as day, max(ordered_at)::date as last from orders union all select day + 1, last from days where day < last) select day, (select count(*) from orders as o where o.ordered_at::date = day) from days

with a as (select customer_id, sum(total) as s from orders group by 1), b as materialized (select avg(s) as m from a), c as not materialized (select a.* from a, b where a.s > b.m) select count(*), (select m from b) from c
