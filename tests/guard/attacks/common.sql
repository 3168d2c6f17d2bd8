--- What every attack finds: a database that is worth attacking, extensions as servers have them, and
--- the functions by which the second session sees what has happened. The README says what {…} is.

create role reader;
create role other login password 'canary-other';
create role tenant nologin;
create role weak login;

create table victim (id integer primary key, name text, amount numeric(12, 2));
insert into victim select i, 'name ' || i, i * 10 from generate_series(1, 8) as i;
create table extra (id integer, note text);
insert into extra values (1, 'one'), (2, 'two');
create sequence counter;
select nextval('counter');
create materialized view summary as select count(*) as n from victim;
create view amounts as select id, amount from victim;
create function double(integer) returns integer language sql immutable as 'select $1 * 2';

create table payslips (person name, amount text);
insert into payslips values ('reader', '1000'), ('other', '9999');
alter table payslips enable row level security;
create policy own on payslips for select to public using (person = current_user);
grant select on payslips to public;
create view own_payslips with (security_barrier) as
    select * from payslips where person = 'reader';

select lo_from_bytea(4242, 'canary-large-object');
copy (select 'canary-file') to '{scratch}/secret.txt';
copy (select '1,a') to '{scratch}/data.csv';

create extension amcheck;
create extension citext;
create extension dblink;
create extension file_fdw;
create extension hstore;
create extension hypopg;
create extension intarray;
create extension isn;
create extension lo;
create extension ltree;
create extension pageinspect;
create extension pg_buffercache;
create extension pg_freespacemap;
create extension pg_prewarm;
create extension pg_stat_statements;
create extension pg_surgery;
create extension pg_trgm;
create extension pg_visibility;
create extension pg_walinspect;
create extension pgcrypto;
create extension pgrowlocks;
create extension pgstattuple;
create extension postgres_fdw;
create extension sslinfo;
create extension tablefunc;
create extension tsm_system_rows;
create extension unaccent;
create extension "uuid-ossp";
create extension xml2;

--- PostgreSQL 17 has these two no more. What the functions below write with is there made by hand.
do $setup$
begin
    if current_setting('server_version_num')::integer < 170000 then
        create extension adminpack;
        create extension old_snapshot;
    else
        create function pg_file_write(file text, content text, append boolean) returns bigint
        language plpgsql volatile as $$
        begin
            execute format('copy (select clock_timestamp()) to %L', file);
            return 1;
        end $$;
    end if;
end $setup$;

create server files foreign data wrapper file_fdw;
create foreign table file_lines (line text) server files options (filename '{scratch}/secret.txt');
create foreign table program_lines (line text) server files
    options (program 'echo ran >> {scratch}/program.txt; echo x');
create server away foreign data wrapper postgres_fdw
    options (host '127.0.0.1', port '{port}', dbname 'x', connect_timeout '2');
create user mapping for postgres server away options (user 'x', password 'canary-mapping');
create user mapping for public server away options (user 'y', password 'canary-public-mapping');
create foreign table far_away (id integer) server away options (table_name 't');

--- Functions that do harm which no READ ONLY transaction stops and no rollback undoes: one that is
--- declared as what it is, and two that lie.
create function harm() returns integer language plpgsql volatile as
    $$ begin perform pg_file_write('{scratch}/harm.txt', 'x', true); return 1; end $$;
create function quiet_harm() returns integer language plpgsql stable as
    $$ begin perform pg_file_write('{scratch}/harm.txt', 'x', true); return 1; end $$;
create function frozen_harm() returns integer language plpgsql immutable as
    $$ begin perform pg_file_write('{scratch}/harm.txt', 'x', true); return 1; end $$;
create function harm(text) returns text language sql volatile as
    $$ select pg_file_write('{scratch}/harm.txt', $1, true)::text $$;

create schema observer;

