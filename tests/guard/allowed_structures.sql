--- Statements that restricted mode must run: documents, arrays, ranges, text search.

-- documents
select id, payload ->> 'page' as page, (payload ->> 'ms')::int as ms from events where payload @> '{"page": "/p1"}' order by ms desc limit 10

select payload #>> '{page}' as page, count(*), avg((payload -> 'ms')::numeric) from events group by 1

select jsonb_path_query(attributes, '$.colors[*] ? (@ starts with "r")') from products

select id from events where jsonb_path_match(payload, '$.ms >= $least', '{"least": 290}')

select id from products where attributes @? '$.weight ? (@ > 5 && @ < 8)' and attributes @@ '$.colors.size() == 2'

select jsonb_path_query_array('{"a": [{"b": 1}, {"b": 2}]}', 'strict $.a[*].b'), jsonb_path_query_first('[1, 2, 3]', '$[last]'), jsonb_path_exists_tz('["2026-01-01"]', '$[*] ? (@.datetime() > "2025-01-01".datetime())')

select p.id, c.value as color, c.ordinality from products as p, jsonb_array_elements_text(p.attributes -> 'colors') with ordinality as c

select r.* from events as e, jsonb_to_record(e.payload) as r (page text, ms int) where e.id < 5

select r.* from jsonb_populate_recordset(null::products, '[{"id": 1, "price": "2.50"}, {"id": 2, "name": "x"}]') as r

select (jsonb_populate_record(c, '{"name": "other"}')).* from customers as c limit 2

select jsonb_build_object('customer', c.name, 'orders', (select coalesce(jsonb_agg(jsonb_build_object('id', o.id, 'total', o.total) order by o.id), '[]') from orders as o where o.customer_id = c.id)) from customers as c limit 5

select json_build_object('type', 'FeatureCollection', 'features', json_agg(json_build_object('id', id, 'name', name))) from places

select jsonb_set_lax('{"a": 1}', '{a}', null, true, 'delete_key'), '{"a": [1, 2]}'::jsonb #- '{a,0}', '{"a": 1, "b": 2}'::jsonb - array['a', 'b'], jsonb_insert('{"a": [1]}', '{a, 0}', '0', true)

select key, jsonb_typeof(value), count(*) from events, jsonb_each(payload) group by 1, 2

select distinct k from products, jsonb_object_keys(attributes) as k order by 1

select attributes['colors'][0], attributes['weight']::int + 1 from products

select to_jsonb(c) - 'email' as row, row_to_json(c, true), array_to_json(array_agg(c.id)) from customers as c group by c limit 2

select json_object_agg(status, total), jsonb_object_agg(id, status), json_strip_nulls('{"a": null}'), json_typeof('[]'), json_array_length('[1]') from orders

select string_agg(format('%s=%s', key, value), '&' order by key) from jsonb_each_text('{"a": 1, "b": "x"}')

-- arrays
select id, tags, array_upper(tags, 1), array_ndims(tags), array_dims(tags), array_cat(tags, '{x}'), array_prepend('a', tags), array_positions(tags, 'tag1'), trim_array(tags, 1) from customers

select tag, count(*) from customers cross join unnest(tags) as tag group by tag having count(*) > 1 order by 2 desc

select array(select distinct unnest(array_agg(tags)) from customers), array_fill(0, array[2, 2]), array[1, 2, 3] <@ array[1, 2, 3, 4], 2 = all (array[2, 2])

select a[i], i from (select array[10, 20, 30] as a) as t, generate_subscripts(a, 1) as i

select array_agg(x order by x desc) filter (where x % 2 = 0), array_agg(array[x, x + 1]) from generate_series(1, 6) as x

select u.a, u.b, u.n from unnest('{1,2,3}'::int[], '{a,b}'::text[]) with ordinality as u (a, b, n)

select (array['x', 'y', 'z'])[2:], ('{{1,2},{3,4}}'::int[])[:][1:1], array_lower('[5:7]={1,2,3}'::int[], 1), array_to_string('{1,null}'::int[], ',', '*')

-- ranges
select room, lower(during)::date, upper(during) - lower(during) as length, during * tstzrange(now(), now() + interval '1 hour') from bookings where during && tstzrange(now(), now() + interval '2 days', '[)')

select range_agg(daterange(d, d + 2)) as covered from unnest('{2026-01-01,2026-01-02,2026-01-10}'::date[]) as d

select unnest(datemultirange(daterange('2026-01-01', '2026-02-01')) - datemultirange(daterange('2026-01-10', '2026-01-12'))) as free

select int4range(1, 10) - int4range(5, 20), int8range(1, 5) + int8range(5, 9), numrange(1, 2) << numrange(3, 4), int4range(1, 5) -|- int4range(5, 8), isempty('empty'::int4range), int4range '(1,5]' = int4range '[2,6)'

select b.room, c.room from bookings as b join bookings as c on b.during && c.during and b.room < c.room

select r, lower_inf(r), upper_inc(r), r @> 5.0, r <@ nummultirange(numrange(0, 100)) from (values (numrange(null, 7)), (numrange(3, 9, '[]'))) as v (r)

-- text search and patterns
select id, title, ts_rank_cd(words, q, 32) as rank, ts_headline('english', body, q, 'StartSel=<b>, StopSel=</b>, MaxWords=12, MinWords=4') from documents, websearch_to_tsquery('english', 'quick "brown fox" -slow') as q where words @@ q order by rank desc limit 10

select id from documents where to_tsvector('english', title || ' ' || body) @@ (plainto_tsquery('fox') && !!to_tsquery('lazy:*'))

select id, ts_rank(array[0.1, 0.2, 0.4, 1.0], setweight(to_tsvector('simple', title), 'A') || setweight(words, 'D'), phraseto_tsquery('brown fox')) from documents

select lexeme, positions, weights from documents, unnest(words) where id = 1

select ts_delete(words, 'fox'), ts_filter(setweight(words, 'B'), '{b}'), length(words), array_to_tsvector('{a,b}') from documents limit 2

select alias, token, lexemes from ts_debug('english', 'The quick foxes, see https://example.com/a') where alias <> 'blank'

select body from documents where body ~* '\mquick\M' and body !~ 'slow$' and body like any (array['%fox%', '%dog%']) and title ilike all ('{t%,%e%}')

select (regexp_match(email, '@(.+)$'))[1] as host, count(*) from customers group by 1 order by 2 desc

select id, m[1] as word from documents, regexp_matches(body, '(\w{5,})', 'g') as m

select regexp_replace(name, '(\w+) (\d+)', '\2-\1'), regexp_split_to_array(name, '\s+'), substring(name from '\d+')::int, overlay(name placing '*' from 1 for 2), encode(sha256(convert_to(name, 'UTF8')), 'hex') from customers limit 3
