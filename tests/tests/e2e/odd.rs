//! Odd tables and statements, all valid.

/// Tables with columns of many types.
pub(crate) const SCHEMA: &str = r#"
create table wide_enough (id integer primary key, k integer, m integer, day date, note text,
    doc jsonb, tags integer[], span int4range, at timestamptz);
insert into wide_enough select i, i % 800, i % 9, date '2020-01-01' + i % 900, md5(i::text),
    jsonb_build_object('a', jsonb_build_array(i % 30, 'x')), array[i % 7, i % 11],
    int4range(i, i + 5), timestamptz '2020-01-01' + i * interval '1 hour'
    from generate_series(1, 20000) as i;
create type pair as (a integer, b text);
create domain positive as integer check (value > 0);
create type mood as enum ('bad', 'good');
create table typed (id integer primary key, p pair, d positive, mood mood, bits bit(8), money money,
    amount integer, twice integer generated always as (amount * 2) stored, xml_like text,
    de text collate "C", addr inet, point point, vector tsvector, pad text);
insert into typed (id, p, d, mood, bits, money, amount, xml_like, de, addr, point, vector, pad)
    select i, row(i, 'b')::pair, i, case i % 2 when 0 then 'bad' else 'good' end::mood,
    (i % 256)::bit(8), i::text::money, i % 700, 'x', md5(i::text), '10.0.0.1',
    point(i, i), to_tsvector('simple', 'word' || i % 100), repeat('x', 60)
    from generate_series(1, 9000) as i;
analyze;
"#;

