--- Statements that restricted mode must run: functions on values.

-- text
select lower('A'), upper('a'), initcap('ab cd'), length('abc'), char_length('abc'), octet_length('abc'), bit_length('a')

select trim('  x '), trim(both 'x' from 'xax'), trim(leading from ' a'), btrim('xax', 'x'), ltrim('a'), rtrim('a')

select substring('abc' from 2 for 1), substring('abc', 2), substring('foobar' from 'o(.)b'), substring('foobar' similar '%#"o_b#"%' escape '#')

select position('b' in 'abc'), strpos('abc', 'b'), overlay('abc' placing 'x' from 2 for 1), replace('abc', 'b', 'x'), translate('abc', 'ab', 'xy')

select left('abc', 2), right('abc', 2), lpad('a', 3), rpad('a', 3, 'x'), repeat('a', 3), reverse('abc'), split_part('a,b', ',', 2)

select concat('a', 1), concat_ws('-', 'a', 'b'), format('%s %I %L', 'a', 'b', 'c'), quote_ident('a b'), quote_literal('x'), quote_nullable(null)

select regexp_replace('abc', 'b', 'x', 'g'), regexp_match('abc', '(b)'), regexp_count('abab', 'a'), regexp_instr('abc', 'b'), regexp_substr('abc', 'b'), regexp_like('abc', 'b')

select ascii('a'), chr(97), to_hex(255), md5('a'), sha256('a'), sha512('a'::bytea), encode('a'::bytea, 'base64'), decode('YQ==', 'base64')

select starts_with('abc', 'a'), 'abc' ^@ 'a', normalize('a', nfc), 'a' is nfc normalized, unistr('\0061'), parse_ident('a.b')

select U&'\0061bc', U&'!0061bc' uescape '!', 'ä' || 'ö' || '漢字'

select convert_from('\x61', 'UTF8'), convert_to('a', 'LATIN1'), convert('a'::bytea, 'UTF8', 'LATIN1')

select collation for ('a' collate "C"), hashtext('a'), similarity from (select 1 as similarity) q

-- numbers
select abs(-1), ceil(1.5), ceiling(1.5), floor(1.5), round(1.55, 1), trunc(1.5), sign(-1), sqrt(2), cbrt(8), exp(1), ln(2), log(10), log(2, 8), power(2, 3), mod(7, 3), div(7, 2), gcd(4, 6), lcm(4, 6), factorial(5), pi(), degrees(1), radians(1)

select sin(1), cos(1), tan(1), cot(1), asin(1), acos(1), atan(1), atan2(1, 2), sind(30), sinh(1), asinh(1)

select 7 / 2, 7 % 2, 2 ^ 3, |/ 4, ||/ 8, @ -1, 5 & 3, 5 | 3, 5 # 3, ~ 5, 1 << 2, 8 >> 1

select random(), random() < 0.5, gen_random_uuid()

select scale(1.50), min_scale(1.50), trim_scale(1.50), num_nulls(1, null), num_nonnulls(1, null)

select to_char(1234.5, '9,999.99'), to_number('1,234', '9,999'), to_char(now(), 'YYYY-MM-DD HH24:MI:SS')

-- dates and times
select now(), current_date, current_time, current_timestamp, current_timestamp(0), localtime, localtimestamp, clock_timestamp(), statement_timestamp(), transaction_timestamp(), timeofday()

select extract(year from now()), extract(epoch from interval '1 day'), date_part('dow', now()), date_trunc('week', now(), 'Europe/Berlin'), age(now(), now() - interval '1 year'), age(timestamp '2026-01-01')

select now() at time zone 'UTC', (now() at time zone 'UTC') at time zone 'Europe/Berlin', timezone('UTC', now())

select make_date(2026, 1, 1), make_time(1, 2, 3), make_timestamp(2026, 1, 1, 0, 0, 0), make_timestamptz(2026, 1, 1, 0, 0, 0), make_interval(days => 3)

select to_timestamp(0), to_timestamp('2026', 'YYYY'), to_date('2026-01-01', 'YYYY-MM-DD'), justify_hours(interval '30 hours'), justify_interval(interval '40 days'), isfinite(now())

select date '2026-01-01' + 1, date '2026-01-02' - date '2026-01-01', now() - interval '1 month', interval '1 day' * 2

-- JSON
select payload -> 'page', payload ->> 'page', payload #> '{a,b}', payload #>> '{a,b}', payload - 'page', payload @> '{"ms": 1}', payload ? 'page', payload ?| array['a'], payload ?& array['a'] from events

select payload['page'], payload['a']['b'] from events

select jsonb_path_query(payload, '$.page'), jsonb_path_exists(payload, '$.ms ? (@ > 1)'), payload @? '$.page', payload @@ '$.ms > 1', jsonb_path_query_array(payload, '$.*'), jsonb_path_query_first(payload, '$.page') from events

select key, value from events, jsonb_each(payload)

select key, value from events, jsonb_each_text(payload) where kind = 'view'

select k, count(*) from events, lateral jsonb_object_keys(payload) as k group by k

