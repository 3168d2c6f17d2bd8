--- class: Secrets, sideways
--- setup:
analyze pg_authid;
analyze pg_subscription;
create view by_view as select rolname as r, rolpassword as p from pg_authid;
create function by_function() returns setof text language sql stable as 'select rolpassword from pg_authid';
create function by_body() returns setof text stable begin atomic select rolpassword from pg_authid; end;
create materialized view copied as select rolname, rolpassword from pg_authid;
create view two_deep as select p from by_view;
create function row_of(pg_authid) returns text language sql stable as 'select $1.rolpassword';
create foreign table secret_lines (line text) server files options (filename '{data}/pg_hba.conf');

--- attack: settings table
select name, setting from pg_settings where name = 'primary_conninfo'

--- attack: settings table, any name
select * from pg_settings

--- attack: settings function
select * from pg_show_all_settings()

--- attack: setting by a computed name
select current_setting('primary' || '_conninfo')

--- attack: setting by a name from a table
select current_setting(name) from pg_settings where name ~ 'conninfo'

--- attack: setting by a name that is upper case
select current_setting(upper('primary_conninfo'))

--- attack: setting by a name in a with
with q (n) as (values ('primary_conninfo'), ('app.jwt_secret')) select current_setting(n) from q

--- attack: setting of an application by a computed name
select current_setting(concat('app.', 'jwt', '_secret'))

--- attack: a boot value
select name, reset_val from pg_settings where name in ('primary_conninfo', 'app.jwt_secret')

--- attack: planner's statistics
select most_common_vals::text, histogram_bounds::text from pg_stats where tablename = 'pg_authid' and attname = 'rolpassword'

--- attack: planner's statistics, raw
select stavalues1::text, stavalues2::text, stavalues3::text from pg_statistic where starelid = 'pg_authid'::regclass

--- attack: planner's statistics, whole row
select s::text from pg_statistic as s where starelid = 1260

--- attack: planner's statistics, any table
select * from pg_stats

--- attack: a view
select * from by_view

--- attack: a view of a view
select * from two_deep

--- attack: a function in sql
select by_function()

--- attack: a function in from
select * from by_function()

--- attack: a function parsed at its creation
select * from by_body()

--- attack: a materialized copy, which is an ordinary table by now
select 'nothing to guard' from copied where false
--- at bridge: what has been copied before is no secret that anybody could know of

--- attack: a function of the row
select row_of(a) from pg_authid as a

--- attack: a function of the row by attribute
select a.row_of from pg_authid as a

--- attack: table_to_xml
select table_to_xml('pg_authid', true, false, '')

--- attack: query_to_xml
select query_to_xml('table pg_shadow', true, true, '')

--- attack: a foreign table over a file of the server
select * from secret_lines

--- attack: raw pages
select encode(get_raw_page('pg_authid', 0), 'escape')

--- attack: raw tuples
select encode(t_data, 'escape') from heap_page_items(get_raw_page('pg_authid', 0))

--- attack: raw attributes
select encode(a, 'escape') from heap_page_item_attrs(get_raw_page('pg_authid', 0), 'pg_authid'::regclass), unnest(t_attrs) as a

--- attack: dblink
select * from dblink('host={socket} dbname={database} user=postgres', 'table pg_shadow') as t (a name, b oid, c bool, d bool, e bool, f bool, g text, h timestamptz, i text[])

--- attack: crosstab
select * from crosstab('select rolname::text, ''a''::text, rolpassword from pg_authid where rolname = ''other''') as t (a text, b text)

--- attack: ts_stat
select * from ts_stat('select array_to_tsvector(array[rolpassword]) from pg_authid where rolname = ''other''')

--- attack: xpath_table
select * from xpath_table('rolname', '''<a>'' || rolpassword || ''</a>''', 'pg_authid', '/a', 'rolname = ''other''') as t (n text, p text)

--- attack: connectby
select * from connectby('pg_authid', 'rolpassword', 'rolname', 'other', 1) as t (a text, b text, level int)
--- control: select rolpassword from pg_authid

--- attack: an execution that fails
select 1 from pg_authid where rolname = 'other' and rolpassword::date is null

--- attack: a range of it
select int4range(0, 1) from pg_authid where rolname = 'other' and rolpassword::int4range is null

--- attack: a regular expression from it
select 'x' ~ ('[' || rolpassword) from pg_authid where rolname = 'other'
--- control: select rolpassword::integer from pg_authid where rolname = 'other'

--- attack: a function name from it
select to_regproc(rolpassword), rolpassword::regproc from pg_authid where rolname = 'other'

--- attack: an object by its name
select has_table_privilege(rolpassword, 'select') from pg_authid where rolname = 'other'

--- attack: through explain_query
--- call: explain_query {"analyze": true}
--- sql:
select * from pg_authid where rolpassword::integer = 1
--- control: select rolpassword::integer from pg_authid where rolname = 'other'

--- attack: details of a subscription
--- setup: create subscription telling_{database} connection 'host=nowhere password=canary-sub' publication p with (connect = false)
--- call: get_object_details {"schema_name": "pg_catalog", "object_name": "pg_subscription"}
--- control: select subconninfo from pg_subscription

--- attack: details of a view
--- call: get_object_details {"schema_name": "pg_catalog", "object_name": "pg_authid"}
--- control: select * from pg_authid

--- attack: a file in the log
select * from pg_read_file('pg_hba.conf')