/// Statements over these tables that the planner plans.
pub(crate) const ODD: &[&str] = &[
    "select",
    "select from wide_enough",
    "select from wide_enough where k = 5",
    "select 1 where false",
    "values (1), (2)",
    "values ((select max(k) from wide_enough)), (2)",
    "table wide_enough",
    "select * from only wide_enough where k = 5",
    "select wide_enough from wide_enough where k = 5",
    "select (wide_enough).k, ctid, tableoid::regclass, xmin from wide_enough where m = 3 and k = 4",
    "select * from wide_enough where ctid = '(0,1)'",
    "select * from wide_enough where ctid = any (array['(0,1)', '(5,3)']::tid[])",
    "select * from rows from (generate_series(1, 3), unnest(array[1, 2])) with ordinality as r (a, b, n)
        join wide_enough on wide_enough.k = r.a",
    "select * from wide_enough tablesample system (5) repeatable (7) where k = 5",
    "select * from wide_enough where k = 5 for no key update of wide_enough skip locked",
    "select * from wide_enough as a, wide_enough as b where a.k = b.m for share of b nowait",
    "select k, m, count(*), grouping(k, m) from wide_enough group by grouping sets ((k), (m), ())",
    "select k, m, count(*) from wide_enough group by cube (k, m), rollup (day) limit 5",
    "select count(*) filter (where m > 3), count(distinct k) filter (where k < 5) from wide_enough",
    "select distinct on (k, m) * from wide_enough order by k, m, day desc nulls last, id",
    "select percentile_disc(array[0.1, 0.9]) within group (order by k desc), mode() within group
        (order by m) from wide_enough where k < 100",
    "select rank(5) within group (order by k) from wide_enough",
    "select doc -> 'a' ->> 0, doc #>> '{a,1}' from wide_enough where doc @? '$.a[*] ? (@ == 5)'",
    "select * from wide_enough where doc['a'][0] = '5' and doc @> '{\"a\": [7]}'",
    "select tags[1], tags[1:2], array_agg(k) from wide_enough where 3 = any (tags) and tags && '{5}'
        group by tags",
    "select * from wide_enough where k = any (tags) and array[k, m] <@ array[1, 2, 3]",
    "select * from wide_enough where span @> 5 or span && int4range(7, 9) or upper(span) = 4",
    "select * from wide_enough where row(k, m, day) >= row(5, 3, '2020-01-01')",
    "select * from wide_enough where (k, m) = (select k, m from wide_enough where id = 5)",
    "select * from wide_enough where (k, m) not in (select k, m from wide_enough where id < 50)",
    "select * from wide_enough where k = all (select k from wide_enough where id = 5)",
    "select * from wide_enough where k < some (select m from wide_enough) is true",
    "select array(select k from wide_enough as i where i.k = o.m) from wide_enough as o limit 5",
    "select * from wide_enough where (k = 5) is not false and (m > 3) is unknown and k is null",
    "select * from wide_enough where k is not distinct from 5 and note is distinct from null",
    "select * from wide_enough where case when k > 5 then m = 3 else day > 'epoch' end",
    "select * from wide_enough where coalesce(k, m) = 5 and nullif(k, 3) = 4 and greatest(k, m) < 7",
    "select * from wide_enough where note like 'a\\%b%' escape '\\' or note ilike any (array['a%', 'b'])",
    "select * from wide_enough where note ~ '^abc' and note !~~ '%x' and note similar to '(a|b)%'",
    "select * from wide_enough where note between symmetric 'x' and 'a'",
    "select * from wide_enough where note collate \"C\" < 'm' order by note collate \"POSIX\" limit 3",
    "select * from wide_enough where k = 5::bigint and m = 3::smallint and k = 4.0",
    "select * from wide_enough where (day, day + 5) overlaps ('2020-05-05'::date, '2020-06-06'::date)",
    "select * from wide_enough where at::date = '2020-03-03' and at at time zone 'UTC' > 'yesterday'",
    "select * from wide_enough where extract(dow from day) = 3 and date_trunc('week', at) = now()",
    "select k, sum(m) over w, first_value(day) over (w rows between unbounded preceding and 1 preceding
        exclude ties), nth_value(k, 2) over w from wide_enough window w as (partition by k order by day)",
    "select * from (select *, row_number() over (partition by k order by at desc) as n
        from wide_enough) as x where n = 1 and k = 5",
    "select * from wide_enough as a natural join wide_enough as b",
    "select * from wide_enough as a full join wide_enough as b using (k, m) where a.day is null",
    "select * from (wide_enough as a left join wide_enough as b on a.k = b.m) as j (x1, x2) where x2 = 3",
    "select * from wide_enough as a right join lateral (select * from typed where id = 5) as b on true",
    "(select k from wide_enough order by k limit 3) intersect all (select m from wide_enough)
        except select 5 order by 1 desc fetch first 2 rows with ties",
    "with a as materialized (select * from wide_enough where k = 5),
        b as not materialized (select * from a where m = 3) select * from a, b",
    "with recursive t (n, k) as (values (1, 5) union select n + 1, w.k from t join wide_enough as w
        on w.id = t.k where n < 5) search depth first by n set o cycle k set c using p
        select * from t order by o",
    "with i as (insert into wide_enough (id, k) values (-1, 5) returning *),
        u as (update wide_enough set k = 6 where id in (select id from i) returning id),
        d as (delete from typed where id in (select id from u) returning *) select count(*) from d",
    "insert into wide_enough (id, k) select id, amount from typed where amount = 5
        on conflict (id) do update set k = excluded.k where wide_enough.m = 3 returning id, k",
    "insert into wide_enough (id) values (5) on conflict do nothing",
    "insert into wide_enough default values",
    "update wide_enough set (k, m) = (select amount, id from typed where typed.id = wide_enough.k)
        from typed as t where t.amount = wide_enough.m and t.id = 7 returning wide_enough.*, t.p",
    "update wide_enough set tags[2] = 5, doc['b'] = '1' where k = 5",
    "update typed set p.a = 5, amount = default where amount = 77",
    "delete from wide_enough using typed where typed.id = wide_enough.k and typed.amount = 5",
    "merge into wide_enough as w using (select * from typed where amount < 50) as t on t.id = w.id
        when matched and w.k = 5 then delete when matched then update set k = t.amount
        when not matched then do nothing",
    "select (p).a, (p).b from typed where (p).a = 5 and p = row(5, 'b')::pair and p is not null",
    "select (row(1, p)).*, row(typed.*) from typed where id = 5",
    "select * from typed where d = 5 and d::integer > 3 and mood > 'bad' and bits & b'00000001' = bits",
    "select * from typed where twice = 500 and money > '5.00' order by twice desc, money limit 5",
    "select * from typed where addr << '10.0.0.0/8' and vector @@ 'word5'::tsquery
        order by point <-> point '(3,4)' limit 3",
    "select * from typed where de > 'a' collate \"C\" order by de desc nulls last limit 5",
    "select xmlelement(name x, id), xmlforest(amount as a) from typed where amount = 5",
    "select json_agg(t), string_agg(distinct de, ',' order by de), array_agg(p) from typed as t
        where amount = 5 having count(*) > 3",
    "select * from xmltable('/a/b' passing '<a><b>5</b></a>' columns n integer path '.') as x
        join typed on typed.amount = x.n",
    "select * from jsonb_to_recordset('[{\"a\": 1}]') as r (a integer) join typed on amount = r.a",
    "select current_user, localtimestamp, random(), typed.* from typed where amount = random() * 5",
    "select generate_series(1, k), unnest(tags) from wide_enough where k = 3",
    "select *, (select count(*) from typed where amount = (select max(k) from wide_enough as i
        where i.m = o.m and typed.id = o.k)) from wide_enough as o where o.k in (1, 2)",
    "select exists (select from typed where amount = 5), not exists (table typed)",
    "select count(*) from pg_class as c join wide_enough as w on w.k = c.relnatts",
    "select operator(pg_catalog.-) k, k operator(pg_catalog.+) 5, cast(k as text) from wide_enough
        where k operator(pg_catalog.=) 5",
    "select set_config('work_mem', '9MB', false), pg_sleep(0) from wide_enough where k = 5",
    "select 1/0 as zero, 'x' || k from wide_enough where k = 5 and false",
    "select \"wide_enough\".\"k\" as \"a \"\"quoted\"\" name\", U&'d\\0061t' from public.\"wide_enough\" where \"k\"=5",
    "select $$dollar$$, $x$ $$ $x$, E'\\n\\'', B'101', X'1F', 1e10, .5 from wide_enough -- comment",
    "/* a /* nested */ comment; */ select k from wide_enough where k = 5 /* end */ ; ",
];

