--- class: Functions in every place of a query

--- attack: select list
select harm()

--- attack: with a schema
select public.harm()

--- attack: with the database
select {database}.public.harm()

--- attack: from
select * from harm()

--- attack: from with an alias and columns
select n from harm() as t (n)

--- attack: with ordinality
select * from harm() with ordinality

--- attack: rows from
select * from rows from (harm(), generate_series(1, 2)) as t (a, b)

--- attack: lateral
select * from victim as v, lateral (select harm() + v.id) as q

--- attack: lateral function
select * from victim as v cross join lateral harm() as q

--- attack: values
values (harm())

--- attack: values in from
select * from (values (1), (harm())) as t (a)

--- attack: where
select 1 where harm() = 1

--- attack: join condition
select * from victim as v join extra as e on v.id = e.id and harm() = 1

--- attack: group by
select count(*) from victim group by harm()

--- attack: grouping sets
select count(*) from victim group by grouping sets ((harm()), ())

--- attack: having
select count(*) from victim having harm() = 1

--- attack: order by
select id from victim order by harm()

--- attack: limit
select id from victim limit harm()

--- attack: offset
select id from victim offset harm()

--- attack: fetch first
select id from victim fetch first (harm()) rows only

--- attack: distinct on
select distinct on (harm()) id from victim

--- attack: window partition
select rank() over (partition by harm() order by id) from victim

--- attack: named window
select rank() over w from victim window w as (order by harm())

--- attack: window frame
select sum(id) over (order by id rows between harm() preceding and current row) from victim

--- attack: filter
select count(*) filter (where harm() = 1) from victim

--- attack: order within an aggregate
select array_agg(id order by harm()) from victim

--- attack: within group
select percentile_cont(0.5) within group (order by harm()) from victim

--- attack: case
select case when true then harm() else 1 end

--- attack: coalesce
select coalesce(null, harm())

--- attack: array
select array[harm()]

--- attack: row
select row(harm(), 1)

--- attack: subscript
select (array[1, 2])[harm()]

--- attack: in
select 1 in (harm(), 2)

--- attack: scalar subquery
select (select harm())

--- attack: exists
select exists (select 1 where harm() = 1)

--- attack: array of a subquery
select array(select harm())

--- attack: tablesample
select * from victim tablesample bernoulli (harm())

--- attack: tablesample repeatable
select * from victim tablesample system (50) repeatable (harm())

--- attack: recursive
with recursive q (n) as (select 1 union all select n + harm() from q where n < 2) select * from q

--- attack: union
select 1 union all select harm()

--- attack: an argument of a harmless function
select abs(abs(harm()))

--- attack: an argument of an aggregate
select sum(harm()) from victim

--- attack: named argument
--- setup: create function harm_of(integer default harm()) returns integer language sql volatile as 'select $1'
--- sql:
select harm_of($$1$$::integer + harm())

--- attack: default argument
--- setup: create function harm_by_default(a integer, b integer default harm()) returns integer language plpgsql immutable as 'begin return a; end'
--- sql:
select harm_by_default(1)

--- attack: variadic
--- setup: create function harm_of_many(variadic integer[]) returns integer language sql volatile as 'select harm()'
--- sql:
select harm_of_many(variadic array[1, 2])

--- attack: xmltable
select * from xmltable('/a' passing (select ('<a>' || harm() || '</a>')::xml) columns b text path '.')

--- attack: xmlelement
select xmlelement(name a, harm())

--- attack: json path
select jsonb_path_query('[1]', '$[*]', jsonb_build_object('a', harm()))

--- attack: a quoted name
select "public"."harm"()

--- attack: a Unicode name
select U&"\0068arm"()

--- attack: a type cast beside it
select harm()::text::varchar(10)
