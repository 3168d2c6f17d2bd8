--- class: Utility statements

--- attack: copy a table to a file
copy victim to '{scratch}/victim.txt'

--- attack: copy a query to a file
copy (select 1) to '{scratch}/query.txt'

--- attack: copy a query to a file with options
copy (select name from victim) to '{scratch}/victim.csv' with (format csv, header)

--- attack: copy from a file
copy extra from '{scratch}/data.csv' with (format csv)

--- attack: copy a query that writes
copy (insert into extra values (7, 'copy') returning *) to '{scratch}/written.txt'

--- attack: copy a query that writes to the client
copy (delete from victim where id = 8 returning *) to stdout
--- control: copy (delete from victim where id = 8 returning *) to '/dev/null'

--- attack: vacuum
--- setup: delete from victim where id = 1
--- sql:
vacuum victim

--- attack: vacuum full
vacuum full victim

--- attack: vacuum freeze
vacuum (freeze, verbose) extra

--- attack: analyze
analyze victim

--- attack: analyze everything
analyze

--- attack: cluster
cluster victim using victim_pkey

--- attack: reindex
reindex table victim

--- attack: reindex concurrently
reindex index concurrently victim_pkey

--- attack: checkpoint
checkpoint

--- attack: alter system
alter system set work_mem = '77MB'

--- attack: alter system reset
--- setup: alter system set log_min_duration_statement = '10s'
--- sql:
alter system reset all

--- attack: notify
notify attack, 'x'

--- attack: lock that others wait for
--- resource:
--- sql:
begin; lock table victim; select pg_sleep(100)

--- attack: load a library
load 'auto_explain'
--- next: select current_setting('auto_explain.log_analyze', true) is null

--- attack: comment on a shared object
comment on role weak is 'x'

--- attack: import a schema
import foreign schema public from server away into public

--- attack: security label
--- control: comment on table extra is 'instead of a label, for which no provider is loaded'
--- sql:
security label on table extra is 'x'
