-- Rows for tables.sql, the same at every run. The setting workload.scale says how many: at 1 the shop has
-- a million orders. A few tenants have most of everything, a few products most of the sales; nine orders in
-- ten are done with, one user in twenty is deleted, jobs and notifications are nearly all dealt with.

--- helpers
-- A number in [0, 1) for each number and seed.
create function pg_temp.u(i bigint, seed integer) returns double precision language sql immutable as $$
    select (hashint8extended(i, seed) & 4503599627370495)::double precision / 4503599627370496
$$;
create function pg_temp.rows(at_scale_one integer, fewest integer) returns integer language sql stable as $$
    select greatest(fewest, (at_scale_one * current_setting('workload.scale')::double precision)::integer)
$$;
-- A number from 1 to n, small ones much more often.
create function pg_temp.skewed(i bigint, seed integer, n integer, power double precision)
returns integer language sql immutable as $$
    select 1 + floor(n * pow(pg_temp.u(i, seed), power))::integer
$$;
create function pg_temp.word(i bigint, seed integer) returns text language sql immutable as $$
    select (array['amber', 'basket', 'copper', 'desk', 'enamel', 'flask', 'garden', 'hammer', 'indigo',
        'jacket', 'kettle', 'lamp', 'marble', 'nickel', 'oak', 'pillow', 'quartz', 'ribbon', 'saddle',
        'table', 'umbrella', 'velvet', 'walnut', 'yarn', 'zinc'])[pg_temp.skewed(i, seed, 25, 1.3)]
$$;
create function pg_temp.words(i bigint, seed integer, n integer) returns text language sql immutable as $$
    select string_agg(pg_temp.word(i * 31 + k, seed) || case when pg_temp.u(i * 31 + k, seed) > 0.9
        then left(md5((i * k)::text), 4) else '' end, ' ') from generate_series(1, n) as k
$$;

--- tenants and users
insert into tenants select i, 'tenant-' || i, (array['free', 'team', 'business'])[pg_temp.skewed(i, 1, 3, 2)],
    jsonb_build_object('currency', 'EUR', 'beta', i % 10 = 0), timestamptz '2020-01-01Z' + i * interval '3 d'
from generate_series(1, pg_temp.rows(200, 20)) as i;
insert into users select i, pg_temp.skewed(i, 2, pg_temp.rows(200, 20), 2.5),
    case when i % 3 = 0 then 'User' else 'user' end || i || '@example.com', initcap(pg_temp.word(i, 3)) || ' ' || i,
    jsonb_build_object('theme', case when pg_temp.u(i, 4) < 0.1 then 'dark' else 'light' end,
        'digest', (array['never', 'weekly', 'daily'])[pg_temp.skewed(i, 5, 3, 2)]),
    timestamptz '2026-06-30Z' - pg_temp.u(i, 6) * interval '400 d', timestamptz '2021-01-01Z' + i * interval '1 h',
    case when pg_temp.u(i, 7) < 0.05 then timestamptz '2026-01-01Z' end
from generate_series(1, pg_temp.rows(50000, 400)) as i;

--- catalogue
insert into categories select i, pg_temp.skewed(i, 8, pg_temp.rows(200, 20), 2.5), nullif(i / 10, 0),
    'c' || i / 100 || '/' || 'c' || i / 10 || '/c' || i, initcap(pg_temp.word(i, 9))
from generate_series(1, pg_temp.rows(5000, 100)) as i;
insert into products select i, pg_temp.skewed(i, 10, pg_temp.rows(200, 20), 2.5),
    pg_temp.skewed(i, 11, pg_temp.rows(5000, 100), 2.0), 'SKU-' || lpad((i * 7919 % 1000003)::text, 7, '0') || '-' || i % 97,
    pg_temp.words(i, 12, 3), pg_temp.words(i, 13, 20), 1 + (pg_temp.u(i, 14) * 500)::numeric(10, 2),
    case when pg_temp.u(i, 15) < 0.03 then 0 else 1 + i % 300 end,
    (select array_agg(distinct 'tag' || pg_temp.skewed(i * 7 + k, 16, 400, 2.0)) from generate_series(1, 4) as k),
    jsonb_build_object('color', (array['black', 'white', 'red', 'teal', 'ochre'])[pg_temp.skewed(i, 17, 5, 2.0)],
        'size', i % 12, 'material', pg_temp.word(i, 18), 'batch', i / 50),
    timestamptz '2022-01-01Z' + i * interval '10 min', case when pg_temp.u(i, 19) < 0.2 then timestamptz '2026-02-01Z' end
