--- class: Programs of the server
--- setup:
create function runs(text) returns integer language plpgsql volatile as
    $$ begin execute format('copy (select 1) to program %L', $1); return 1; end $$;
create function reads_program() returns text language plpgsql volatile as
    $$ declare r text; begin create temp table lines (line text); copy lines from program 'cat {scratch}/secret.txt'; select max(line) into r from lines; return r; end $$;
create view runs_on_read as select runs('echo x >> {scratch}/view.txt') as n;

--- attack: copy to program
copy (select 1) to program 'cat > {scratch}/program_1.txt'

--- attack: copy a table to program
copy victim to program 'cat > {scratch}/program_2.txt'

--- attack: copy from program
copy extra (note) from program 'echo x'

--- attack: copy from program that only acts
copy extra (note) from program 'touch {scratch}/program_3.txt'

--- attack: a foreign table
select line from program_lines where line = 'x'

--- attack: a foreign table, joined
select count(*) from victim, program_lines

--- attack: a function
select runs('touch {scratch}/program_4.txt')

--- attack: a function that reads a program
select reads_program()

--- attack: a view
select * from runs_on_read

--- attack: do
do $$ begin perform runs('touch {scratch}/program_5.txt'); end $$

--- attack: archive command
alter system set archive_command = 'touch {scratch}/program_6.txt'

--- attack: load a library of one's own
create function planted(text) returns integer language c as '$libdir/dblink', 'dblink_exec'

--- attack: explain analyze of a foreign table
explain analyze select * from program_lines

--- attack: with the parser's help
copy (select 1 /* ) */) to program 'touch {scratch}/program_7.txt'

--- attack: behind a query
select 1; copy (select 1) to program 'touch {scratch}/program_8.txt'
