--- class: Connections and messages
--- setup:
create function says(text) returns void language sql volatile as $$ select pg_notify('attack', $1) $$;
create function says_quietly() returns integer language plpgsql stable as
    $$ begin perform pg_notify('attack', 'quiet'); return 1; end $$;
create function on_event() returns trigger language plpgsql as $$ begin perform pg_notify('attack', 'x'); return null; end $$;

--- attack: pg_notify
select pg_notify('attack', 'x')

--- attack: pg_notify in from
select * from pg_notify('attack', 'y')

--- attack: pg_notify for each row
select pg_notify('attack', name) from victim

--- attack: pg_notify by a function
select says('z')

--- attack: pg_notify by a liar
select says_quietly()

--- attack: notify
notify attack

--- attack: dblink to a port
select * from dblink('host=127.0.0.1 port={port} connect_timeout=2', 'select 1') as t (a integer)

--- attack: dblink_connect to a port
select dblink_connect('host=127.0.0.1 port={port} connect_timeout=2')

--- attack: dblink_connect_u to a port
select dblink_connect_u('u', 'host=127.0.0.1 port={port} connect_timeout=2')

--- attack: dblink by a foreign server
select * from dblink('away', 'select 1') as t (a integer)

--- attack: a foreign table
select * from far_away

--- attack: a foreign table, in exists
select exists (select from far_away)

--- attack: explain analyze of a foreign table
explain analyze select * from far_away

--- attack: a foreign table with remote estimates, only planned
--- setup: alter foreign table far_away options (add use_remote_estimate 'true')
--- sql:
explain select * from far_away

--- attack: a foreign table with remote estimates, through the tool
--- setup: create foreign table far_too (id integer) server away options (table_name 't', use_remote_estimate 'true')
--- call: explain_query
--- sql:
select * from far_too where id = 1

--- attack: a foreign table with remote estimates, through advice
--- setup: create foreign table far_three (id integer) server away options (table_name 't', use_remote_estimate 'true')
--- call: analyze_query_indexes {"queries": ["select * from far_three where id = 1"]}
--- control: explain select * from far_three where id = 1

--- attack: import foreign schema
import foreign schema x from server away into public

--- attack: subscription
create subscription planted connection 'host=127.0.0.1 port={port} connect_timeout=2' publication p

--- attack: analyze a foreign table
analyze far_away

--- attack: an XML document from elsewhere
select xmlparse(document '<!DOCTYPE a SYSTEM "http://127.0.0.1:{port}/"><a/>')
--- control: select * from far_away

--- attack: a listener that stays
listen attack
--- next: select count(*) = 0 from pg_listening_channels()

--- attack: unlisten
begin; unlisten *; notify attack; commit
