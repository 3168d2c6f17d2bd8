--- class: Settings
--- setup:
create function sets(text, text) returns text language sql volatile as 'select set_config($1, $2, false)';
create function sets_quietly() returns text language plpgsql stable as
    $$ begin return set_config('attack.mark', 'liar', false); end $$;

--- attack: set_config
select set_config('work_mem', '1GB', false)
--- next: select current_setting('work_mem') <> '1GB'

--- attack: set_config in from
select * from set_config('search_path', 'observer', false)
--- next: select current_setting('search_path') !~ 'observer'

--- attack: set_config of the limit
select set_config('statement_timeout', '0', false)
--- next: select current_setting('statement_timeout') <> '0'

--- attack: set_config of all
select set_config(name, reset_val, false) from pg_settings where name in ('statement_timeout', 'lock_timeout')
--- next: select current_setting('lock_timeout') <> '0'
--- control: select set_config('lock_timeout', '0', false)

--- attack: set_config of what no one knows
select set_config('attack.mark', 'x', false)
--- next: select coalesce(current_setting('attack.mark', true), '') = ''

--- attack: set_config of the role
select set_config('role', 'tenant', false)
--- next: select current_user = 'postgres'

--- attack: set_config of the session's user
select set_config('session_authorization', 'tenant', false)
--- next: select session_user = 'postgres'

--- attack: set_config of read only
select set_config('default_transaction_read_only', 'on', false)
--- next: select current_setting('default_transaction_read_only') = 'off'

--- attack: set_config by a function
select sets('attack.mark', 'x')
--- next: select coalesce(current_setting('attack.mark', true), '') = ''

--- attack: set_config by a liar
select sets_quietly()
--- next: select coalesce(current_setting('attack.mark', true), '') = ''

--- attack: set
set work_mem = '1GB'
--- next: select current_setting('work_mem') <> '1GB'

--- attack: set search path
set search_path = observer
--- next: select current_setting('search_path') !~ 'observer'

--- attack: set role
set role tenant
--- next: select current_user = 'postgres'

--- attack: set session authorization
set session authorization tenant
--- next: select session_user = 'postgres'

--- attack: set time zone
set time zone 'Asia/Kathmandu'
--- next: select current_setting('timezone') <> 'Asia/Kathmandu'

--- attack: set names
set names 'LATIN1'
--- next: select current_setting('client_encoding') = 'UTF8'

--- attack: reset
set lock_timeout = 0; reset statement_timeout
--- next: select current_setting('lock_timeout') <> '0'

--- attack: session characteristics
set session characteristics as transaction isolation level serializable
--- next: select current_setting('default_transaction_isolation') <> 'serializable'

--- attack: a threshold of an extension
select set_limit(0.9)
--- next: select show_limit() < 0.8::real

--- attack: isn_weak
select isn_weak(true)
--- next: select not isn_weak()

--- attack: alter role
alter role tenant set statement_timeout = 0

--- attack: alter system
alter system set statement_timeout = 0

--- attack: update of pg_settings
update pg_settings set setting = '1048576' where name = 'work_mem'
--- next: select current_setting('work_mem') <> '1GB'

--- attack: update of pg_settings within with
with q as (update pg_settings set setting = 'x' where name = 'application_name' returning *) select * from q
--- control: update pg_settings set setting = 'x' where name = 'application_name'
--- next: select current_setting('application_name') <> 'x'
