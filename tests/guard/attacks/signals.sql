--- class: Other sessions and the server
--- setup:
create function ends(integer) returns boolean language sql volatile as 'select pg_terminate_backend($1)';

--- attack: cancel
select pg_cancel_backend({sleeper})

--- attack: end
select pg_terminate_backend({idle})

--- attack: end and wait
select pg_terminate_backend({sleeper}, 1000)

--- attack: end all others
select pg_terminate_backend(pid) from pg_stat_activity where pid in ({idle}, {sleeper})

--- attack: end in where
select 1 from pg_stat_activity where case when pid = {idle} then pg_terminate_backend(pid) end

--- attack: end in from
select * from pg_terminate_backend({sleeper})

--- attack: end through a function
select ends({idle})

--- attack: cancel in lateral
select * from (values ({sleeper})) as t (p), lateral pg_cancel_backend(p)

--- attack: end in an order
select pid from pg_stat_activity where pid = {sleeper} order by pg_terminate_backend(pid)

--- attack: reload
select pg_reload_conf()

--- attack: reload in values
values (pg_reload_conf())

--- attack: rotate the log file
select pg_sleep(1.1), pg_rotate_logfile()

--- attack: rotate by adminpack
--- until: 16
--- sql:
select pg_catalog.pg_logfile_rotate(), pg_sleep(1)
--- control: select pg_sleep(1.1), pg_rotate_logfile(), pg_sleep(0.2)

--- attack: contexts into the log
select pg_log_backend_memory_contexts({idle}), pg_sleep(0.3)
--- holds: select pg_read_file(pg_current_logfile()) !~ 'logging memory contexts'
--- control: select set_config('log_min_messages', 'log', false), pg_log_backend_memory_contexts(pg_backend_pid()); select pg_sleep(0.1)

--- attack: a listener's channel
select pg_notify('attack', repeat('x', 7000))
