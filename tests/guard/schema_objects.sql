--- Views, functions, types and policies over the tables of `schema.sql`, as applications have them.
create view paid_orders as
    select o.id, o.customer_id, o.total, o.ordered_at
    from orders as o
    where o.status = 'paid';
create view customer_totals as
    select c.id, c.name, count(p.id) as orders, coalesce(sum(p.total), 0) as total
    from customers as c
    left join paid_orders as p on p.customer_id = c.id
    group by c.id, c.name;
create view best_customers with (security_barrier) as
    select * from customer_totals where total > 100;
create view current_activity as
    select pid, state, wait_event_type from pg_stat_activity;
create materialized view daily_sales as
    select ordered_at::date as day, count(*) as orders, sum(total) as total
    from orders
    group by 1;
create unique index on daily_sales (day);

create table readings (sensor integer not null, at date not null, value numeric)
    partition by range (at);
create table readings_2025 partition of readings
    for values from ('2025-01-01') to ('2026-01-01') partition by list (sensor);
create table readings_2025_1 partition of readings_2025 for values in (1);
create table readings_2025_rest partition of readings_2025 default;
create table readings_2026 partition of readings for values from ('2026-01-01') to ('2027-01-01');
insert into readings
select 1 + i % 3, date '2025-06-01' + i, i * 0.5
from generate_series(1, 400) as i;

create table notes (id integer primary key, tenant text not null, note text);
insert into notes values (1, 'acme', 'a'), (2, 'globex', 'b');
create policy by_tenant on notes using (tenant = coalesce(current_setting('app.tenant', true), 'acme'));
alter table notes enable row level security;

create type order_state as enum ('open', 'paid', 'shipped');
create type price_range as range (subtype = numeric);
create domain email_address as text check (value ~ '^[^@]+@[^@]+$' and length(value) < 200);
create domain positive as integer check (value > 0);
create table contacts (
    id integer generated always as identity primary key,
    email email_address,
    rank positive default 1,
    state order_state default 'open',
    label text generated always as (lower(email::text)) stored
);
insert into contacts (email) values ('a@example.com'), ('b@example.org');

create schema app;
create function app.net(price numeric, tax numeric default 0.19) returns numeric
    language sql immutable as 'select round(price / (1 + tax), 2)';
create function app.spent(customer integer) returns numeric
    language sql stable return (select sum(total) from orders where customer_id = customer);
create function app.tier(spent numeric) returns text
    language plpgsql immutable as $$
begin
    if spent > 100 then
        return 'gold';
    end if;
    return 'plain';
end $$;
create function app.tier_of(customer integer) returns text
    language sql stable as 'select app.tier(app.spent(customer))';
create function app.orders_of(customer integer) returns setof orders
    language sql stable begin atomic
        select * from orders where customer_id = customer;
    end;
create function app.latest(wanted integer) returns table (id integer, total numeric)
    language plpgsql stable as $$
begin
    return query select o.id, o.total from orders as o order by o.ordered_at desc limit wanted;
end $$;
create function label(o orders) returns text
    language sql immutable as $$ select o.status || ' ' || o.id $$;
create function app.as_reader(customer integer) returns bigint
    language sql stable security definer set search_path = public, pg_temp
    as 'select count(*) from orders where customer_id = customer';
create function app.depth(employee integer) returns integer
    language plpgsql stable as $$
declare
    above integer;
begin
    select manager_id into above from employees where id = employee;
    return case when above is null then 1 else 1 + app.depth(above) end;
end $$;
create function app.first_of(variadic anyarray) returns anyelement
    language sql immutable as 'select $1[1]';
create aggregate app.product (numeric) (sfunc = numeric_mul, stype = numeric, initcond = '1');
create aggregate app.join_words (text) (sfunc = textcat, stype = text, initcond = '');
create function app.close_to(a numeric, b numeric) returns boolean
    language sql immutable as 'select abs(a - b) < 1';
create operator app.=~ (leftarg = numeric, rightarg = numeric, function = app.close_to);
create function app.text_of(money_amount) returns text
    language sql immutable as $$ select ($1).amount || ' ' || ($1).currency $$;
create cast (money_amount as text) with function app.text_of(money_amount);

-- As extensions for geometry name theirs.
create function st_point(x float8, y float8) returns point language sql immutable as 'select point(x, y)';
create function st_distance(a point, b point) returns float8 language sql immutable as 'select a <-> b';
create function st_dwithin(a point, b point, distance float8) returns boolean
    language sql immutable as 'select st_distance(a, b) <= distance';
create function st_area(p polygon) returns float8 language sql immutable as 'select area(p::path)';
create function st_astext(p point) returns text
    language plpgsql immutable as $$ begin return format('POINT(%s %s)', p[0], p[1]); end $$;
create function time_bucket(width interval, at timestamptz) returns timestamptz
    language sql immutable as $$ select date_bin(width, at, timestamptz '2000-01-03 00:00:00+00') $$;
analyze;