/// Tables that are odd as such.
pub(crate) const ODD_TABLES: &str = r#"
create table parent (id integer, k integer, note text);
create table child_1 (extra integer) inherits (parent);
create table child_2 (primary key (id)) inherits (parent);
insert into parent select i, i % 900, md5(i::text) from generate_series(1, 9000) as i;
insert into child_1 select i, i % 900, md5(i::text), 5 from generate_series(1, 9000) as i;
insert into child_2 select i, i % 900, md5(i::text) from generate_series(1, 9000) as i;
create table cut (id integer, day date, k integer, gone text, note text) partition by range (day);
create table cut_1 (note text, k integer, junk integer, day date, id integer, gone text);
alter table cut_1 drop column junk;
alter table cut attach partition cut_1 for values from ('2020-01-01') to ('2021-01-01');
create table cut_2 partition of cut for values from ('2021-01-01') to ('2023-01-01')
    partition by hash (k);
create table cut_2_0 partition of cut_2 for values with (modulus 2, remainder 0);
create table cut_2_1 partition of cut_2 for values with (modulus 2, remainder 1);
create table cut_rest partition of cut default;
insert into cut (id, day, k, note) select i, date '2020-01-01' + i % 1000, i % 700, md5(i::text)
    from generate_series(1, 30000) as i;
alter table cut drop column gone;
create table empty_cut (id integer) partition by list (id);
create table empty_table (id integer, k integer);
create unlogged table quick as select i as id, i % 500 as k from generate_series(1, 9000) as i;
create materialized view matter as select id, k, md5(note) as h from parent;
create materialized view unfilled as select id, k from parent with no data;
create view behind as select p.id, p.k as kay, c.day from parent as p join cut as c on c.id = p.id;
create view deep as select b.*, 1 as one from behind as b where kay > 5;
create view updatable as select id, k from parent where k > 3 with check option;
create view barrier with (security_barrier) as select * from parent where note <> '';
create table secured as select i as id, i % 500 as k, current_user as who
    from generate_series(1, 9000) as i;