--- Contents of tables with the versions of their rows, and sequences.
create function observer.contents() returns text language plpgsql set search_path = pg_catalog as $$
declare
    relation record;
    one text;
    whole text := '';
begin
    for relation in
        select c.oid::regclass as name, c.relkind from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'm', 'S') and n.nspname !~ '^pg_'
            and n.nspname not in ('information_schema', 'observer')
        order by n.nspname, c.relname
    loop
        if relation.relkind = 'S' then
            execute format('select concat(last_value, is_called, log_cnt) from %s', relation.name) into one;
        else
            execute format('select concat(count(*), md5(string_agg(concat(t.ctid, t.xmin, t.xmax, t::text), ''|'' '
                'order by t.ctid))) from only %s as t', relation.name) into one;
        end if;
        whole := whole || relation.name || ' ' || one || chr(10);
    end loop;
    return whole;
end
$$;

--- Rows of the system catalog and the transactions that wrote them.
create function observer.catalogs() returns text language plpgsql set search_path = pg_catalog as $$
declare
    relation record;
    one text;
    whole text := '';
begin
    for relation in
        select oid::regclass as name from pg_class where relnamespace = 11 and relkind = 'r' order by relname
    loop
        execute format('select concat(count(*), '' '', max(xmin::text::bigint), '' '', sum(xmax::text::bigint)) '
            'from %s', relation.name) into one;
        whole := whole || relation.name || ' ' || one || chr(10);
    end loop;
    return whole || (select md5(string_agg(concat(oid, relpages, reltuples, relallvisible, relfilenode), '|' order by oid))
        from pg_class where oid >= 16384);
end
$$;

--- What can be had for little, by name.
create function observer.state() returns table (part text, value text) language sql
set search_path = pg_catalog as $$
    select 'tables', observer.contents()
    union all select 'transaction number', pg_snapshot_xmax(pg_current_snapshot())::text
    union all select 'WAL file', pg_walfile_name(pg_current_wal_insert_lsn())
    union all select 'checkpoint', (select checkpoint_lsn::text from pg_control_checkpoint())
    union all select 'configuration', pg_conf_load_time()::text
    union all select 'log file', pg_current_logfile()
    union all select 'start', pg_postmaster_start_time()::text
    union all select 'slots', (select string_agg(concat(slot_name, restart_lsn, confirmed_flush_lsn, active), chr(10) order by slot_name) from pg_replication_slots)
    union all select 'origins', (select string_agg(concat(local_id, remote_lsn), ' ' order by local_id) from pg_replication_origin_status)
    union all select 'prepared transactions', (select string_agg(gid, ' ' order by gid) from pg_prepared_xacts)
    union all select 'advisory locks', (select string_agg(concat(classid, ':', objid, ' ', mode), ', ' order by classid, objid, mode) from pg_locks where locktype = 'advisory')
    union all select 'statistics resets', concat(
        (select string_agg(concat(datname, stats_reset), ' ' order by datid) from pg_stat_database where datname = current_database()),
        (select stats_reset from pg_stat_bgwriter), (select stats_reset from pg_stat_archiver),
        (select stats_reset from pg_stat_wal), (select max(stats_reset) from pg_stat_slru),
        (select string_agg(stats_reset::text, ' ') from pg_stat_replication_slots),
        (select string_agg(stats_reset::text, ' ') from pg_stat_subscription_stats))
$$;

--- Changes in the log between two places in it, but for those of reading and of the server itself.
create function observer.changes(since pg_lsn, until pg_lsn) returns text language sql set search_path = pg_catalog as $$
    select string_agg(concat(resource_manager, ' ', record_type), ', ') from public.pg_get_wal_records_info(since, until)
    where not (resource_manager = 'Standby' and record_type = 'RUNNING_XACTS'
        or resource_manager = 'Heap2' and (record_type = 'VACUUM' or record_type like 'PRUNE%')
        or resource_manager = 'XLOG' and record_type in ('FPI_FOR_HINT', 'FPI'))
$$;
