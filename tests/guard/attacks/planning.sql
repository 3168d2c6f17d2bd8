--- class: Effects of planning
--- Nothing is executed, but constants are folded, estimates and partitions found by calling functions.
--- setup:
create table items (id integer, n integer);
insert into items select i, i % 100 from generate_series(1, 5000) as i;
analyze items;
create function folds(integer) returns integer language plpgsql immutable as 'begin return frozen_harm() + $1; end';
create function folds_stable() returns integer language plpgsql stable as 'begin return quiet_harm(); end';
create function same(integer, integer) returns boolean language plpgsql immutable leakproof as
    'begin return frozen_harm() = 1; end';
create operator === (leftarg = integer, rightarg = integer, function = same, restrict = eqsel, join = eqjoinsel);
create function wrapped() returns integer language sql immutable as 'select folds(1)';
create function tells() returns integer language plpgsql immutable as
    $$ begin raise exception '%', (select rolpassword from pg_authid where rolname = 'other'); end $$;
create type level as (n integer);
create function level_cmp(level, level) returns integer language plpgsql immutable as
    'begin perform frozen_harm(); return ($1).n - ($2).n; end';
create function level_lt(level, level) returns boolean language sql immutable as 'select ($1).n < ($2).n';
create function level_eq(level, level) returns boolean language sql immutable as 'select ($1).n = ($2).n';
create operator <<< (leftarg = level, rightarg = level, function = level_lt, restrict = scalarltsel);
create operator >>> (leftarg = level, rightarg = level, function = level_lt, restrict = scalargtsel);
create operator <<== (leftarg = level, rightarg = level, function = level_lt, restrict = scalarlesel);
create operator >>== (leftarg = level, rightarg = level, function = level_lt, restrict = scalargesel);
create operator ==== (leftarg = level, rightarg = level, function = level_eq, restrict = eqsel);
create operator class level_ops default for type level using btree as operator 1 <<<, operator 2 <<==,
    operator 3 ====, operator 4 >>==, operator 5 >>>, function 1 level_cmp(level, level);
create table parted (l level) partition by range (l);
create table parted_low partition of parted for values from ('(0)') to ('(10)');
create table parted_high partition of parted for values from ('(10)') to ('(20)');
create domain folded as integer check (frozen_harm() = 1);

--- attack: explain of what is folded
explain select folds(1)

--- attack: explain of what is folded in a condition
explain select * from items where n = folds(1)

--- attack: explain of what is folded in sql
explain select wrapped()

--- attack: explain of what is folded in a limit
explain select * from items limit folds(1)

--- attack: explain of what is folded in a case
explain select case when folds(1) = 2 then 1 else 2 end from items

--- attack: explain of a stable one that is estimated
explain select * from items where n = folds_stable()

--- attack: explain of a stable one that is estimated as a range
explain select * from items where n > folds_stable()

--- attack: explain of an operator that is folded
explain select 1 === 2

--- attack: explain of an operator that is estimated by values
explain select * from items where n === 5

--- attack: explain of a join that is estimated by values
explain select * from items as a join items as b on a.n === b.n

--- attack: explain of partitions that are compared
explain select * from parted where l ==== '(5)'

--- attack: explain of partitions that are compared, by range
explain select * from parted where l >>== '(15)'

--- attack: explain of a change with what is folded
explain delete from items where n = folds(2)

--- attack: explain of an insert with what is folded
explain insert into items values (folds(3), 1)

--- attack: explain of a table that is made from what is folded
explain create table planted as select folds(4)

--- attack: explain that fails with a secret
explain select tells()

--- attack: explain of a domain of a constant
explain select 1::folded

--- attack: explain of partitions through the tool
--- call: explain_query
--- sql:
select * from parted where l ==== '(5)'
--- control: explain select * from parted where l ==== '(5)'

--- attack: an estimate through the tool
--- call: explain_query
--- sql:
select * from items where n === 7
--- control: explain select * from items where n === 7

--- attack: an estimate through the tool, for a change
--- call: explain_query
--- sql:
delete from items where n === 7
--- control: explain delete from items where n === 7

--- attack: a failure with a secret through the tool
--- call: explain_query
--- sql:
select * from items where n = tells()
--- control: explain select * from items where n = tells()

--- attack: an estimate through advice
--- call: analyze_query_indexes {"queries": ["select * from items where n === 9"]}
--- control: explain select * from items where n === 9

--- attack: a failure with a secret through advice
--- call: analyze_query_indexes {"queries": ["select * from items where n = tells()"]}
--- control: explain select * from items where n = tells()

--- attack: a stable one through advice
--- call: analyze_query_indexes {"queries": ["select * from items where n > folds_stable()"]}
--- control: explain select * from items where n > folds_stable()

--- attack: a stable one through the tool
--- call: explain_query
--- sql:
select * from items where n > folds_stable()
--- control: explain select * from items where n > folds_stable()
