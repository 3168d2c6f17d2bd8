-- A shop with many tenants, as applications grow: soft deletes, settings in jsonb, tags in arrays, queues
-- in tables, a feed, time series, places and bookings. Only keys and unique constraints have indexes.

create table tenants (
    id integer primary key,
    slug text not null unique,
    plan text not null,
    settings jsonb not null,
    created_at timestamptz not null
);

create table users (
    id integer primary key,
    tenant_id integer not null,
    email text not null,
    name text not null,
    settings jsonb not null,
    last_seen_at timestamptz,
    created_at timestamptz not null,
    deleted_at timestamptz
);

create table categories (
    id integer primary key,
    tenant_id integer not null,
    parent_id integer,
    path text not null,
    name text not null
);

create table products (
    id integer primary key,
    tenant_id integer not null,
    category_id integer not null,
    sku text not null,
    name text not null,
    description text not null,
    price numeric(10, 2) not null,
    stock integer not null,
    tags text[] not null,
    attributes jsonb not null,
    created_at timestamptz not null,
    deleted_at timestamptz
);

create table customers (
    id integer primary key,
    tenant_id integer not null,
    email text not null,
    phone text,
    name text not null,
    country text not null,
    opted_in boolean not null,
    created_at timestamptz not null,
    deleted_at timestamptz,
    unique (tenant_id, email)
);

create table orders (
    id integer primary key,
    tenant_id integer not null,
    customer_id integer not null,
    status text not null,
    total numeric(12, 2) not null,
    placed_at timestamptz not null,
    shipped_at timestamptz,
    coupon text
);

create table order_items (
    id integer primary key,
    order_id integer not null,
    product_id integer not null,
    quantity integer not null,
    price numeric(10, 2) not null
);

create table payments (
    id integer primary key,
    order_id integer not null,
    provider text not null,
    provider_ref text not null,
    status text not null,
    amount numeric(12, 2) not null,
    created_at timestamptz not null
);

create table events (
    id bigint primary key,
    tenant_id integer not null,
    user_id integer,
    kind text not null,
    payload jsonb not null,
    created_at timestamptz not null
);

create table jobs (
    id integer primary key,
    queue text not null,
    status text not null,
    priority integer not null,
    run_at timestamptz not null,
    attempts integer not null,
    locked_by text,
    payload jsonb not null
);

create table posts (
    id integer primary key,
    tenant_id integer not null,
    author_id integer not null,
    title text not null,
    body text not null,
    likes integer not null,
    created_at timestamptz not null,
    deleted_at timestamptz
);

create table comments (
    id integer primary key,
    post_id integer not null,
    author_id integer not null,
    body text not null,
    created_at timestamptz not null
);

create table follows (
    follower_id integer not null,
    followee_id integer not null,
    created_at timestamptz not null,
    primary key (follower_id, followee_id)
);

create table notifications (
    id integer primary key,
    user_id integer not null,
    kind text not null,
    body text not null,
    created_at timestamptz not null,
    read_at timestamptz
);

create table sessions (
    token text primary key,
    user_id integer not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
);

create table stores (
    id integer primary key,
    tenant_id integer not null,
    name text not null,
    city text not null,
    place point not null
);

create table bookings (
    id integer primary key,
    store_id integer not null,
    customer_id integer not null,
    during tstzrange not null
);

create table metrics (
    device_id integer not null,
    measured_at timestamptz not null,
    value double precision not null
);

create table audit (
    id bigint primary key,
    tenant_id integer not null,
    actor_id integer not null,
    object_kind text not null,
    object_id integer not null,
    changes jsonb not null,
    created_at timestamptz not null
);
