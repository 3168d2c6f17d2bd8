--- class: Injection by arguments

--- attack: schema of get_object_details
--- call: get_object_details {"schema_name": "public'; delete from victim where id = 1; --", "object_name": "victim"}
--- control: delete from victim where id = 1

--- attack: name of get_object_details
--- call: get_object_details {"schema_name": "public", "object_name": "victim'; delete from victim where id = 2; --"}
--- control: delete from victim where id = 2

--- attack: quoted name of get_object_details
--- call: get_object_details {"schema_name": "public", "object_name": "victim\"; delete from victim where id = 3; --"}
--- control: delete from victim where id = 3

--- attack: type of get_object_details
--- call: get_object_details {"schema_name": "public", "object_name": "victim", "object_type": "table' or harm() = 1 --"}
--- control: select harm()

--- attack: a union by name of get_object_details
--- call: get_object_details {"schema_name": "public", "object_name": "x' union select rolpassword from pg_authid --"}
--- control: select rolpassword from pg_authid

--- attack: backslash in a name
--- call: get_object_details {"schema_name": "public\\", "object_name": "', harm(), '"}
--- control: select harm()

--- attack: format marks in a name
--- call: get_object_details {"schema_name": "public", "object_name": "%I %L %s $1 $2"}
--- at bridge: the text would be a format of the bridge's own

--- attack: schema of list_objects
--- call: list_objects {"schema_name": "public' or harm() = 1 --"}
--- control: select harm()

--- attack: type of list_objects
--- call: list_objects {"schema_name": "public", "object_type": "table; delete from victim"}
--- control: delete from victim where id = 4

--- attack: list as a name
--- call: list_objects {"schema_name": ["public", "x"]}
--- at bridge: an argument of another type

--- attack: sort_by of get_top_queries
--- call: get_top_queries {"sort_by": "total_time; delete from victim"}
--- control: delete from victim where id = 5

--- attack: sort_by that is an expression
--- call: get_top_queries {"sort_by": "(select harm())"}
--- control: select harm()

--- attack: limit of get_top_queries
--- call: get_top_queries {"limit": "1; delete from victim"}
--- control: delete from victim where id = 6

--- attack: a limit without limit
--- call: get_top_queries {"limit": 1e300}
--- at bridge: a number that no integer holds

--- attack: all_databases of get_top_queries
--- call: get_top_queries {"all_databases": "true or harm() = 1"}
--- control: select harm()

--- attack: delta_seconds of get_top_queries
--- call: get_top_queries {"delta_seconds": "1); select harm(); --"}
--- control: select harm()

--- attack: an interval that would hold a call for an hour
--- call: get_top_queries {"delta_seconds": 3600}
--- at bridge: longer than a call may take

--- attack: health_type
--- call: analyze_db_health {"health_type": "index'; delete from victim; --"}
--- control: delete from victim where id = 7

--- attack: health_type of many
--- call: analyze_db_health {"health_type": "all,all,all,{data},(select harm())"}
--- control: select harm()

--- attack: hypothetical table
--- call: explain_query {"hypothetical_indexes": [{"table": "victim; delete from victim", "columns": ["id"]}]}
--- sql:
select * from victim
--- control: delete from victim where id = 8

--- attack: hypothetical column
--- call: explain_query {"hypothetical_indexes": [{"table": "victim", "columns": ["id), (harm()"]}]}
--- sql:
select * from victim
--- control: select harm()

--- attack: hypothetical expression
--- call: explain_query {"hypothetical_indexes": [{"table": "victim", "columns": ["(frozen_harm())"]}]}
--- sql:
select * from victim
--- control: select frozen_harm()

--- attack: hypothetical method
--- call: explain_query {"hypothetical_indexes": [{"table": "victim", "columns": ["id"], "using": "btree (id); delete from victim; --"}]}
--- sql:
select * from victim
--- control: delete from victim

--- attack: hypothetical predicate
--- call: explain_query {"hypothetical_indexes": [{"table": "victim", "columns": ["id) where (frozen_harm() = 1"]}]}
--- sql:
select * from victim
--- control: select frozen_harm()

--- attack: a tool that there is not
--- call: run_any_sql {"sql": "delete from victim"}
--- control: delete from victim

--- attack: an argument that there is not
--- call: execute_sql {"access_mode": "unrestricted", "read_only": false, "parameters": ["x"]}
--- sql:
delete from victim
--- control: insert into extra values (90, 'x')

--- attack: statements as an object
--- call: execute_sql {"sql": {"text": "delete from victim"}}
--- control: insert into extra values (91, 'x')

--- attack: queries as one text
--- call: analyze_query_indexes {"queries": "delete from victim"}
--- control: insert into extra values (92, 'x')

--- attack: hidden index with a statement behind it
--- call: explain_query {"hide_indexes": ["victim_pkey; delete from victim"]}
--- sql:
select * from victim
--- control: insert into extra values (93, 'x')

--- attack: queryid with a statement behind it
--- call: explain_query {"queryid": "1); delete from victim; --"}
--- control: insert into extra values (94, 'x')

--- attack: value of a parameter with a statement behind it
--- call: explain_query {"parameters": ["1'); delete from victim; --"], "analyze": true}
--- sql:
select * from victim where id = $1
--- control: insert into extra values (95, 'x')

--- attack: value of a parameter that a domain checks
--- setup: create domain trapped as integer check (harm() > 0)
--- call: explain_query {"parameters": ["5"], "analyze": true}
--- sql:
select $1::trapped
--- control: select 5::trapped

--- attack: value of a parameter that is a list of such
--- setup: create domain trapped_too as integer check (harm() > 0)
--- call: explain_query {"parameters": ["{5}"]}
--- sql:
select * from victim where array[id] = $1::trapped_too[]
--- control: select 5::trapped_too