select jsonb_array_elements('[1,2]'), jsonb_array_elements_text('["a"]'), jsonb_array_length('[1]'), jsonb_typeof('1'), jsonb_pretty('{}'), jsonb_strip_nulls('{"a":null}')

select jsonb_set('{"a":1}', '{a}', '2'), jsonb_insert('{"a":[1]}', '{a,0}', '2'), '{"a":1}'::jsonb || '{"b":2}', to_jsonb(1), to_json('a'::text), row_to_json(row(1, 2)), jsonb_build_object('a', 1), json_build_array(1, 'a'), json_object('{a,1}'), array_to_json(array[1])

select * from jsonb_to_recordset('[{"a":1,"b":"x"}]') as t (a int, b text)

select * from jsonb_populate_record(null::customers, '{"id":1,"name":"x"}')

select * from json_populate_recordset(null::products, '[{"id":1}]')

select '{"a":1}'::json is json, '{"a":1}' is json object, '[]' is json array with unique keys, '1' is not json scalar

select json_object('a': 1, 'b': 2), json_array(1, 2), json_objectagg(id: name), json_arrayagg(name order by id) from customers

select json_value('{"a":1}', '$.a' returning int default 0 on error), json_query('{"a":[1]}', '$.a' with wrapper), json_exists('{"a":1}', '$.a')

select jt.* from json_table('[{"a":1,"b":{"c":2}}]', '$[*]' columns (row for ordinality, a int path '$.a', nested path '$.b' columns (c int path '$.c'))) as jt

select json('{"a":1}'), json_scalar(1), json_serialize('{"a":1}' returning text)

-- XML
select xmlelement(name a, xmlattributes(1 as b), 'c'), xmlforest(1 as a), xmlconcat('<a/>', '<b/>'), xmlcomment('x'), xmlpi(name php, 'x'), xmlroot('<a/>', version '1.0', standalone yes)

select xmlparse(document '<a/>'), xmlserialize(content '<a/>' as text), '<a/>'::xml is document, xpath('/a/b/text()', lines), xpath_exists('/a', lines), xmlexists('/a' passing lines), xml_is_well_formed('<a/>') from invoices

select x.* from invoices, xmltable('/a' passing lines columns b int path 'b', n for ordinality, d text default 'none') as x

select x.b from invoices, xmltable(xmlnamespaces('http://example.com' as e), '/a' passing lines columns b text path 'b') as x

-- ranges
select lower(during), upper(during), isempty(during), lower_inc(during), upper_inf(during), during @> now(), during && tstzrange(now(), null), during -|- during, range_merge(during, during) from bookings

select * from bookings where days @> date '2026-01-02'

select unnest(days), multirange(during), daterange('2026-01-01', '2026-01-02') * daterange('2026-01-01', null) from bookings

-- full text
select title from documents where words @@ to_tsquery('english', 'quick & fox')

select ts_rank(words, q), ts_rank_cd(words, q), ts_headline(body, q) from documents, plainto_tsquery('quick') q where words @@ q order by 1 desc

select phraseto_tsquery('quick fox'), websearch_to_tsquery('"quick fox" -dog'), setweight(to_tsvector('a'), 'A') || to_tsvector('b'), numnode('a & b'::tsquery), querytree('a & b'::tsquery), strip(to_tsvector('a'))

select * from ts_debug('english', 'foxes'), ts_parse('default', 'a b'), ts_token_type('default')

select ts_rewrite('a & b'::tsquery, 'a'::tsquery, 'c'::tsquery)

select unnest(words), tsvector_to_array(words), ts_lexize('english_stem', 'foxes') from documents

-- network, geometry, bytes
select host(address), family(address), masklen(address), network(address), netmask('10.0.0.0/8'), broadcast('10.0.0.0/8'), abbrev(address), inet_same_family(address, '::1'), inet_merge(address, '10.0.0.2') from places

select area(box '((0,0),(1,1))'), center(circle '((0,0),1)'), diameter(circle '((0,0),1)'), npoints(area), at <@ area, at <-> point '(0,0)', radius(circle '((0,0),1)'), slope(point '(0,0)', '(1,1)') from places

select get_bit(raw, 0), get_byte(raw, 0), set_bit(raw, 0, 1), length(raw), substr(raw, 1, 1), bit_count(raw), raw || '\x00' from invoices

-- grammar of newer servers, refused by older ones themselves
select 1_000_000, 0x1F, 0b101, 0o17

select merge_it from (select 1 as merge_it) q

select xmltext('<'), any_value(id) from customers

select array_sample(array[1, 2, 3], 2), array_shuffle(array[1, 2]), random_normal(), uuidv7(), uuidv4()

-- calls in all notations
select pg_catalog.lower('A'), "lower"('A'), LOWER('A'), Pg_Catalog.Upper('a')

select make_interval(years => 1, months := 2), concat(variadic array['a', 'b']), format('%s', variadic array['x'])

select count(*), count(all id), count(distinct id), sum(id order by id) from customers
