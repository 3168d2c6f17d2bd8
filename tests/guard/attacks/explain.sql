--- class: EXPLAIN that executes

--- attack: insert
explain analyze insert into extra values (50, 'x')

--- attack: update
explain analyze update victim set amount = 5

--- attack: delete
explain (analyze) delete from victim where id = 1

--- attack: merge
explain analyze merge into victim as v using extra as e on v.id = e.id + 2 when matched then delete

--- attack: option on
explain (analyze on, costs off) delete from victim where id = 2

--- attack: option 1
explain (verbose, analyze 1) delete from victim where id = 5

--- attack: option twice
explain (analyze off, analyze true) delete from victim where id = 6

--- attack: option quoted
explain ("analyze" 'true') delete from victim where id = 7

--- attack: other spelling
explain analyse verbose delete from victim where id = 8

--- attack: a function
explain analyze select harm()

--- attack: a function in from
explain (analyze, format json) select * from harm() as n

--- attack: execute of a prepared change
prepare p as insert into extra values (51, 'x'); explain analyze execute p

--- attack: declare
begin; explain analyze declare c cursor for select harm(); commit
--- control: select harm()

--- attack: create materialized view
explain analyze create materialized view planted as select 1 as one

--- attack: through the tool, an insert
--- call: explain_query {"analyze": true}
--- sql:
insert into extra values (52, 'x')

--- attack: through the tool, an update below an explain
--- call: explain_query {"analyze": true}
--- sql:
explain update victim set amount = 6
--- control: explain analyze update victim set amount = 6

--- attack: through the tool without analyze, an explain with it
--- call: explain_query {"analyze": false}
--- sql:
explain analyze insert into extra values (53, 'x')

--- attack: through the tool, a function
--- call: explain_query {"analyze": true}
--- sql:
select harm()

--- attack: through the tool, a with
--- call: explain_query {"analyze": true}
--- sql:
with q as (delete from victim returning *) select * from q

--- attack: a liar, executed
explain analyze select quiet_harm() from generate_series(1, 2)

--- attack: with timing and buffers
explain (analyze, buffers, timing off, summary off, wal) select harm() from victim
