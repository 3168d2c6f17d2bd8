--- Statements that restricted mode must run: the extensions that come with PostgreSQL.

-- pg_trgm, fuzzystrmatch, unaccent, citext
select name, similarity(name, 'Custmer 7') as s, name <-> 'Custmer 7' as distance from customers where name % 'Custmer 7' order by distance limit 5

select word_similarity('cust', name), strict_word_similarity('customer', name), 'cust' <% name, name %>> 'custom', show_trgm(name), show_limit() from customers limit 3

select a.name, b.name, levenshtein(a.name, b.name), levenshtein_less_equal(a.name, b.name, 3), difference(a.name, b.name) from products as a join products as b on a.id < b.id and soundex(a.name) = soundex(b.name) limit 10

select metaphone('Knight', 6), dmetaphone('Knight'), dmetaphone_alt('Knight'), levenshtein('kitten', 'sitting', 1, 1, 2)

select unaccent('Crème Brûlée'), unaccent('unaccent', 'Ångström'), lower(unaccent(name)) from customers limit 2

select 'ABC'::citext = 'abc', 'Straße'::citext ~ 'STRASSE', replace('aXbX'::citext, 'x', '-'), split_part('aXb'::citext, 'x', 2), regexp_match('ABC'::citext, 'b'), max(email::citext) from customers

select country::citext as place, count(distinct email::citext) from customers group by 1 order by 1

-- hstore and ltree
select h -> 'a', h ? 'b', h ?& array['a', 'b'], h @> 'a=>1', h || 'c=>3', h - 'a'::text, akeys(h), avals(h), slice(h, array['a']), hstore_to_jsonb_loose(h), %% h, delete(h, 'a'), exist(h, 'a'), defined(h, 'b') from (select 'a=>1,b=>2'::hstore as h) as q

select (each(hstore(c))).* from customers as c where id = 1

select key, count(*) from products, lateral each(hstore(array['a', 'b'], array['1', '2'])) as e (key, value) group by key

select hstore(row(1, 'x')), hstore_to_matrix('a=>1'), hstore_to_array('a=>1'), svals('a=>1'), (populate_record(null::money_amount, 'amount=>1')).*

select path, nlevel(path), subpath(path, 0, -1), subltree(path, 0, 1), path ~ '*.b.*', path @ 'b & c', path ? array['a.*', 'x']::lquery[], index(path, 'b'), path || 'd' from (values ('a.b.c'::ltree), ('a.x')) as v (path)

select lca(array['a.b.c', 'a.b.d']::ltree[]), ltree2text('a.b'), text2ltree('a.b'), 'a.b' @> 'a.b.c'::ltree, array['a.b', 'a.c']::ltree[] ?@> 'a.b.d'

-- intarray, cube, earthdistance, seg, isn
select icount(a), sort(a, 'desc'), uniq(sort_asc(a)), a # 2, a + 5, a - 3, a | array[9], a & array[1, 2], subarray(a, 1, 2), idx(a, 3), intset(7), a @@ '1&(2|9)' from (select array[3, 1, 2, 2] as a) as q

select cube(array[1, 2], array[3, 4]) @> cube(array[2, 3]), cube_union('(1)', '(2)'), cube_inter('(1),(3)', '(2),(4)'), cube_dim('(1,2)'), cube_ll_coord('(1,2),(3,4)', 1), cube_enlarge('(1)', 1, 1), cube_subset('(1,2,3)', array[3]), '(0,0)'::cube <-> '(3,4)', '(0,0)'::cube <#> '(3,4)'

select p.name, earth_distance(ll_to_earth(at[0], at[1]), ll_to_earth(52.5, 13.4)) / 1000 as km from places as p where earth_box(ll_to_earth(52.5, 13.4), 1e7) @> ll_to_earth(at[0], at[1]) order by km

select latitude(ll_to_earth(10, 20)), longitude(ll_to_earth(10, 20)), earth(), sec_to_gc(1000), gc_to_sec(1000), point(1, 2) <@> point(3, 4)

select '1 .. 3'::seg && '2 .. 4', seg_size('1 .. 3'), seg_center('1 .. 3'), seg_union('1', '2'), isbn('9780306406157'), is_valid('9780306406157'::isbn), issn('1436-4522'), upc('036000291452')

