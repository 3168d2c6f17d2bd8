--- class: Several statements in one text

--- attack: a change behind a query
select 1; delete from victim where id = 1

--- attack: a change behind a query, a comment at the end
select 1; drop table extra; --

--- attack: a change before a query
insert into extra values (20, 'x'); select 1

--- attack: empty statements between
;;select 1;; delete from victim where id = 2;;

--- attack: a comment between
select 1 /* ; */ ; /* x */ delete from victim where id = 3

--- attack: a line comment that ends
select 1 -- harmless
; delete from victim where id = 4

--- attack: a line comment that ends with a carriage return alone
--- call: execute_sql {"sql": "select 1 --x\r; delete from victim where id = 5"}
--- control: select 1; delete from victim where id = 5

--- attack: nested comments
select 1 /* /* */ ; */ ; delete from victim where id = 5

--- attack: dollar quotes that end early
select $a$ $b$ $a$; delete from victim where id = 6; select $a$ $a$

--- attack: a quote that ends early
select 'it''s'; delete from victim where id = 7; select ''

--- attack: a backslash before the quote
select 'a\'; insert into extra values (21, 'x'); select ''

--- attack: an escape string
select E'a\\'; insert into extra values (22, 'x'); select E''

--- attack: break out of a subquery
select 1) as q; insert into extra values (23, 'x'); select * from (select 2
--- control: insert into extra values (23, 'x')

--- attack: break out of a subquery with a comment
select 1) q; insert into extra values (24, 'x'); --
--- control: insert into extra values (24, 'x')

--- attack: break out of an explain
select 1; explain analyze delete from victim where id = 8

--- attack: a Unicode identifier that holds a quote
select 1 as U&"\0022"; insert into extra values (25, 'x')

--- attack: a begin atomic that ends
select 1; create function planted() returns integer begin atomic select 1; end

--- attack: through explain_query
--- call: explain_query
--- sql:
select 1; insert into extra values (26, 'x')

--- attack: through explain_query with analyze
--- call: explain_query {"analyze": true}
--- sql:
select 1; insert into extra values (27, 'x')

--- attack: through analyze_query_indexes
--- call: analyze_query_indexes {"queries": ["select * from victim where name = 'x'; insert into extra values (28, 'x')"]}
--- control: insert into extra values (28, 'x')