from generate_series(1, pg_temp.rows(200000, 1500)) as i;

--- customers and orders
insert into customers select i, pg_temp.skewed(i, 20, pg_temp.rows(200, 20), 2.5),
    case when i % 4 = 0 then 'Customer.' else 'customer.' end || i || '@mail' || i % 7 || '.example',
    '+49' || (i * 7919::bigint % 100000007), initcap(pg_temp.word(i, 21)) || ' ' || initcap(pg_temp.word(i, 22)) || ' ' || i,
    (array['DE', 'AT', 'CH', 'FR', 'NL', 'BE', 'PL', 'IT'])[pg_temp.skewed(i, 23, 8, 2.5)], pg_temp.u(i, 24) < 0.3,
    timestamptz '2021-01-01Z' + i * interval '9 min', case when pg_temp.u(i, 25) < 0.04 then timestamptz '2026-03-01Z' end
from generate_series(1, pg_temp.rows(300000, 2000)) as i;
insert into orders select i, c.tenant_id, c.id,
    case when age > 0.98 then (array['new', 'paid', 'packed', 'shipped'])[1 + i % 4]
        when pg_temp.u(i, 27) < 0.94 then 'completed' when pg_temp.u(i, 27) < 0.985 then 'cancelled' else 'returned' end,
    5 + (pg_temp.u(i, 28) * 900)::numeric(12, 2), timestamptz '2022-07-01Z' + age * interval '1460 d',
    case when age < 0.98 then timestamptz '2022-07-03Z' + age * interval '1460 d' end,
    case when pg_temp.u(i, 29) < 0.02 then 'SALE' || pg_temp.skewed(i, 30, 200, 2.0) end
from (select i, i::double precision / pg_temp.rows(1000000, 5000) as age,
        pg_temp.skewed(i, 26, pg_temp.rows(300000, 2000), 1.7) as customer
    from generate_series(1, pg_temp.rows(1000000, 5000)) as i) as one
join customers as c on c.id = customer;
insert into order_items select i, 1 + ((i - 1) / 2.5)::integer % pg_temp.rows(1000000, 5000),
    pg_temp.skewed(i, 31, pg_temp.rows(200000, 1500), 2.5), pg_temp.skewed(i, 32, 5, 3.0), 1 + (pg_temp.u(i, 33) * 500)::numeric(10, 2)
from generate_series(1, pg_temp.rows(2500000, 12500)) as i;
insert into payments select id, id, (array['card', 'paypal', 'invoice'])[pg_temp.skewed(id, 34, 3, 1.5)],
    md5('ref' || id), case when pg_temp.u(id, 35) < 0.97 then 'captured' when pg_temp.u(id, 35) < 0.99 then 'failed'
        else 'pending' end, total, placed_at + interval '5 min' from orders order by id;

--- events and metrics
insert into events select i, pg_temp.skewed(i, 36, pg_temp.rows(200, 20), 2.5), pg_temp.skewed(i, 37, pg_temp.rows(50000, 400), 1.8),
    (array['page_view', 'click', 'search', 'add_to_cart', 'checkout', 'error'])[pg_temp.skewed(i, 38, 6, 2.2)],
    jsonb_build_object('path', '/p/' || pg_temp.skewed(i, 39, pg_temp.rows(20000, 500), 2.0), 'ms', (pg_temp.u(i, 40) * 900)::integer,
        'ref', left(md5((i % 5000)::text), 8)),
    timestamptz '2025-07-01Z' + (i::double precision / pg_temp.rows(2000000, 8000)) * interval '365 d'
from generate_series(1, pg_temp.rows(2000000, 8000)) as i;
insert into metrics select 1 + i % 500, timestamptz '2026-01-01Z'
    + (i::double precision / pg_temp.rows(1500000, 6000)) * interval '180 d', pg_temp.u(i, 41) * 100
from generate_series(1, pg_temp.rows(1500000, 6000)) as i;

