--- class: Functions that run a text
--- setup:
create table texts (id integer, words tsvector, body xml, parent integer, query text);
insert into texts values (1, 'a b', '<a>1</a>', null, 'select harm()'), (2, 'c', '<a>2</a>', 1, 'select harm()');
create function words_of(integer) returns tsvector language sql volatile as $$ select 'a'::tsvector from harm() $$;
create table rewrites (a tsquery, b tsquery);
create view evil_table as select harm() as n;

--- attack: query_to_xml
select query_to_xml('select harm()', true, false, '')

--- attack: query_to_xml of a secret
select query_to_xml('select rolpassword from pg_authid where rolname = ''other''', true, false, '')

--- attack: query_to_xml that writes
select query_to_xml('insert into extra values (80, ''x'') returning *', true, false, '')
--- control: insert into extra values (80, 'x')

--- attack: query_to_xml of a text of a table
select query_to_xml(query, true, false, '') from texts

--- attack: query_to_xml_and_xmlschema
select query_to_xml_and_xmlschema('select harm()', true, false, '')

--- attack: query_to_xml in from
select * from query_to_xml('select harm()', true, false, '') as x

--- attack: query_to_xml by named arguments
select query_to_xml(query => 'select harm()', nulls => true, tableforest => false, targetns => '')

--- attack: query_to_xml below xpath
select xpath('//n/text()', query_to_xml('select harm() as n', false, true, ''))

--- attack: table_to_xml
select table_to_xml('evil_table', true, false, '')

--- attack: table_to_xml of passwords
select table_to_xml('pg_authid', true, false, '')

--- attack: schema_to_xml
select schema_to_xml('public', true, false, '')

--- attack: database_to_xml
select database_to_xml(true, false, '')

--- attack: database_to_xml_and_xmlschema
select database_to_xml_and_xmlschema(true, false, '')

--- attack: ts_stat
select * from ts_stat('select words_of(1)')

--- attack: ts_stat with weights
select * from ts_stat('select words_of(1)', 'a')

--- attack: ts_rewrite
select ts_rewrite('a'::tsquery, 'select ''a''::tsquery, ''b''::tsquery from harm()')

--- attack: ts_rewrite of a column
select ts_rewrite('a'::tsquery, q) from (select 'select ''a''::tsquery, ''b''::tsquery from harm()'::text as q) as t

--- attack: crosstab
select * from crosstab('select ''a''::text, ''b''::text, harm()::text') as t (a text, b text)

--- attack: crosstab of two texts
select * from crosstab('select ''a''::text, ''b''::text, harm()::text', 'select ''b''::text') as t (a text, b text)

--- attack: crosstab2
select * from crosstab2('select ''a''::text, ''b''::text, harm()::text')

--- attack: connectby
select * from connectby('texts where harm() = 1 or true --', 'id', 'parent', '1', 0) as t (id integer, parent integer, level integer)
--- control: select harm()

--- attack: connectby of a table
--- setup: create view tree as select id, parent, harm() as n from texts
--- sql:
select * from connectby('tree', 'id', 'parent', '1', 0) as t (id integer, parent integer, level integer)
--- control: select * from tree

--- attack: xpath_table
select * from xpath_table('id', 'body', 'texts', '/a', 'harm() = 1') as t (id integer, a text)

--- attack: dblink
select * from dblink('host={socket} dbname={database} user=postgres', 'select harm()') as t (n integer)

--- attack: dblink_exec
select dblink_exec('host={socket} dbname={database} user=postgres', 'delete from victim where id = 1')

--- attack: dblink of a secret
select * from dblink('host={socket} dbname={database} user=postgres', 'select rolpassword from pg_authid where rolname = ''other''') as t (p text)

--- attack: dblink_connect and a query
select dblink_connect('c', 'host={socket} dbname={database} user=postgres'), dblink_exec('c', 'delete from victim where id = 2')

--- attack: dblink_send_query
select dblink_connect('d', 'host={socket} dbname={database} user=postgres'), dblink_send_query('d', 'delete from victim where id = 3')

--- attack: cursor_to_xml
begin; declare c cursor for select harm(); select cursor_to_xml('c', 1, true, false, ''); commit

--- attack: prepare and execute
prepare p as select harm(); execute p

--- attack: prepare with a parameter
prepare p (integer) as delete from victim where id = $1; execute p (4)

--- attack: mcp_explain
select mcp_explain('select harm()', '{}', '{}', true)
--- control: select harm()

--- attack: mcp_explain_report
select mcp_explain_report('select harm()', "analyze" => true)
--- control: select harm()

--- attack: mcp_recommend_indexes and kin
select * from mcp_check_read_only('select frozen_harm()'), frozen_harm()
--- control: select frozen_harm()

--- attack: pivot with a name in a schema
select * from public.crosstab3('select ''a''::text, ''b''::text, harm()::text')