-- pgcrypto, uuid-ossp, tablefunc, xml2
select encode(digest(name, 'sha256'), 'hex'), encode(hmac(name, 'key', 'md5'), 'base64'), crypt('x', '$1$abcdefgh') from customers limit 3

select length(gen_random_bytes(16)), gen_random_uuid() is not null, length(gen_salt('bf', 4)), convert_from(decrypt(encrypt('a', 'k', 'aes'), 'k', 'aes'), 'UTF8'), dearmor(armor('a')), length(encrypt_iv('a', 'k', 'iv', 'aes'))

select uuid_generate_v1() is not null, uuid_generate_v3(uuid_ns_dns(), 'example.com'), uuid_generate_v5(uuid_ns_oid(), '1.2'), uuid_nil()

select avg(n), stddev(n), count(*) from normal_rand(500, 10, 2) as n

select xpath_string('<a><b>1</b></a>', '/a/b'), xpath_number('<a>2</a>', '/a'), xpath_bool('<a/>', '/a'), xpath_nodeset('<a><b/></a>', '/a/b'), xpath_list('<a><b>1</b><b>2</b></a>', '/a/b'), xml_encode_special_chars('<')

select int_array_aggregate(id), int_array_enum(array[1, 2]) from customers

-- storage, read only
select t.table_len, t.tuple_percent, t.dead_tuple_percent, t.free_percent from pgstattuple('orders') as t

select c.relname, s.approx_free_percent, s.dead_tuple_count from pg_class as c, lateral pgstattuple_approx(c.oid) as s where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by 2 desc limit 5

select c.relname, i.avg_leaf_density, i.leaf_fragmentation, i.tree_level from pg_class as c join pg_am as a on a.oid = c.relam and a.amname = 'btree', lateral pgstatindex(c.oid) as i where c.relkind = 'i' and c.relnamespace = 'public'::regnamespace

select pg_relpages('orders'), pg_relpages('orders_pkey')

select c.relname, count(*) as buffers, pg_size_pretty(count(*) * 8192) as cached, round(avg(b.usagecount), 2) as usage, count(*) filter (where b.isdirty) as dirty from pg_buffercache as b join pg_class as c on pg_relation_filenode(c.oid) = b.relfilenode and b.reldatabase in (0, (select oid from pg_database where datname = current_database())) group by c.relname order by buffers desc limit 10

select usagecount, isdirty, count(*) from pg_buffercache group by 1, 2 order by 1, 2

select avail, count(*) from pg_freespace('orders') group by avail order by avail

select sum(pg_freespace('orders'::regclass, b)) as free from generate_series(0, pg_relation_size('orders') / 8192 - 1) as b

select blkno, all_visible, all_frozen from pg_visibility_map('orders') limit 5

select * from pg_visibility_map_summary('orders'::regclass)

select count(*) from pg_visibility('orders') where not pd_all_visible

select * from pg_check_frozen('orders'), pg_check_visible('orders')

select bt_index_check(i.indexrelid) from pg_index as i join pg_class as c on c.oid = i.indexrelid join pg_am as a on a.oid = c.relam where a.amname = 'btree' and i.indrelid = 'orders'::regclass

select * from verify_heapam('orders')

select * from bt_metap('orders_pkey'), bt_page_stats('orders_pkey', 1)

select * from pgrowlocks('orders')

-- statistics of statements
select queryid, calls, round(total_exec_time::numeric, 1) as total_ms, round(mean_exec_time::numeric, 2) as mean_ms, rows, shared_blks_hit, shared_blks_read, left(query, 80) as query from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database()) order by total_exec_time desc limit 10

select s.calls, r.rolname, s.temp_blks_written, s.wal_bytes from pg_stat_statements as s join pg_roles as r on r.oid = s.userid order by s.temp_blks_written desc nulls last limit 5

select sum(calls), sum(total_plan_time), sum(blk_read_time + blk_write_time) from pg_stat_statements(false)

select dealloc, stats_reset from pg_stat_statements_info

-- sampling and other methods
select * from orders tablesample system_rows (5)

select count(*) from orders tablesample system_time (10)

select ssl_is_used(), ssl_version(), ssl_cipher()

select count(*) from hypopg_list_indexes
