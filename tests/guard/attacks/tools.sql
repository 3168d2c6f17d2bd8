--- class: Other tools as ways in
--- setup:
create function folds() returns integer language plpgsql immutable as 'begin return frozen_harm(); end';
create table indexed (id integer, n integer);
insert into indexed select i, i from generate_series(1, 5000) as i;
analyze indexed;
create view hard as select *, harm() as h from indexed;

--- attack: explain_query analyze of a function
--- call: explain_query {"analyze": true}
--- sql:
select harm()

--- attack: explain_query analyze of a liar
--- call: explain_query {"analyze": true}
--- sql:
select quiet_harm()

--- attack: explain_query of what is folded
--- call: explain_query
--- sql:
select frozen_harm()

--- attack: explain_query of what is folded in a condition
--- call: explain_query
--- sql:
select * from indexed where n = folds()

--- attack: explain_query of a change with what is folded
--- call: explain_query
--- sql:
update indexed set n = frozen_harm()

--- attack: explain_query with hypothetical indexes of what is folded
--- call: explain_query {"hypothetical_indexes": [{"table": "indexed", "columns": ["n"]}]}
--- sql:
select * from indexed where n = folds()

--- attack: explain_query of a copy
--- call: explain_query
--- sql:
copy victim to '{scratch}/explained_copy.txt'

--- attack: explain_query of a do
--- call: explain_query
--- sql:
do $$ begin perform harm(); end $$

--- attack: explain_query of a definition
--- call: explain_query
--- sql:
create table planted_by_explain (id integer)

--- attack: explain_query analyze of a definition
--- call: explain_query {"analyze": true}
--- sql:
create table planted_by_explain_too as select 1 as a

--- attack: explain_query of passwords by what is estimated
--- call: explain_query {"analyze": true}
--- sql:
select rolpassword::integer from pg_authid where rolname = 'other'

--- attack: explain_query that ends in a comment
--- call: explain_query {"analyze": true}
--- sql:
insert into extra values (95, 'x') --

--- attack: explain_query that gives its own options
--- call: explain_query
--- sql:
(analyze) insert into extra values (96, 'x')
--- control: explain (analyze) insert into extra values (96, 'x')

--- attack: explain_query that gives its own word
--- call: explain_query
--- sql:
analyze insert into extra values (97, 'x')
--- control: explain analyze insert into extra values (97, 'x')

--- attack: explain_query of analyze
--- call: explain_query
--- sql:
analyze indexed

--- attack: analyze_query_indexes of what is folded
--- call: analyze_query_indexes {"queries": ["select * from indexed where n = folds()"]}
--- control: select folds()

--- attack: analyze_query_indexes of a change
--- call: analyze_query_indexes {"queries": ["delete from indexed where n = 5"]}
--- control: delete from indexed where n = 5

--- attack: analyze_query_indexes of a definition
--- call: analyze_query_indexes {"queries": ["drop table extra"]}
--- control: drop table extra

--- attack: analyze_query_indexes of a function
--- call: analyze_query_indexes {"queries": ["select * from indexed where n = harm()"]}
--- control: select * from indexed where n = harm()

--- attack: analyze_query_indexes of a liar
--- call: analyze_query_indexes {"queries": ["select * from indexed where n = quiet_harm()"]}
--- control: select * from indexed where n = quiet_harm()

--- attack: analyze_query_indexes of a view
--- call: analyze_query_indexes {"queries": ["select * from hard where n = 7"]}
--- control: select * from hard where n = 7

--- attack: analyze_query_indexes of many
--- call: analyze_query_indexes {"queries": ["select 1", "commit", "delete from indexed", "rollback"]}
--- control: delete from indexed where n = 8

--- attack: analyze_query_indexes of a copy
--- call: analyze_query_indexes {"queries": ["copy (select 1) to program 'touch {scratch}/advice.txt'"]}
--- control: copy (select 1) to program 'touch {scratch}/advice.txt'

--- attack: get_object_details of a view that calls
--- call: get_object_details {"schema_name": "public", "object_name": "hard", "object_type": "view"}
--- control: select * from hard limit 1

--- attack: get_object_details of a sequence
--- call: get_object_details {"schema_name": "public", "object_name": "counter", "object_type": "sequence"}
--- control: select nextval('counter')

--- attack: analyze_db_health of everything
--- call: analyze_db_health
--- control: select pg_stat_reset()

--- attack: workload with a hostile statement
--- setup: select * from indexed where n = folds()
--- call: analyze_workload_indexes
--- control: select folds()
