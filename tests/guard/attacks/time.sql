--- class: Time without end
--- setup:
create function loops() returns integer language plpgsql stable as
    $$ begin while clock_timestamp() < now() + interval '100 s' loop end loop; return 1; end $$;
create function loops_in_sql() returns bigint language sql stable as
    'select count(*) from generate_series(1, 10000000000)';
create function catches_cancel() returns integer language plpgsql stable as
    $$ begin loop begin perform count(*) from generate_series(1, 1000000000);
        exception when others then null; end; end loop; end $$;
create function recurses(integer) returns integer language plpgsql stable as
    $$ begin return recurses($1 + 1) + recurses($1 + 1); exception when others then return recurses($1 - 1); end $$;
create view slow as select pg_sleep(100)::text as slept;
create domain slow_domain as text check (value ~ '^(a|aa)+$' and pg_sleep(100) is null);

--- attack: pg_sleep
--- resource:
--- sql:
select pg_sleep(100)

--- attack: pg_sleep_for
--- resource:
--- sql:
select pg_sleep_for('1 day')

--- attack: pg_sleep_until
--- resource:
--- sql:
select * from pg_sleep_until('infinity')

--- attack: pg_sleep of each row
--- resource:
--- sql:
select id, pg_sleep(30) from victim

--- attack: pg_sleep in a view
--- resource:
--- sql:
select * from slow

--- attack: pg_sleep in a domain
--- resource:
--- sql:
select 'aa'::slow_domain

--- attack: a function that loops
--- resource:
--- sql:
select loops()

--- attack: a function that counts
--- resource:
--- sql:
select loops_in_sql()

--- attack: a function that catches the cancel
--- resource:
--- sql:
select catches_cancel()

--- attack: a function that calls itself
--- resource:
--- sql:
select recurses(1)

--- attack: a clock that is waited for
--- resource:
--- sql:
select count(*) from generate_series(1, 1000000000) where clock_timestamp() < now()

--- attack: a long series
--- resource:
--- sql:
select count(*) from generate_series(1, 1000000000000)

--- attack: a series of times
--- resource:
--- sql:
select count(*) from generate_series('4000-01-01 BC'::timestamp, '9999-01-01', '1 second')

--- attack: cross joins
--- resource:
--- sql:
select count(*) from pg_proc a, pg_proc b, pg_proc c, pg_proc d

--- attack: cross joins, through a condition
--- resource:
--- sql:
select count(*) from pg_attribute a, pg_attribute b, pg_attribute c where a.attnum + b.attnum + c.attnum = 7777777

--- attack: a recursion without end
--- resource:
--- sql:
with recursive q (n) as (select 1 union all select n + 1 from q) select count(*) from q

--- attack: a recursion without end that gives no rows
--- resource:
--- sql:
with recursive q (n) as (select 1 union all select 1 from q) select 1 from q where n = 2

--- attack: a recursion that doubles
--- resource:
--- sql:
with recursive q (n) as (select 1 union all select n + i from q, generate_series(1, 2) as i) select max(n) from q

--- attack: a regular expression
--- resource:
--- sql:
select count(*) from generate_series(1, 100000000) as n where repeat(n::text, 300) ~ '(.*)(.*)(.*)(.*)(.*)[^0-9]'

--- attack: a regular expression with back references
--- resource:
--- sql:
select count(*) from generate_series(1, 100000000) as n where repeat(n::text, 100) ~ '(.+)(.+)x\1\2'

--- attack: a replacement by a regular expression
--- resource:
--- sql:
select count(regexp_replace(repeat(n::text, 1000), '([0-9])', '\1\1', 'g')) from generate_series(1, 100000000) as n

--- attack: similar to
--- resource:
--- sql:
select count(*) from generate_series(1, 100000000) as n where repeat(n::text, 200) similar to '%(1|2|3)*x'

--- attack: a power of a numeric
--- resource:
--- sql:
select sum(length(((n::numeric + 0.3) ^ 5000)::text)) from generate_series(1, 10000000) as n

