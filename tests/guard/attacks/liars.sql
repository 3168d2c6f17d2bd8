--- class: Functions that lie about their volatility
--- setup:
create function in_sql() returns text language sql stable as
    $$ select pg_file_write('{scratch}/liar.txt', 'x', true)::text $$;
create function in_sql_immutable() returns text language sql immutable as
    $$ select pg_file_write('{scratch}/liar.txt', 'x', true)::text $$;
create function three_deep() returns integer language plpgsql stable as 'begin return two_deep(); end';
create function two_deep() returns integer language plpgsql stable as 'begin return one_deep(); end';
create function one_deep() returns integer language plpgsql stable as 'begin return quiet_harm(); end';
create function catches() returns integer language plpgsql stable as
    $$ begin perform quiet_harm(); perform 1 / 0; return 1; exception when others then return 2; end $$;
create function catches_refusal() returns integer language plpgsql stable as
    $$ begin
        begin perform quiet_harm(); exception when others then null; end;
        begin perform pg_file_write('{scratch}/liar.txt', 'x', true); exception when others then null; end;
        return 1;
    end $$;
create function by_text(text) returns text language plpgsql stable as
    $$ declare r text; begin execute $1 into r; return r; end $$;
create function by_cursor() returns integer language plpgsql stable as
    $$ declare c refcursor; n integer; begin
        open c for execute 'select quiet_harm()'; fetch c into n; close c; return n;
    end $$;
create function by_loop() returns integer language plpgsql stable as
    $$ declare r record; begin for r in select quiet_harm() as n loop return r.n; end loop; end $$;
create function by_expression() returns integer language plpgsql stable as
    $$ declare n integer := quiet_harm(); begin return n; end $$;
create function by_return_query() returns setof integer language plpgsql stable as
    $$ begin return query execute 'select quiet_harm()'; end $$;
create function sends() returns text language plpgsql stable as
    $$ begin return dblink_exec('host={socket} dbname={database} user=postgres', 'insert into extra values (60, ''sent'')'); end $$;
create function makes_object() returns oid language plpgsql stable as 'begin return lo_create(0); end';
create function ends() returns boolean language plpgsql stable as 'begin return pg_terminate_backend({sleeper}); end';
create function reads() returns text language plpgsql stable as
    $$ begin return pg_read_file('{scratch}/secret.txt'); end $$;
create function reads_password() returns text language plpgsql stable as
    $$ begin return (select rolpassword from pg_authid where rolname = 'other'); end $$;
create function tells() returns integer language plpgsql stable as
    $$ begin raise notice '%', (select rolpassword from pg_authid where rolname = 'other'); return 1; end $$;
create function locks() returns integer language plpgsql stable as
    $$ begin perform pg_advisory_lock(77); return 1; end $$;
create function as_definer() returns integer language plpgsql stable security definer
    set search_path = public as 'begin return quiet_harm(); end';
create function with_setting() returns integer language plpgsql stable
    set work_mem = '1MB' as 'begin return quiet_harm(); end';
create function counts() returns bigint language plpgsql stable as $$ begin return nextval('counter'); end $$;
create function resets() returns integer language plpgsql stable as $$ begin perform pg_stat_reset(); return 1; end $$;
create function emits() returns pg_lsn language plpgsql stable as
    $$ begin return pg_logical_emit_message(false, 'a', 'b'); end $$;
create function atomic_liar() returns text language sql stable
    begin atomic select pg_file_write('{scratch}/liar.txt', 'x', true)::text; end;
create function of_parameter(a integer) returns integer language plpgsql immutable leakproof as
    'begin return frozen_harm() + a; end';

--- attack: stable
select quiet_harm()

--- attack: immutable
select frozen_harm()

--- attack: immutable of a column
select of_parameter(id) from victim

--- attack: in sql
select in_sql()

--- attack: in sql, immutable
select in_sql_immutable()

--- attack: in sql, parsed at its creation
select atomic_liar()

--- attack: three deep
select three_deep()

--- attack: with a handler
select catches()

--- attack: with a handler for the refusal
select catches_refusal()

--- attack: by a text
select by_text('select quiet_harm()')

--- attack: by a text that is a built-in
select by_text($$select pg_file_write('{scratch}/liar.txt', 'x', true)$$)

--- attack: by a cursor
select by_cursor()

--- attack: by a loop
select by_loop()

--- attack: by a declaration
select by_expression()

--- attack: by return query
select * from by_return_query()

--- attack: through another connection
select sends()

--- attack: a large object
select makes_object()

--- attack: ends a session
--- setup: create or replace function ends() returns boolean language plpgsql stable as 'begin return pg_terminate_backend({sleeper}); end'
--- sql:
select ends()

--- attack: reads a file
select reads()

--- attack: reads a password
select reads_password()

--- attack: reads a password by a text
select by_text($$select rolpassword from pg_authid where rolname = 'other'$$)

--- attack: tells by a notice
select tells()

--- attack: an advisory lock
select locks()

--- attack: as definer
select as_definer()

--- attack: with a setting
select with_setting()

--- attack: a sequence
select counts()

--- attack: statistics
select resets()

--- attack: the log of changes
select emits()

--- attack: in from
select * from quiet_harm()

--- attack: in where, for each row
select id from victim where quiet_harm() = id

--- attack: in a parallel worker
select count(*) from victim where of_parameter(id) > 0

--- attack: waits
--- setup: create or replace function waits() returns integer language plpgsql stable as $$ begin perform pg_sleep(100); return 1; end $$
--- resource:
--- sql:
select by_text('select pg_sleep(100)')
