-- What the statements of tests/robust/grammar.txt are about: relations of all kinds that share the
-- columns of `plain`, so that any expression fits any of them.

create extension pg_trgm;
create extension btree_gist;
create type mood as enum ('bad', 'fair', 'good');
create type pair as (a integer, b text);
create domain positive as integer check (value > 0);
create domain short as varchar(20) collate "C" not null default '';

create table plain (
    id integer primary key,
    k integer,
    m smallint,
    big bigint,
    gone text,
    num numeric(12, 2),
    flag boolean,
    note text,
    code short,
    fixed char(8),
    at timestamptz,
    day date,
    span int4range,
    spans int4multirange,
    tags integer[],
    words text[],
    doc jsonb,
    raw bytea,
    addr inet,
    loc point,
    vec tsvector,
    u uuid,
    mood mood,
    pos positive,
    p pair,
    bits bit(8),
    iv interval,
    real float8,
    total integer generated always as (k * 2) stored
);
alter table plain drop column gone;
alter table plain alter column code drop not null;
insert into plain
select i, i % 300, i % 9, i * 1000000000::bigint, i / 7.0, i % 3 = 0, md5(i::text), 'c' || i % 50, 'f' || i % 20,
    timestamptz '2020-01-01 00:00+00' + i * interval '1 hour', date '2020-01-01' + i % 900,
    int4range(i, i + 5), int4multirange(int4range(i, i + 2), int4range(i + 4, i + 6)),
    array[i % 7, i % 11], array['w' || i % 13, 'x' || i % 5],
    jsonb_build_object('a', i % 30, 'b', jsonb_build_array('x', i % 4), 'c', md5(i::text)),
    decode(md5(i::text), 'hex'), ('10.0.' || i % 200 || '.1')::inet, point(i % 100, i % 70),
    to_tsvector('simple', 'w' || i % 40 || ' z' || i % 9), md5(i::text)::uuid,
    (array['bad', 'fair', 'good'])[1 + i % 3]::mood, 1 + i % 500, row(i % 20, 'b')::pair,
    (i % 256)::bit(8), i * interval '1 minute', case when i % 50 = 0 then 'NaN' else i / 3.0 end
from generate_series(1, 2000) as i;
update plain set k = null, note = null, doc = null, tags = '{}' where id % 17 = 0;
create index on plain (k, day) include (note);
create index on plain (lower(note)) where flag;
create index on plain using gin (doc);
create index on plain using gin (note gin_trgm_ops);
create index on plain using gist (span);
create index on plain using gist (loc);
create index on plain using brin (at);
create index on plain using hash (u);
create index on plain using spgist (addr);
create statistics plain_k_m (ndistinct, dependencies, mcv) on k, m from plain;
create statistics plain_lower on lower(code), (k % 7) from plain;

-- Partitions of three levels, whose columns have other numbers.
create table parts (like plain including defaults including generated) partition by range (day);
create table parts_old (junk text, like plain including defaults including generated);
alter table parts_old drop column junk;
alter table parts attach partition parts_old for values from (minvalue) to ('2021-01-01');
create table parts_new partition of parts for values from ('2021-01-01') to ('2022-01-01') partition by list (m);
create table parts_new_low partition of parts_new for values in (0, 1, 2, 3) partition by hash (id);
create table parts_new_low_0 partition of parts_new_low for values with (modulus 2, remainder 0);
create table parts_new_low_1 partition of parts_new_low for values with (modulus 2, remainder 1);
create table parts_new_rest partition of parts_new default;
create table parts_rest partition of parts default;
insert into parts (id, k, m, big, num, flag, note, code, fixed, at, day, span, spans, tags, words, doc, raw, addr, loc,
    vec, u, mood, pos, p, bits, iv, real)
select id, k, m, big, num, flag, note, code, fixed, at, day, span, spans, tags, words, doc, raw, addr, loc, vec, u, mood,
    pos, p, bits, iv, real from plain;
create index on parts (k, day);
create index on parts_old (lower(code));

