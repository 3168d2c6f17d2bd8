--- class: Changes in depth
--- setup:
create function middle() returns integer language plpgsql volatile as 'begin return inner_most(); end';
create function inner_most() returns integer language plpgsql volatile as
    $$ begin insert into extra values (70, 'deep'); return 1; end $$;
create function outer_most() returns integer language sql volatile as 'select middle()';
create function by_definer() returns integer language plpgsql volatile security definer as
    $$ begin delete from victim where id = 1; return 1; end $$;
create function by_execute(text) returns void language plpgsql volatile as 'begin execute $1; end';
create function on_row() returns trigger language plpgsql as
    $$ begin insert into extra values (71, 'by trigger'); return new; end $$;
create table watched (id integer);
create trigger on_row after insert on watched for each row execute function on_row();
create function fires() returns integer language plpgsql volatile as
    $$ begin insert into watched values (1); return 1; end $$;
create function writes_in_sql() returns setof victim language sql volatile as
    'update victim set amount = 70 where id = 2 returning *';
create function catches_all() returns integer language plpgsql volatile as
    $$ begin insert into extra values (72, 'x'); raise exception 'x'; exception when others then
        perform harm(); return 1; end $$;
create function swallows() returns integer language plpgsql volatile as
    $$ begin begin insert into extra values (73, 'x'); exception when others then null; end; perform harm(); return 1; end $$;
create function defines() returns integer language plpgsql volatile as
    $$ begin create table planted_deep (); return 1; end $$;
create function copies() returns integer language plpgsql volatile as
    $$ begin copy victim to '{scratch}/deep.txt'; return 1; end $$;
create function calls() returns integer language plpgsql volatile as 'begin call proc(); return 1; end';
create procedure proc() language plpgsql as $$ begin insert into extra values (74, 'x'); end $$;
create function cursors() returns integer language plpgsql volatile as
    $$ declare c cursor for select harm(); n integer; begin open c; fetch c into n; return n; end $$;
create function returns_cursor() returns refcursor language plpgsql volatile as
    $$ declare c refcursor := 'left open'; r record; begin open c for select harm(); fetch c into r; return c; end $$;

--- attack: three deep
select outer_most()

--- attack: as definer
select by_definer()

--- attack: by a text
select by_execute('delete from victim where id = 3')

--- attack: by a text, utility
select by_execute('alter table victim add column planted integer')

--- attack: by a trigger
select fires()

--- attack: in an sql function
select * from writes_in_sql()

--- attack: after an error
select catches_all()

--- attack: after a refusal
select swallows()

--- attack: a definition
select defines()

--- attack: copy
select copies()

--- attack: a procedure
select calls()

--- attack: a cursor
select cursors()

--- attack: a cursor that stays
select returns_cursor()

--- attack: a trigger function itself
select on_row()
--- control: insert into watched values (2)

--- attack: setting and reading in one
select by_execute('set transaction_read_only = off'), by_execute('insert into extra values (75, ''x'')')
--- control: select by_execute('insert into extra values (75, ''x'')')
