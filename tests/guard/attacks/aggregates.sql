--- class: Aggregates and window functions of users
--- setup:
create function step(integer, integer) returns integer language sql volatile as 'select harm()';
create function last(integer) returns integer language sql volatile as 'select harm()';
create function plus(integer, integer) returns integer language sql immutable as 'select $1 + $2';
create function quiet_step(integer, integer) returns integer language plpgsql stable as
    'begin return quiet_harm(); end';
create aggregate by_step (integer) (sfunc = step, stype = integer, initcond = '0');
create aggregate by_last (integer) (sfunc = plus, stype = integer, initcond = '0', finalfunc = last);
create aggregate by_moving (integer) (sfunc = plus, stype = integer, initcond = '0',
    msfunc = step, minvfunc = step, mstype = integer, minitcond = '0');
create aggregate by_moving_last (integer) (sfunc = plus, stype = integer, initcond = '0',
    msfunc = plus, minvfunc = plus, mstype = integer, minitcond = '0', mfinalfunc = last);
create aggregate by_order (integer order by integer) (sfunc = step, stype = integer, initcond = '0');
create aggregate by_liar (integer) (sfunc = quiet_step, stype = integer, initcond = '0');
create function harm_text_step(text, text) returns text language sql volatile as 'select harm($2)';
create function many_step(integer, variadic integer[]) returns integer language sql volatile as 'select harm()';
create aggregate sum (text) (sfunc = harm_text_step, stype = text);
create aggregate by_many (variadic integer[]) (sfunc = many_step, stype = integer, initcond = '0');

--- attack: transition function
select by_step(id) from victim

--- attack: final function
select by_last(id) from victim

--- attack: of no rows
select by_last(id) from victim where false

--- attack: moving transition
select by_moving(id) over (order by id rows between 1 preceding and current row) from victim

--- attack: moving final function
select by_moving_last(id) over (order by id rows between 1 preceding and current row) from victim

--- attack: as a window function
select by_step(id) over () from victim

--- attack: within group
select by_order(1) within group (order by id) from victim

--- attack: with filter
select by_step(id) filter (where id > 0) from victim

--- attack: in having
select 1 from victim having by_step(id) > 0

--- attack: in order by
select name from victim group by name order by by_step(id)

--- attack: in a subquery
select (select by_step(v.id) from victim as v)

--- attack: variadic
select by_many(1, 2) from victim

--- attack: a liar
select by_liar(id) from victim

--- attack: a trusted name
select sum(name) from victim

--- attack: distinct
select by_step(distinct id) from victim

--- attack: through a view
--- setup: create view totals as select by_step(id) as n from victim
--- sql:
select * from totals
