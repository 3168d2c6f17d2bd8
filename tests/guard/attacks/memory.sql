--- class: Memory and disk
--- setup:
create table wide (n integer, t text);
insert into wide select i, repeat('x', 1000) from generate_series(1, 10000) as i;
analyze wide;

--- attack: repeat
--- resource:
--- sql:
select length(repeat('x', 1000000000))

--- attack: repeat to the client
--- resource:
--- sql:
select repeat('x', 500000000)

--- attack: repeat of each row
--- resource:
--- sql:
select n, length(repeat('x', 300000000 + n)) from generate_series(1, 1000) as n

--- attack: several at a time
--- resource:
--- sql:
select length(repeat('x', 500000000)), length(repeat('y', 500000000))

--- attack: lpad
--- resource:
--- sql:
select length(lpad('', 250000000, 'x'))

--- attack: rpad
--- resource:
--- sql:
select length(rpad('', 250000000, 'xy'))

--- attack: format with a width
--- resource:
--- sql:
select length(format('%500000000s', 'x'))

--- attack: string_agg
--- resource:
--- sql:
select length(string_agg(repeat('x', 1000000), '')) from generate_series(1, 1000)

--- attack: array_agg
--- resource:
--- sql:
select array_length(array_agg(n), 1) from generate_series(1, 1000000000) as n

--- attack: array_agg of texts
--- resource:
--- sql:
select count(a) from (select array_agg(repeat('x', 10000)) as a from generate_series(1, 100000)) as q

--- attack: array_fill
--- resource:
--- sql:
select array_length(array_fill(0::bigint, array[100000000]), 1)

--- attack: array_fill of many
--- resource:
--- sql:
select array_length(array_fill(n, array[10000, 10000]), 1) from generate_series(1, 100) as n

--- attack: jsonb_agg
--- resource:
--- sql:
select length(jsonb_agg(repeat('x', 100000))::text) from generate_series(1, 10000)

--- attack: json_agg
--- resource:
--- sql:
select json_agg(n) from generate_series(1, 100000000) as n

--- attack: xmlagg
--- resource:
--- sql:
select length(xmlagg(xmlelement(name a, repeat('x', 100000)))::text) from generate_series(1, 10000)

--- attack: text search of a large text
--- resource:
--- sql:
select to_tsvector('simple', string_agg(md5(n::text), ' ')) from generate_series(1, 1000000) as n

--- attack: split into an array
--- resource:
--- sql:
select array_length(regexp_split_to_array(repeat('x', 20000000), ''), 1)

--- attack: string_to_array
--- resource:
--- sql:
select array_length(string_to_array(repeat('x,', 50000000), ','), 1)

--- attack: replace that grows
--- resource:
--- sql:
select length(replace(repeat('x', 1000000), 'x', repeat('y', 900)))

--- attack: concatenation that doubles
--- resource:
--- sql:
with recursive q (n, t) as (select 1, 'x' union all select n + 1, t || t from q where n < 29) select max(length(t)) from q

--- attack: a hash table
--- resource:
--- sql:
select count(*) from (select n from generate_series(1, 100000000) as n group by n) as q

--- attack: a hash table that is estimated small
--- resource:
--- sql:
select count(*) from (select md5(n::text) from generate_series(1, 100000000) as n intersect select md5(n::text) from generate_series(1, 100000000) as n) as q

--- attack: temporary files of a sort
--- resource:
--- sql:
select count(*) from (select n, repeat('x', 1000) as t from generate_series(1, 10000000) as n order by t, n desc offset 1) as q

--- attack: temporary files of a series
--- resource:
--- sql:
select count(*) from generate_series(1, 1000000000) as a, generate_series(1, 2) as b

--- attack: temporary files of a join
--- resource:
--- sql:
select count(*) from wide as a join wide as b on a.t = b.t join wide as c on b.t = c.t

--- attack: temporary files of a materialized with
--- resource:
--- sql:
with q as materialized (select n, repeat('x', 1000) as t from generate_series(1, 100000000) as n) select count(*) from q as a, q as b

--- attack: temporary files of parallel workers
--- resource:
--- sql:
select a.n, b.n from wide as a, wide as b where a.n <> b.n order by md5(a.t || b.n)

--- attack: a crosstab by filters
--- resource:
--- sql:
select array_agg(a.t) filter (where b.n > 0), array_agg(b.t) from wide as a, wide as b

--- attack: percentiles
--- resource:
--- sql:
select percentile_cont(array[0.1, 0.5]) within group (order by n) from generate_series(1, 1000000000) as n

--- attack: mode
--- resource:
--- sql:
select mode() within group (order by repeat(md5(n::text), 30)) from generate_series(1, 10000000) as n

--- attack: an XML bomb
--- resource:
--- sql:
select xmlparse(document '<!DOCTYPE a [<!ENTITY a "' || repeat('x', 1000000) || '"><!ENTITY b "' || repeat('&a;', 1000) || '"><!ENTITY c "' || repeat('&b;', 1000) || '">]><a>&c;</a>')
--- control: select xmlagg(xmlelement(name a, repeat('x', 100000))) from generate_series(1, 10000)

--- attack: a range of many ranges
--- resource:
--- sql:
select range_agg(int4range(n, n + 1)) from generate_series(1, 1000000000, 2) as n

--- attack: hstore of many
--- resource:
--- sql:
select length(hstore(array_agg(n::text), array_agg(n::text))::text) from generate_series(1, 10000000) as n

--- attack: a numeric of many digits
--- resource:
--- sql:
select sum(length((repeat('9', 100000)::numeric * repeat(n::text, 1000)::numeric)::text)) from generate_series(1, 100000) as n

--- attack: bytes
--- resource:
--- sql:
select length(decode(repeat('00', 250000000), 'hex'))

--- attack: encoded bytes
--- resource:
--- sql:
select length(encode(decode(repeat('00', 100000000), 'hex'), 'base64'))

--- attack: compressed text
--- resource:
--- sql:
select length(pgp_sym_encrypt(repeat('x', 100000000), 'y', 'compress-algo=1'))

--- attack: a constant that is folded at planning
--- resource:
--- sql:
explain select repeat('x', 1000000000)

--- attack: constants that are folded at planning, through the tool
--- resource:
--- call: explain_query
--- sql:
select repeat('x', 500000000) || repeat('y', 400000000)
