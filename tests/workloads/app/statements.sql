-- What the shop asks, each part headed by a name and how often it runs, compared with the others.

--- tenant by slug, 20
select id, plan, settings from tenants where slug = 'tenant-7';
--- session of token, 30
select user_id, expires_at from sessions where token = 'b3a5b4bf1d5e2a3a0f5f9b9b7f7c1d11' and expires_at > '2026-06-30Z';
--- sessions to expire, 1
select token from sessions where expires_at < '2026-02-02Z' order by expires_at limit 500;
--- sessions of user, 4
select token, created_at from sessions where user_id = 4711 order by created_at desc;
--- login, 10
select id, name, settings from users where lower(email) = 'user4711@example.com' and deleted_at is null;
--- users of tenant, 3
select id, name, email from users where tenant_id = 40 and deleted_at is null order by name limit 50;
--- users with dark theme, 1
select id, name from users where tenant_id = 3 and settings @> '{"theme": "dark", "digest": "daily"}' and deleted_at is null;
--- inactive users, 1
select id, email from users where last_seen_at < '2025-06-15Z' and deleted_at is null order by last_seen_at limit 100;
--- product by sku, 12
select id, name, price, stock from products where tenant_id = 2 and sku = 'SKU-0015838-2' and deleted_at is null;
--- products of category, 12
select id, name, price from products where tenant_id = 1 and category_id = 3 and deleted_at is null order by created_at desc limit 24;
--- cheapest of category, 4
select id, name, price from products where category_id = 12 and deleted_at is null order by price, id limit 24;
--- product search, 6
select id, name from products where name ilike '%walnut lamp%' and deleted_at is null limit 20;
--- product description, 2
select id, name from products where description ~ 'velvet zinc [a-z]+ yarn' and deleted_at is null limit 20;
--- products by tag, 5
select id, name, price from products where tags @> array['tag250', 'tag17'] and deleted_at is null;
--- products by any tag, 3
select id, name from products where tags && array['tag390', 'tag391', 'tag399'];
--- products by attribute, 4
select id, name from products where attributes @> '{"color": "ochre", "material": "zinc"}' and deleted_at is null;
--- products of batch, 2
select id, stock from products where (attributes ->> 'batch')::integer = 31;
--- out of stock, 3
select id, sku from products where tenant_id = 5 and stock = 0 and deleted_at is null;
--- category by path, 5
select id, name from categories where path like 'c4/c41/%';
--- sub-categories, 5
select id, name from categories where parent_id = 12 order by name;
--- customer by mail, 8
select id, name, country from customers where tenant_id = 12 and email = 'customer.4711@mail0.example';
--- customer by mail in any case, 6
select id, name from customers where lower(email) = 'customer.2024@mail1.example';
--- customer by phone, 2
select id, name from customers where phone = '+4937314903';
--- customer search, 4
select id, name from customers where tenant_id = 1 and name ilike '%velvet wal%' and deleted_at is null limit 20;
--- newest customers, 3
select id, name, created_at from customers where tenant_id = 1 and deleted_at is null order by created_at desc limit 20;
--- newsletter, 1
select email from customers where tenant_id = 8 and opted_in and country = 'CH' and deleted_at is null;
--- orders of customer, 15
select id, status, total, placed_at from orders where customer_id = 3 order by placed_at desc limit 10;
--- open orders, 10
select id, customer_id, status, placed_at from orders
where tenant_id = 1 and status in ('new', 'paid', 'packed') order by placed_at limit 50;
--- orders to ship, 6
select o.id, c.name from orders as o join customers as c on c.id = o.customer_id
where o.status = 'packed' and o.shipped_at is null order by o.placed_at limit 100;
--- order page, 10
select i.quantity, i.price, p.name from order_items as i join products as p on p.id = i.product_id where i.order_id = 123;
--- revenue of month, 1
select date_trunc('day', placed_at), sum(total), count(*) from orders
where tenant_id = 1 and placed_at >= '2026-05-01Z' and placed_at < '2026-06-01Z' group by 1;
--- orders page after, 4
select id, total, placed_at from orders where tenant_id = 2 and (placed_at, id) < ('2025-03-01Z', 650000)
order by placed_at desc, id desc limit 25;
--- coupon use, 1
select count(*), sum(total) from orders where coupon = 'SALE150';
--- who bought, 2
select distinct o.customer_id from order_items as i join orders as o on o.id = i.order_id where i.product_id = 150 limit 200;
--- best sellers, 1
select i.product_id, sum(i.quantity) from orders as o join order_items as i on i.order_id = o.id
where o.tenant_id = 20 and o.placed_at > '2026-06-01Z' group by 1 order by 2 desc limit 10;
--- payment of order, 8
select provider, status, amount from payments where order_id = 4242;
--- payment callback, 6
select id, order_id, status from payments where provider_ref = '9fb0f4d5c2a3a0f5f9b9b7f7c1d1c0de';
--- pending payments, 3
select id, order_id, created_at from payments where status = 'pending' and created_at < '2026-06-29Z' order by created_at limit 100;
--- events of hour, 2
select kind, count(*) from events where created_at >= '2026-06-01 10:00Z' and created_at < '2026-06-01 11:00Z' group by kind;
--- newest events, 5
select id, kind, payload from events where tenant_id = 3 order by created_at desc limit 50;
--- errors, 3
select id, payload, created_at from events where kind = 'error' and created_at > '2026-06-20Z' order by created_at desc limit 50;
--- events of path, 2
select id, created_at from events where payload ->> 'path' = '/p/1234';
--- events with payload, 1
select count(*) from events where payload @> '{"ref": "c4ca4238"}';
--- events of user, 4
select kind, created_at from events where user_id = 1234 order by created_at desc limit 20;
--- metrics of device, 3
select date_trunc('hour', measured_at), avg(value) from metrics
where device_id = 42 and measured_at >= '2026-03-01Z' and measured_at < '2026-03-08Z' group by 1;
--- metrics of quarter hour, 2
select avg(value), max(value) from metrics where measured_at >= '2026-04-01 12:00Z' and measured_at < '2026-04-01 12:15Z';
--- next job, 20
select id, payload from jobs where queue = 'mail' and status = 'queued' and run_at <= '2026-06-30Z' order by priority, run_at limit 1;
--- failed jobs, 2
select id, queue, attempts from jobs where status = 'failed' order by run_at desc limit 50;
--- stuck jobs, 2
select id, locked_by from jobs where status = 'running' and run_at < '2026-06-29Z';
--- feed, 15
select p.id, p.title, p.created_at from posts as p join follows as f on f.followee_id = p.author_id
where f.follower_id = 4242 and p.deleted_at is null order by p.created_at desc limit 20;
--- tenant feed, 8
select id, title, likes, created_at from posts where tenant_id = 1 and deleted_at is null
and (created_at, id) < ('2025-01-01Z', 175000) order by created_at desc, id desc limit 20;
--- popular posts, 2
select id, title from posts where tenant_id = 2 and deleted_at is null order by likes desc, created_at desc limit 10;
--- full text, 4
select id, title from posts where to_tsvector('english', title || ' ' || body) @@ to_tsquery('english', 'saddle & quartz & indigo & kettle')
and deleted_at is null limit 20;
--- comments of post, 12
select author_id, body, created_at from comments where post_id = 1 order by created_at limit 50;
--- followers, 4
select count(*) from follows where followee_id = 99;
--- unread, 15
select id, kind, body from notifications where user_id = 321 and read_at is null order by created_at desc limit 20;
--- nearest stores, 4
select id, name from stores order by place <-> point '(9.2, 48.8)' limit 5;
--- stores in box, 2
select id, name from stores where place <@ box '((11.5, 48.1), (11.6, 48.2))';
--- booked at, 4
select id, customer_id from bookings where store_id = 17 and during && tstzrange('2025-02-01 10:00Z', '2025-02-01 12:00Z');
--- bookings now, 2
select store_id from bookings where during @> timestamptz '2025-02-10 10:30Z';
--- history of object, 4
select actor_id, changes, created_at from audit where object_kind = 'product' and object_id = 1500 order by created_at desc limit 20;
--- audit of day, 1
select count(*) from audit where created_at >= '2026-03-03Z' and created_at < '2026-03-04Z';
--- place order, 3
insert into orders values (2000000001, 3, 4711, 'new', 99.90, '2026-06-30Z', null, null);
--- add event, 10
insert into events values (9000000001, 3, 42, 'click', '{"path": "/p/1", "ms": 3}', '2026-06-30Z');
--- finish job, 6
update jobs set status = 'done', attempts = attempts + 1 where id = 1000;
--- read notifications, 4
update notifications set read_at = '2026-06-30Z' where user_id = 321 and read_at is null;
--- sell, 4
update products set stock = stock - 1 where id = 1234;
--- expire sessions, 1
delete from sessions where expires_at < '2026-02-01 02:00Z';
