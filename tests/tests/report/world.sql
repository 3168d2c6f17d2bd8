-- A store whose tables lack the indexes that its statements want, and whose names and texts would
-- run as a page's script if the page took them for one.
create schema store;
create table store.customers (
    id integer primary key,
    name text not null,
    country text not null,
    joined date not null
);
create table store.orders (
    id bigint primary key,
    customer_id integer not null references store.customers,
    status text not null,
    placed timestamptz not null,
    total numeric(12, 2) not null
);
create table store.items (
    order_id bigint not null references store.orders,
    line integer not null,
    sku integer not null,
    quantity integer not null,
    price numeric(10, 2) not null,
    primary key (order_id, line)
);
create table store.events (
    happened timestamptz not null,
    kind text not null,
    detail text
);
insert into store.customers
    select i, 'Customer ' || i, (array['de', 'fr', 'it', 'es', 'at'])[1 + i % 5], date '2019-01-01' + i % 2000
    from generate_series(1, 8000) as i;
insert into store.orders
    select i, 1 + (i * 7919) % 8000, (array['open', 'paid', 'sent', 'back'])[1 + i % 4],
        timestamptz '2024-01-01 00:00:00+00' + i * interval '9 minutes', (i % 977) * 1.25
    from generate_series(1, 60000) as i;
insert into store.items
    select o, l, (o * 31 + l * 17) % 5000, 1 + o % 4, 2.5 + l
    from generate_series(1, 60000) as o, generate_series(1, 3) as l;
insert into store.events
    select timestamptz '2024-01-01 00:00:00+00' + i * interval '1 minute', 'kind ' || i % 40, repeat('x', 60)
    from generate_series(1, 50000) as i;
create index orders_placed on store.orders (placed);
create index orders_placed_again on store.orders (placed);
create index orders_placed_total on store.orders (placed, total);

-- Names that are markup, a handler, a quote's end and a reversal of the text behind them.
create schema "</script><script>probe('schema')</script>";
create table "</script><script>probe('schema')</script>"."<img src=x onerror=probe('table')>" (
    id integer,
    """ onmouseover=""probe('column')" integer,
    note text
);
comment on table "</script><script>probe('schema')</script>"."<img src=x onerror=probe('table')>"
    is '<svg onload=probe(''comment'')> javascript:probe(''comment'')';
insert into "</script><script>probe('schema')</script>"."<img src=x onerror=probe('table')>"
    select i, i % 20000, repeat('n', 100) from generate_series(1, 40000) as i;
create index "<b onclick=probe('index')>" on "</script><script>probe('schema')</script>"."<img src=x onerror=probe('table')>" (id);
create index "javascript:probe('copy')" on "</script><script>probe('schema')</script>"."<img src=x onerror=probe('table')>" (id);