-- Heirs, of which one has more columns.
create table heirs (like plain including defaults including generated);
create table heirs_more (extra integer, why text default 'x') inherits (heirs);
create table heirs_most () inherits (heirs_more);
insert into heirs (id, k, day, note, tags, doc) select id, k, day, note, tags, doc from plain where id < 900;
insert into heirs_more (id, k, day, note, extra) select id, k, day, note, id from plain where id < 500;
create index on heirs_more (k);

create unlogged table loose (like plain including all);
create table never (like plain including all);
create table referring (like plain including all, foreign key (pos) references plain (id));
create table hidden (like plain including all);
alter table hidden enable row level security;
alter table hidden force row level security;
create policy some_rows on hidden using (k < 100 and note <> current_user);
insert into hidden (id, k, note) select id, k, note from plain;

create view seen as select * from plain where k is not null;
create view seen_twice with (security_barrier) as select * from seen where m < 8;
create view seen_sums as
    select max(id) as id, k, m, max(big) as big, sum(num) as num, bool_or(flag) as flag, max(note) as note, max(code) as code,
        max(fixed) as fixed, max(at) as at, max(day) as day, null::int4range as span, null::int4multirange as spans,
        array_agg(k) as tags, array_agg(note) as words, jsonb_agg(m) as doc, null::bytea as raw, max(addr) as addr,
        null::point as loc, null::tsvector as vec, null::uuid as u, max(mood) as mood, max(pos) as pos, null::pair as p,
        null::bit(8) as bits, sum(iv) as iv, max(real) as real, max(total) as total
    from plain group by k, m;
create view seen_both as select * from plain union all select * from heirs;
create materialized view kept as select * from plain where id < 1000;
create index on kept (k);
create rule rewritten as on update to never do also insert into loose (id, k) values (new.id, new.k);

create schema "Größe 🦀 sel""ect";
create table "Größe 🦀 sel""ect"."ключ'; -- x" (like plain including all);
insert into "Größe 🦀 sel""ect"."ключ'; -- x" (id, k, note, day) select id, k, note, day from plain;
create table "a_name_of_sixty_three_bytes_which_is_as_long_as_names_can_be_xx" (like plain including all);
create table nothing ();
create table wide ();
do $$ begin for n in 1..200 loop execute format('alter table wide add column c%s integer', n); end loop; end $$;
insert into wide (c1, c2, c100, c200) select i, i % 300, i % 9, i from generate_series(1, 1000) as i;

-- Functions of every kind, some of which fail when they are folded.
create function doubled(integer) returns integer immutable language sql as 'select $1 * 2';
create function folded(integer) returns integer immutable language plpgsql as
    'begin return (select count(*) from plain where k = $1); end';
create function failing(integer) returns integer immutable language plpgsql as
    'begin raise exception ''it fails for %'', $1; end';
create function dividing(integer) returns integer immutable language sql as 'select 1 / ($1 - $1)';
create function planned(integer) returns integer stable language sql as
    'select count(*)::integer from plain where k = $1';
create function rows_of(integer) returns setof plain stable rows 70 language sql as
    'select * from plain where k = $1';
create function rows_made(integer) returns setof plain volatile language plpgsql as
    'begin return query select * from plain limit $1; end';
create function swapped(anyelement, anyelement) returns anyelement immutable language sql as 'select $2';
create function many(variadic integer[]) returns integer immutable language sql as 'select cardinality($1)';
create function later(a integer default 5, b integer default 7) returns integer immutable language sql as 'select a + b';
create aggregate biggest(integer) (sfunc = int4larger, stype = integer);
create operator === (leftarg = integer, rightarg = integer, function = int4eq, commutator = ===,
    restrict = eqsel, join = eqjoinsel);
create cast (pair as text) with inout as implicit;
create foreign data wrapper nowhere;
create server nowhere foreign data wrapper nowhere;
create foreign table far (id integer, k integer) server nowhere;
create sequence counter;

-- What a crowd writes to.
create schema busy;
create table busy.written as select i as id, 0 as n from generate_series(1, 1000) as i;