--- queue, sessions, notifications
insert into jobs select i, (array['mail', 'export', 'webhook', 'index', 'billing'])[pg_temp.skewed(i, 42, 5, 1.8)],
    case when i > 0.998 * pg_temp.rows(500000, 4000) then 'queued' when pg_temp.u(i, 43) < 0.002 then 'failed'
        when pg_temp.u(i, 43) < 0.0025 then 'running' else 'done' end, pg_temp.skewed(i, 44, 10, 2.0),
    timestamptz '2026-01-01Z' + (i::double precision / pg_temp.rows(500000, 4000)) * interval '180 d', i % 4, null,
    jsonb_build_object('order', i, 'try', i % 3)
from generate_series(1, pg_temp.rows(500000, 4000)) as i;
insert into sessions select md5('session' || i), pg_temp.skewed(i, 45, pg_temp.rows(50000, 400), 1.5),
    timestamptz '2026-01-01Z' + i * interval '1 min', timestamptz '2026-02-01Z' + i * interval '1 min'
from generate_series(1, pg_temp.rows(200000, 2000)) as i;
insert into notifications select i, pg_temp.skewed(i, 46, pg_temp.rows(50000, 400), 1.6),
    (array['order', 'follow', 'comment', 'system'])[pg_temp.skewed(i, 47, 4, 1.5)], 'Something happened: ' || md5(i::text),
    timestamptz '2026-01-01Z' + i * interval '30 s', case when pg_temp.u(i, 48) < 0.97 then timestamptz '2026-06-01Z' end
from generate_series(1, pg_temp.rows(500000, 3000)) as i;

--- feed
insert into posts select i, pg_temp.skewed(i, 49, pg_temp.rows(200, 20), 2.5), pg_temp.skewed(i, 50, pg_temp.rows(50000, 400), 1.8),
    initcap(pg_temp.words(i, 51, 4)), pg_temp.words(i, 52, 30), floor(1000 * pow(pg_temp.u(i, 53), 6)),
    timestamptz '2023-01-01Z' + i * interval '6 min', case when pg_temp.u(i, 54) < 0.1 then timestamptz '2026-05-01Z' end
from generate_series(1, pg_temp.rows(200000, 1500)) as i;
insert into comments select i, pg_temp.skewed(i, 55, pg_temp.rows(200000, 1500), 2.6), pg_temp.skewed(i, 56, pg_temp.rows(50000, 400), 1.8),
    pg_temp.words(i, 57, 8), timestamptz '2023-01-02Z' + i * interval '2 min'
from generate_series(1, pg_temp.rows(600000, 3000)) as i;
insert into follows select distinct on (a, b) a, b, timestamptz '2025-01-01Z' from (
    select pg_temp.skewed(i, 58, pg_temp.rows(50000, 400), 1.2) as a, pg_temp.skewed(i, 59, pg_temp.rows(50000, 400), 2.5) as b
    from generate_series(1, pg_temp.rows(500000, 3000)) as i) as pairs where a <> b;

--- places and bookings
insert into stores select i, pg_temp.skewed(i, 60, pg_temp.rows(200, 20), 2.0), 'Store ' || i,
    initcap(pg_temp.word(i, 61)) || 'ton', point(6 + 9 * pg_temp.u(i, 62), 47 + 8 * pg_temp.u(i, 63))
from generate_series(1, pg_temp.rows(50000, 500)) as i;
insert into bookings select i, 1 + i % 300, pg_temp.skewed(i, 64, pg_temp.rows(300000, 2000), 1.5),
    tstzrange(slot, slot + interval '1 h') from (
    select i, timestamptz '2025-01-01Z' + (i / 300) * interval '1 h' as slot
    from generate_series(1, pg_temp.rows(300000, 2000)) as i) as slots;

--- audit
insert into audit select i, pg_temp.skewed(i, 65, pg_temp.rows(200, 20), 2.5), pg_temp.skewed(i, 66, pg_temp.rows(50000, 400), 1.8),
    (array['order', 'product', 'customer', 'user'])[pg_temp.skewed(i, 67, 4, 1.4)], pg_temp.skewed(i, 68, pg_temp.rows(200000, 1500), 1.5),
    jsonb_build_object('field', pg_temp.word(i, 69), 'from', i % 10, 'to', i % 11),
    timestamptz '2024-07-01Z' + (i::double precision / pg_temp.rows(800000, 3000)) * interval '730 d'
from generate_series(1, pg_temp.rows(800000, 3000)) as i;

--- statistics
vacuum (analyze);
