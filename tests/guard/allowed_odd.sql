--- Statements that restricted mode must run: things that only look like attacks, functions of
--- extensions and users, odd forms.

-- words of attacks as text
select 'drop table orders; delete from customers'

select 'pg_read_file(''/etc/passwd'')'

select $$ select pg_sleep(10) $$

select * from events where kind = 'pg_terminate_backend'

select 1 -- ; drop table orders

select 1 /* ; delete from orders; */ + 1

/* update orders set total = 0 */ select 1

/* nested /* comment */ ; delete from x */ select 2

select '--', '/*', '*/', ';'

select E'\'; drop table orders; --'

select "pg_sleep" from (select 1 as pg_sleep) q

select pg_sleep from (select 1 as pg_sleep) q

select 1 as nextval, 2 as "delete", 3 as set_config

select "dblink" as lo_import from (select 1 as "dblink") as query_to_xml

select * from (select 1) as pg_read_file

select l.http, l.status from (select '/' as http, 200 as status) l

select name as "select", id as "from" from customers

select update, delete from (select 1 as update, 2 as delete) q

select count(*) as total, sum(total) as "into" from orders

select "PG_SLEEP"(1) from (select 1) q where false

select pg_sleeping.x from (select 1 as x) as pg_sleeping

select 'x' as "for update"

with insert_candidates as (select 1), deleted as (select 2) select * from insert_candidates, deleted

with update as (select 1 as x) select x from update

-- functions of extensions
select similarity(name, 'Customer'), word_similarity('cust', name), show_trgm(name), name % 'Custumer', name <-> 'x' from customers

select levenshtein('a', 'b'), soundex('a'), metaphone('Thompson', 4), dmetaphone('a'), unaccent('é'), difference('a', 'b')

select crypt('a', gen_salt('md5')), digest('a', 'sha256'), hmac('a', 'k', 'sha1'), gen_random_bytes(4), encrypt('a', 'k', 'aes'), pgp_sym_decrypt(pgp_sym_encrypt('a', 'k'), 'k')

select hstore('a', '1') -> 'a', akeys('a=>1'::hstore), each('a=>1'::hstore), hstore_to_json('a=>1'::hstore), skeys('a=>1'), 'a=>1'::hstore ? 'a'

select uuid_generate_v4(), uuid_generate_v5(uuid_ns_url(), 'x'), uuid_nil()

select 'a.b.c'::ltree <@ 'a', nlevel('a.b'), subpath('a.b.c', 0, 2), lca('a.b', 'a.c'), index('a.b', 'b')

select cube(array[1, 2]), cube_distance('(0)', '(1)'), earth_distance(ll_to_earth(1, 2), ll_to_earth(3, 4)), earth_box(ll_to_earth(1, 2), 10)

select icount('{1,2}'::int[]), sort('{2,1}'::int[]), uniq('{1,1}'::int[]), idx('{1,2}'::int[], 2), '{1,2}'::int[] @@ '1&2'::query_int

select normal_rand(3, 0, 1)

select * from pgstattuple('orders'), pgstatindex('orders_pkey')

select * from pg_buffercache limit 3

select bt_index_check('orders_pkey'), pg_freespace('orders')

select * from hypopg(), hypopg_list_indexes

select * from dblink_like_name

select st_distance(a.geom, b.geom), st_area(a.geom), st_asgeojson(a.geom), st_within(a.geom, b.geom), st_dwithin(a.geom, b.geom, 100), st_transform(a.geom, 3857), st_makepoint(1, 2)::geography from zones a, zones b where a.geom && b.geom

select embedding <=> '[1,2,3]'::vector, l2_distance(embedding, '[1,2,3]') from items order by embedding <-> '[1,2,3]' limit 5

select time_bucket('5 minutes', at) as bucket, avg(value), first(value, at), last(value, at) from metrics group by bucket

select hll_cardinality(hll_add_agg(hll_hash_integer(id))) from customers

select * from customers tablesample system_rows (5)

select citext_eq('a'::citext, 'A'::citext), 'a'::citext = 'A'

select xpath_string('<a>b</a>', '/a'), xml_valid('<a/>')

select * from mcp_health()

select * from mcp_advise_indexes(array['select * from orders where total > 1'], max_columns => 2)

select mcp_advise_report() -> 'rounds'

select * from mcp_top_queries(), mcp_schemas()

-- functions of users
select my_function(1), app.my_other_function(name), reporting."Mixed Case"(id) from customers

select * from get_customers('de') as c (id int, name text)

select total_of(o), o.total_of from orders o

select (o).discount, (app.rate(o)).percent from orders o

select my_aggregate(total order by id) filter (where total > 0) over (partition by status) from orders

select a operator(app.===) b from (select 1 as a, 2 as b) q

-- layout
 	 select 1 	;

select
  1
  ;

SELECT/**/1/**/;/**/

/**/ -- ein Kommentar mit Umlauten: äöü
;select 1

;;select 1;;

select 1 ; -- the end

select 1 /* the end */

select'a'||'b'

select+1

select.5

select 'ünïcödé', "ünïcödé" from (select 1 as "ünïcödé") q where "ünïcödé" > 0

select 1 as 数, '漢字' as "名前"

select U&"d\0061t\+000061" from (select 1 as data) q

select id fRoM CuStOmErS wHeRe TRUE

-- long
select 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1

select ((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))

select name || ',' || email || ',' || country || ',' || name || ',' || email || ',' || country || ',' || name || ',' || email || ',' || country || ',' || name || ',' || email || ',' || country || ',' || name || ',' || email || ',' || country || ',' || name || ',' || email || ',' || country || ',' || name || ',' || email || ',' || country || ',' || name || ',' || email || ',' || country from customers