alter table secured enable row level security;
alter table secured force row level security;
create policy mine on secured using (who = current_user and k in (select k from parent));
create table ruled as select i as id, i % 500 as k from generate_series(1, 9000) as i;
create table log_of_rules (id integer, k integer);
create rule also as on update to ruled do also insert into log_of_rules values (new.id, old.k);
create rule instead as on delete to ruled do instead update ruled set k = 0 where id = old.id;
create rule nothing as on insert to log_of_rules where new.id < 0 do instead nothing;
create table indexed (id integer primary key, k integer, note text, m integer, tags integer[]);
insert into indexed select i, i % 500, 'Note ' || i, i % 40, array[i % 9]
    from generate_series(1, 9000) as i;
create index on indexed (lower(note)); create index on indexed (k) where m = 3;
create index on indexed using hash (k); create index on indexed using gin (tags);
create index on indexed using brin (id); create index on indexed (note text_pattern_ops);
create index on indexed (k desc nulls last, (m + 1)) include (note);
create unique index broken on indexed (m, id);
update pg_index set indisvalid = false where indexrelid = 'broken'::regclass;
create statistics both_of (ndistinct, dependencies, mcv) on k, m from indexed;
create table dropped (a integer, b integer, c text, d integer);
alter table dropped drop column a; alter table dropped drop column c;
alter table dropped add column e integer default 5;
insert into dropped select i, i % 300, i from generate_series(1, 9000) as i;
create table nothing_there ();
create foreign data wrapper nowhere; create server far foreign data wrapper nowhere;
create foreign table away (id integer, k integer) server far;
create table tall (id integer, "a""b" integer, "Ünï cödé" integer, "select" integer, "x y" text);
insert into tall select i, i % 300, i % 500, i, 'x' from generate_series(1, 9000) as i;
create collation odd (provider = libc, locale = 'C');
create table collated (a text collate odd, b text collate "C", c varchar(10));
insert into collated select md5(i::text), md5(i::text), i from generate_series(1, 9000) as i;
"#;

/// Statements over them.
pub(crate) const OVER_ODD_TABLES: &[&str] = &[
    "select * from parent where k = 5",
    "select * from only parent where k = 5",
    "select tableoid::regclass, p.* from parent as p where id = 5 order by k limit 3",
    "update parent set note = 'x' where k = 5",
    "delete from parent using child_1 as c where c.k = parent.k and c.extra = 5 and c.id = 3",
    "select * from cut where k = 5",
    "select * from cut where day = '2020-05-05' and note > 'f'",
    "select * from cut_1 where k = 5",
    "select * from cut_2 where k = 5 and day > '2022-01-01'",
    "select k, max(day) from cut group by k order by k limit 5",
    "update cut set k = k + 1 where id = 5",
    "select a.id from cut as a join cut as b on a.id = b.k where b.day = '2020-07-07'",
    "select * from empty_cut where id = 5",
    "select * from empty_table where k = 5",
    "select * from quick where k = 5",
    "select * from matter where k = 5 order by h",
    "select * from behind where kay = 5",
    "select one, day from deep where id = 77",
    "update updatable set k = 9 where id = 5",
    "insert into updatable select id, k from quick where k = 7",
    "select * from barrier where k = 5",
    "select * from secured where id = 5",
    "update secured set k = 3 where id = 7",
    "update ruled set k = 3 where id = 7",
    "delete from ruled where id = 9",
    "insert into log_of_rules select id, k from ruled where k = 6",
    "select * from indexed where lower(note) = 'note 5' and m = 7",
    "select * from indexed where k = 5 and m = 3",
    "select * from indexed where m = 5 and id > 100 and note like 'Note 5%'",
    "select * from indexed where tags @> '{3}' order by k desc nulls last, m + 1 limit 3",
    "select b, e from dropped where b = 5",
    "select d from dropped where e = 5 and d between 3 and 5",
    "select * from dropped order by d desc limit 2",
    "select * from nothing_there",
    "select \"select\" from tall where \"a\"\"b\" = 5 and \"Ünï cödé\" = 7",
    "select * from tall order by \"x y\", \"Ünï cödé\" desc limit 3",
    "select * from collated where a = 'x' or b > 'y' collate odd",
    "select * from collated where c = 'x' order by a collate \"C\" limit 2",
    // EXPLAIN refuses these.
    "select * from away where id = 5",
    "select away.id from away join quick using (k) where quick.id = 5",
    "select * from unfilled where k = 5",
];
