--- The tables that the statements of this folder are about. Small: nothing here is about speed.
create table customers (
    id integer primary key,
    name text not null,
    email text,
    country text,
    tags text[] not null default '{}',
    created_at timestamptz not null default now()
);
create table products (
    id integer primary key,
    name text not null,
    category text,
    price numeric(10, 2) not null,
    attributes jsonb not null default '{}'
);
create table orders (
    id integer primary key,
    customer_id integer not null references customers,
    status text not null,
    ordered_at timestamptz not null,
    shipped_at timestamptz,
    total numeric(12, 2) not null
);
create table order_items (
    order_id integer references orders,
    product_id integer references products,
    quantity integer not null,
    price numeric(10, 2) not null,
    primary key (order_id, product_id)
);
create table employees (
    id integer primary key,
    name text not null,
    manager_id integer references employees,
    department text,
    salary numeric(10, 2)
);
create table events (
    id bigint primary key,
    user_id integer,
    kind text,
    payload jsonb,
    at timestamptz not null
);
create table metrics (sensor integer, at timestamptz, value double precision);
create table documents (
    id integer primary key,
    title text,
    body text,
    words tsvector
);
create table bookings (room integer, during tstzrange, days datemultirange);
create table places (id integer primary key, name text, at point, area polygon, address inet);
create type money_amount as (amount numeric, currency text);
create table invoices (id integer primary key, amount money_amount, lines xml, raw bytea);
create sequence tickets;

insert into customers
select i, 'Customer ' || i, 'c' || i || '@example.com', (array['de', 'fr', 'us'])[1 + i % 3],
    array['tag' || i % 4], now() - i * interval '1 day'
from generate_series(1, 50) as i;
insert into products
select i, 'Product ' || i, (array['a', 'b', 'c'])[1 + i % 3], i * 1.5,
    jsonb_build_object('weight', i, 'colors', array['red', 'blue'])
from generate_series(1, 20) as i;
insert into orders
select i, 1 + i % 50, (array['open', 'paid', 'shipped'])[1 + i % 3], now() - i * interval '3 hours',
    case when i % 3 = 2 then now() - i * interval '1 hour' end, i * 2.5
from generate_series(1, 200) as i;
insert into order_items
select i, 1 + i % 20, 1 + i % 5, 9.99
from generate_series(1, 200) as i;
insert into employees
select i, 'Employee ' || i, nullif(i / 3, 0), (array['it', 'hr'])[1 + i % 2], 1000 + i
from generate_series(1, 30) as i;
insert into events
select i, 1 + i % 10, (array['view', 'click'])[1 + i % 2],
    jsonb_build_object('page', '/p' || i % 7, 'ms', i), now() - i * interval '1 minute'
from generate_series(1, 300) as i;
insert into metrics
select 1 + i % 3, now() - i * interval '1 minute', sin(i)
from generate_series(1, 300) as i;
insert into documents
select i, 'Title ' || i, 'the quick brown fox ' || i, to_tsvector('the quick brown fox ' || i)
from generate_series(1, 10) as i;
insert into bookings values (1, tstzrange(now(), now() + interval '1 day'), '{[2026-01-01,2026-01-05)}');
insert into places values (1, 'Here', '(1,2)', '((0,0),(0,1),(1,1))', '10.0.0.1');
insert into invoices values (1, row(10, 'EUR'), '<a><b>1</b></a>', '\x00ff');
analyze;
