--- class: Files of the server
--- setup:
create function looks_in(text) returns text language sql volatile as 'select pg_read_file($1)';
create table names (name text);
insert into names values ('{scratch}/secret.txt');

--- attack: pg_read_file
select pg_read_file('{scratch}/secret.txt')

--- attack: pg_read_file of a part
select pg_read_file('{scratch}/secret.txt', 0, 100)

--- attack: pg_read_file that may be missing
select pg_read_file('{scratch}/secret.txt', 0, 100, true)

--- attack: pg_read_binary_file
select convert_from(pg_read_binary_file('{scratch}/secret.txt'), 'UTF8')

--- attack: pg_read_file in from
select * from pg_read_file('{scratch}/secret.txt')

--- attack: pg_read_file split
select regexp_split_to_table(pg_read_file('{scratch}/secret.txt'), E'\n')

--- attack: pg_read_file by an error
select pg_read_file('{scratch}/secret.txt')::integer

--- attack: pg_read_file of each row
select pg_read_file(name) from names

--- attack: pg_read_file in a quoted spelling
select pg_catalog."pg_read_file"('{scratch}/secret.txt')

--- attack: pg_read_file in Unicode
select U&"pg\005fread\005ffile"('{scratch}/secret.txt')

--- attack: pg_hba.conf
select pg_read_file('pg_hba.conf')

--- attack: postgresql.conf
select pg_read_file('{data}/postgresql.conf')

--- attack: pg_stat_file
select size::text || ' bytes' from pg_stat_file('{scratch}/secret.txt')
--- secret: 12 bytes

--- attack: pg_ls_dir
select pg_ls_dir('{scratch}')
--- secret: secret.txt

--- attack: pg_ls_dir in from with ordinality
select * from pg_ls_dir('{scratch}') with ordinality as t (name, n)
--- secret: secret.txt

--- attack: pg_file_write
select pg_file_write('{scratch}/written.txt', 'x', false)

--- attack: pg_file_write below a condition
select case when id > 0 then pg_file_write('{scratch}/written.txt', 'y', true) end from victim

--- attack: pg_file_rename
--- until: 16
--- setup: copy (select 'x') to '{scratch}/movable.txt'
--- sql:
select pg_file_rename('{scratch}/movable.txt', '{scratch}/moved.txt')

--- attack: pg_file_unlink
--- until: 16
--- setup: copy (select 'x') to '{scratch}/doomed.txt'
--- sql:
select pg_file_unlink('{scratch}/doomed.txt')

--- attack: pg_logdir_ls
--- until: 16
--- sql:
select * from pg_logdir_ls() as t (at timestamp, name text)
--- control: select name from pg_ls_logdir()
--- secret: postgresql-

--- attack: lo_import
select lo_import('{scratch}/secret.txt')

--- attack: lo_import with a number
select lo_import('{scratch}/secret.txt', 31337)

--- attack: lo_export
select lo_export(4242, '{scratch}/exported.txt')

--- attack: a foreign table over a file
select * from file_lines

--- attack: a foreign table over a file, counted
select max(line) from file_lines

--- attack: a foreign table over a program
select * from program_lines

--- attack: a foreign table over a program, in a subquery
select (select count(*) from program_lines)

--- attack: a foreign table through a view
--- setup: create view of_lines as select line from file_lines
--- sql:
select * from of_lines

--- attack: a function of a user
select looks_in('{scratch}/secret.txt')

--- attack: an XML entity
select xmlparse(document '<!DOCTYPE a [<!ENTITY b SYSTEM "{scratch}/secret.txt">]><a>&b;</a>')
--- control: select pg_read_file('{scratch}/secret.txt')

--- attack: an XML entity in xslt
select xslt_process('<a/>', '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><xsl:copy-of select="document(''{scratch}/secret.txt'')"/></xsl:template></xsl:stylesheet>')
--- control: select pg_read_file('{scratch}/secret.txt')

--- attack: pg_read_file through explain
explain analyze select pg_file_write('{scratch}/explained.txt', 'x', true)

--- attack: current log file's text
select pg_read_file(pg_current_logfile())
--- control: select pg_read_file('{scratch}/secret.txt')
