//! A small application: tables, and statements that each touch one table.

/// Tables and their rows. Values follow from row numbers, so they are the same every time.
pub(super) fn tables() -> String {
    "
create table users (
    id bigint primary key, email text, country text, created_at timestamp, score integer);
insert into users
select
    i, 'user' || i || '@example.com', 'c' || abs(hashint8(i)) % 60,
    timestamp '2023-01-01' + i * interval '7 minutes', abs(hashint8(i + 1)) % 1000
from generate_series(1::bigint, 50000) as i;
create table orders (
    id bigint primary key, user_id bigint, status text, amount numeric, created_at timestamp);
insert into orders
select
    i, abs(hashint8(i)) % 50000 + 1, (array['new', 'paid', 'sent', 'done'])[i % 4 + 1],
    (abs(hashint8(i + 2)) % 100000) / 100.0, timestamp '2023-01-01' + i * interval '2 minutes'
from generate_series(1::bigint, 200000) as i;
create table events (
    id bigint primary key, user_id bigint, kind integer, happened_at timestamp, note text);
insert into events
select
    i, abs(hashint8(i)) % 50000 + 1, abs(hashint8(i + 3)) % 200,
    timestamp '2023-01-01' + i * interval '1 minute', 'note ' || i
from generate_series(1::bigint, 300000) as i;
"
    .to_owned()
}

/// What applications ask all day: points, ranges, the newest few, counts.
pub(super) fn statements() -> Vec<String> {
    [
        "select * from users where id = 4711",
        "select id, score from users where email = 'user123@example.com'",
        "select count(*) from users where country = 'c7' and score > 900",
        "select id, email from users where created_at >= '2023-03-01' order by created_at limit 20",
        "select * from orders where user_id = 815 order by created_at desc limit 10",
        "select id, amount from orders where status = 'new' and created_at >= '2023-09-01'",
        "select sum(amount) from orders where created_at between '2023-04-01' and '2023-04-02'",
        "select * from orders where user_id = 99 and status = 'paid'",
        "select * from events where user_id = 12 and kind = 5",
        "select happened_at from events where kind = 17 order by happened_at desc limit 1",
        "select kind, count(*) from events where user_id = 4242 group by kind",
        "update orders set status = 'sent' where user_id = 7 and status = 'paid'",
    ]
    .map(str::to_owned)
    .to_vec()
}