--- attack: a factorial
--- resource:
--- sql:
select sum(length(factorial(n)::text)) from generate_series(5000, 30000) as n

--- attack: an exponential function
--- resource:
--- sql:
select exp(n::numeric), ln(exp(5000::numeric)) from generate_series(1, 5000) as n

--- attack: hashes
--- resource:
--- sql:
select count(sha512(repeat('x', 1000000 + g % 2)::bytea)) from generate_series(1, 1000000) as g

--- attack: passwords that are hashed
--- resource:
--- sql:
select crypt('x', gen_salt('bf', 20))

--- attack: passwords that are hashed many times
--- resource:
--- sql:
select count(crypt(n::text, gen_salt('bf', 10))) from generate_series(1, 10000) as n

--- attack: similarity of long texts
--- resource:
--- sql:
select count(similarity(repeat(md5(n::text), 1000), repeat(md5((n + 1)::text), 1000))) from generate_series(1, 100000) as n

--- attack: a sort
--- resource:
--- sql:
select * from generate_series(1, 1000000000) as n order by n desc

--- attack: a sort by text
--- resource:
--- sql:
select md5(n::text) from generate_series(1, 100000000) as n order by 1 limit 1

--- attack: distinct
--- resource:
--- sql:
select count(distinct md5(n::text)) from generate_series(1, 100000000) as n

--- attack: group by
--- resource:
--- sql:
select n % 10000000, count(*) from generate_series(1, 1000000000) as n group by 1

--- attack: a window
--- resource:
--- sql:
select sum(n) over (order by n rows between unbounded preceding and unbounded following) from generate_series(1, 100000000) as n

--- attack: a window that starts again for each row
--- resource:
--- sql:
select max(n) over (order by n range between unbounded preceding and current row exclude current row) from generate_series(1, 1000000) as n

--- attack: many rows to the client
--- resource:
--- sql:
select repeat('x', 1000), n from generate_series(1, 100000000) as n

--- attack: explain analyze
--- resource:
--- sql:
explain analyze select count(*) from generate_series(1, 100000000000)

--- attack: through explain_query
--- resource:
--- call: explain_query {"analyze": true}
--- sql:
select count(*) from generate_series(1, 100000000000)

--- attack: a long wait in a condition that never holds
--- resource:
--- sql:
select 1 from generate_series(1, 100000000000) as n where n < 0 limit 1

--- attack: an array that is searched
--- resource:
--- sql:
select count(*) from generate_series(1, 100000) as n, (select array_agg(i) as a from generate_series(1, 100000) as i) as q where -n = any (a)

--- attack: json paths
--- resource:
--- sql:
select count(*) from (select jsonb_agg(i) as j from generate_series(1, 100000) as i) as q, generate_series(1, 100000) as n where j @? ('$[*] ? (@ < 0 && @ > ' || n || ')')::jsonpath

--- attack: an anti join by a function
--- resource:
--- sql:
select count(*) from generate_series(1, 100000000) as a where not exists (select from generate_series(1, 1000) as b where a % 7 = b % 7 + 8)

--- attack: parallel workers
--- resource:
--- sql:
select count(*) from pg_attribute a, pg_attribute b, pg_class c, pg_class d where md5(a.attname || b.attname || c.relname || d.relname) = 'x'

--- attack: hundreds of subqueries
--- resource:
--- sql:
select (select count(*) from generate_series(1, 100000000)), (select count(*) from generate_series(2, 100000000)), (select count(*) from generate_series(3, 100000000))

--- attack: a limit that does not help
--- resource:
--- sql:
select n from generate_series(1, 10000000000) as n offset 1000000000 limit 1

--- attack: leap through text search
--- resource:
--- sql:
select count(to_tsvector('english', repeat(md5(n::text) || ' ', 10000))) from generate_series(1, 100000) as n

--- attack: edit distances
--- resource:
--- sql:
select sum(levenshtein(repeat('a', 255), repeat('b', 255))) from generate_series(1, 10000000)
--- control: select count(*) from generate_series(1, 100000000000)
