--- class: Operators of users
--- setup:
create function harm_eq(victim, victim) returns boolean language sql volatile as 'select harm() = 1';
create function harm_cmp(text, integer) returns boolean language sql volatile as 'select harm() = 1';
create function harm_one(text) returns integer language sql volatile as 'select harm()';
create function quiet_cmp(integer, text) returns boolean language plpgsql stable as
    'begin return quiet_harm() = 1; end';
create operator === (leftarg = text, rightarg = integer, function = harm_cmp);
create operator = (leftarg = text, rightarg = integer, function = harm_cmp);
create operator < (leftarg = text, rightarg = integer, function = harm_cmp);
create operator <= (leftarg = text, rightarg = integer, function = harm_cmp);
create operator >= (leftarg = text, rightarg = integer, function = harm_cmp);
create operator <> (leftarg = text, rightarg = integer, function = harm_cmp);
create operator @@@ (rightarg = text, function = harm_one);
create operator ~~ (leftarg = integer, rightarg = text, function = quiet_cmp);
create type score as (n integer);
create function score_lt(score, score) returns boolean language sql volatile as 'select harm() = 1';
create function score_eq(score, score) returns boolean language sql volatile as 'select harm() = 1';
create function score_cmp(score, score) returns integer language sql volatile as 'select harm() - 1';
create function score_hash(score) returns integer language sql volatile as 'select harm()';
create operator <<< (leftarg = score, rightarg = score, function = score_lt);
create operator >>> (leftarg = score, rightarg = score, function = score_lt);
create operator <<== (leftarg = score, rightarg = score, function = score_lt);
create operator >>== (leftarg = score, rightarg = score, function = score_lt);
create operator = (leftarg = score, rightarg = score, function = score_eq);
create operator === (leftarg = score, rightarg = score, function = score_eq, hashes, merges);
create operator class score_ops default for type score using btree as
    operator 1 <<<, operator 2 <<==, operator 3 ===, operator 4 >>==, operator 5 >>>, function 1 score_cmp(score, score);
create operator class score_hash_ops default for type score using hash as operator 1 ===, function 1 score_hash(score);
create table scored (s score, n integer);
insert into scored values (row(1), 1), (row(2), 2), (row(1), 3);

--- attack: infix
select 'x'::text === 1

--- attack: prefix
select @@@ 'x'::text

--- attack: with its schema
select 'x'::text operator(public.===) 1

--- attack: equality of two types
select 'x'::text = 1

--- attack: in a list
select 'x'::text in (1, 2)

--- attack: any of an array
select 'x'::text = any (array[1, 2])

--- attack: all of an array
select 'x'::text <> all (array[1, 2])

--- attack: any of a subquery
select 'x'::text = any (select id from victim)

--- attack: between
select 'x'::text between 1 and 2

--- attack: nullif
select nullif('x'::text, 1)

--- attack: distinct from
select 'x'::text is distinct from 1

--- attack: comparison of rows
select a = b from scored as a, scored as b

--- attack: row in a subquery
select a in (select b from scored as b) from scored as a

--- attack: case with a test
select case 'x'::text when 1 then 2 end

--- attack: join using
select * from scored as a join scored as b using (s)

--- attack: natural join
select * from scored as a natural join (select s from scored) as b

--- attack: like
select 1 like 'x'::text

--- attack: order by a type
select s from scored order by s

--- attack: order by using
select s from scored order by s using operator(public.<<<)

--- attack: distinct
select distinct s from scored

--- attack: group by
select s, count(*) from scored group by s

--- attack: union
select s from scored union select s from scored

--- attack: intersect
select s from scored intersect select s from scored

--- attack: window
select rank() over (partition by s order by n) from scored

--- attack: ordered aggregate
select array_agg(n order by s) from scored

--- attack: distinct aggregate
select count(distinct s) from scored

--- attack: join by its equality
select count(*) from scored as a join scored as b on a.s === b.s

--- attack: array of them
select array_agg(s) = array_agg(s) from scored where false or n > 0
--- control: select min(n) from (select n, s from scored order by s) as q

--- attack: greatest
select greatest(s, s) from scored

--- attack: recursive union
with recursive q (s) as (select s from scored union select s from q where false) select * from q
