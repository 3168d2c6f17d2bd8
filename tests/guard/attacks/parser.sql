--- class: Texts that two parsers may read differently
--- setup:
create table "victim that has a name of more than sixty-three bytes, so that it" (id integer);
create function public.json_value(integer, text) returns integer language sql volatile as 'select harm()';
create function public.json_scalar(integer) returns integer language sql volatile as 'select harm()';
create function public.json_serialize(integer) returns integer language sql volatile as 'select harm()';
create function public.merge_action(integer) returns integer language sql volatile as 'select harm()';
create function public.json_exists(integer, text) returns integer language sql volatile as 'select harm()';
create function public."HARM"() returns integer language sql volatile as 'select harm()';
create function public."harm me, by a name of more than sixty-three bytes, which is cut"() returns integer
    language sql volatile as 'select harm()';

--- attack: Unicode identifier
select U&"h\0061rm"()

--- attack: Unicode identifier with six digits
select U&"h\+000061rm"()

--- attack: Unicode identifier with another escape
select U&"h!0061rm" uescape '!' ()

--- attack: Unicode string
select query_to_xml(U&'select h\0061rm()', true, false, '')

--- attack: escape string
select query_to_xml(E'select h\x61rm()', true, false, '')

--- attack: escape string in octal
select query_to_xml(E'select h\141rm()', true, false, '')

--- attack: dollar quoted
select query_to_xml($q$select harm()$q$, true, false, '')

--- attack: strings that continue
select query_to_xml('select '
    'harm()', true, false, '')

--- attack: a long name
select "harm me, by a name of more than sixty-three bytes, which is cut off by the server"()

--- attack: a quoted name
select "HARM"()

--- attack: full width letters
select ｈａｒｍ()
--- control: select harm()

--- attack: a space that is none
--- call: execute_sql {"sql": "select\u00a0harm()"}
--- control: select harm()

--- attack: a byte order mark
--- call: execute_sql {"sql": "\ufeffdelete from victim where id = 1"}
--- control: delete from victim where id = 1

--- attack: a NUL
--- call: execute_sql {"sql": "select 1\u0000; delete from victim where id = 2"}
--- control: delete from victim where id = 2

--- attack: a NUL in a string
--- call: execute_sql {"sql": "select 'a\u0000'; delete from victim where id = 3; select ''"}
--- control: delete from victim where id = 3

--- attack: vertical tab and form feed
--- call: execute_sql {"sql": "delete\u000bfrom\u000cvictim where id = 4"}
--- control: delete from victim where id = 4

--- attack: a line separator in a comment
--- call: execute_sql {"sql": "select 1 -- \u2028; \n; delete from victim where id = 5"}
--- control: select 1; delete from victim where id = 5

--- attack: next line in a comment
--- call: execute_sql {"sql": "select 1 -- \u0085 delete\n; delete from victim where id = 6"}
--- control: select 1; delete from victim where id = 6

--- attack: a comment that nests
select /* /* */ 1 */ harm()

--- attack: a comment that only seems to nest
select 1 /* /* */ */ , harm()

--- attack: an operator that holds a comment
select 1 -/**/- harm()

--- attack: a newer word: json_value
--- until: 16
--- sql:
select json_value(1, 'x')

--- attack: a newer word: json_scalar
--- until: 16
--- sql:
select json_scalar(1)

--- attack: a newer word: json_serialize
--- until: 16
--- sql:
select json_serialize(1)

--- attack: a newer word: json_exists
--- until: 16
--- sql:
select json_exists(1, 'x')

--- attack: a newer word: merge_action
--- until: 16
--- sql:
select merge_action(1)

--- attack: psql's commands
\! touch {scratch}/psql.txt
--- control: copy (select 1) to program 'touch {scratch}/psql.txt'

--- attack: psql's copy
\copy victim to '{scratch}/psql_copy.txt'
--- control: copy victim to '{scratch}/psql_copy.txt'

--- attack: psql's gexec
select 'delete from victim' \gexec
--- control: delete from victim where id = 7

--- attack: psql's variable
select :'x'; delete from victim where id = 8
--- control: delete from victim where id = 8

--- attack: standard_conforming_strings off, by the database
--- setup: alter database "{database}" set standard_conforming_strings = off
--- sql:
select 'a\', harm(), '
--- control: set standard_conforming_strings = off; select harm()

--- attack: an escape that ends the string
select 'a\'', harm()::text || '
--- control: select harm()

--- attack: a backtick
select `harm()`
--- control: select harm()

--- attack: brackets
select [harm()]
--- control: select harm()

--- attack: a parameter
select harm() where $1 is null or true
--- control: select harm()

--- attack: a parameter in the place of a table
select * from $1
--- control: select harm()

--- attack: sql/json constructor
select json_object('a': harm())
--- control: select harm()

--- attack: a dollar quote with a letter that is not of ASCII
select $é$ ; delete from victim; $é$ as a, harm() as b

--- attack: type and string
select text 'a' || harm()::text

--- attack: nchar
select N'x' || harm()::text

--- attack: bit strings
select B'1'::integer + harm()
