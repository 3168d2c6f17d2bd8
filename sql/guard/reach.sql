-- What a statement may call and read, of all that its names can stand for: for a server without the
-- extension, which would know what they do stand for.
--
-- $1: the statement's names, a JSON array of objects with kind (function, attribute, operator,
-- relation, type, every type), schema (null: by the search path) and name. $2: the schemas of the
-- search path, a JSON array.
--
-- From the named objects the walk goes to what they depend on: by pg_depend, and by the edges that
-- it does not have. The server's own objects (oids below 16384) have no entry there and are read from
-- the stored trees. The body of a function is not resolved: each word in it is taken as the name of
-- whatever has that name, in any schema.
with recursive named as (
    select n.kind, n.schema, n.name::name as name
    from json_to_recordset($1::json) as n (kind text, schema text, name text)
),

-- Names with each schema that they can be found in.
placed as (
    select n.kind, n.name, s.oid as namespace
    from named as n
    inner join pg_namespace as s
        on case
            when n.schema is null then s.nspname in (select json_array_elements_text($2::json))
            else s.nspname = n.schema or (n.schema = 'pg_temp' and s.oid = pg_my_temp_schema())
        end
),

-- What users have made that is used without being named: conversions between types that are not
-- theirs, ways to compare these, text search, encodings. To types of theirs the walk comes.
unnamed (class, object) as (
    select u.class, u.object
    from (
        select 'pg_cast'::regclass, c.oid, 'pg_proc'::regclass, c.castfunc, c.castsource, c.casttarget
        from pg_cast as c
        union all
        select 'pg_amproc'::regclass, a.oid, 'pg_proc'::regclass, a.amproc, a.amproclefttype, 0
        from pg_amproc as a
        union all
        select 'pg_amop'::regclass, a.oid, 'pg_operator'::regclass, a.amopopr, a.amoplefttype, 0
        from pg_amop as a
        union all
        select 'pg_ts_template'::regclass, t.oid, 'pg_ts_template'::regclass, t.oid, 0, 0
        from pg_ts_template as t
        union all
        select 'pg_ts_parser'::regclass, t.oid, 'pg_ts_parser'::regclass, t.oid, 0, 0
        from pg_ts_parser as t
        union all
        select 'pg_conversion'::regclass, c.oid, 'pg_proc'::regclass, c.conproc, 0, 0
        from pg_conversion as c
    ) as u (class, object, does_class, does, one_type, other_type)
    where u.does >= 16384
        and not exists (
            select from pg_depend as m
            where m.classid = u.does_class and m.objid = u.does and m.deptype = 'e'
        )
        and not exists (
            select from pg_type as t
            where t.oid in (u.one_type, u.other_type)
                and t.oid >= 16384
                and not exists (
                    select from pg_depend as m
                    where m.classid = 'pg_type'::regclass and m.objid = t.oid and m.deptype = 'e'
                )
        )
),

-- Class and oid of an object; call: whether a function among them is called as one, and not by the
-- server for a type or an access method; member: whether an extension brought it along.
walk (class, object, call, member) as (
    select start.class, start.object, start.call, exists (
        select from pg_depend as m
        where m.classid = start.class and m.objid = start.object and m.deptype = 'e'
    )
    from (
        select 'pg_proc'::regclass::oid, p.oid, true
        from placed as n
        inner join pg_proc as p
            on p.proname = n.name and p.pronamespace = n.namespace
        left join pg_type as t
            on t.oid = p.proargtypes[0]
        where n.kind in ('function', 'attribute')
        union all
        select 'pg_operator'::regclass, o.oid, true
        from placed as n
        inner join pg_operator as o
            on o.oprname = n.name and o.oprnamespace = n.namespace
        where n.kind = 'operator'
        union all
        select 'pg_class'::regclass, c.oid, true
        from placed as n
        inner join pg_class as c
            on c.relname = n.name and c.relnamespace = n.namespace
        where n.kind = 'relation'
        union all
        -- f(x) may be a cast, too.
        select 'pg_type'::regclass, t.oid, true
        from placed as n
        inner join pg_type as t
            on t.typname = n.name and t.typnamespace = n.namespace
        where n.kind in ('type', 'function', 'attribute')
        union all
        select 'pg_type'::regclass, t.oid, true
        from pg_type as t
        where exists (select from named as n where n.kind = 'every_type')
        union all
        select u.class, u.object, false
        from unnamed as u
    ) as start (class, object, call)
    where start.object >= 16384
    union
    select next.class, next.object, next.call, exists (
        select from pg_depend as m
        where m.classid = next.class and m.objid = next.object and m.deptype = 'e'
    )
    from walk as w
    cross join lateral (
        select d.refclassid as class, d.refobjid as object, w.class in (
            'pg_proc'::regclass, 'pg_operator'::regclass, 'pg_cast'::regclass,
            'pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_constraint'::regclass,
            'pg_attrdef'::regclass
        ) as call
        from pg_depend as d
        where not w.member
            and d.classid = w.class
            and d.objid = w.object
            and d.refobjid >= 16384
            and d.refclassid in (
                'pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass,
                'pg_class'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass,
                'pg_am'::regclass, 'pg_foreign_server'::regclass,
                'pg_foreign_data_wrapper'::regclass, 'pg_ts_config'::regclass,
                'pg_ts_dict'::regclass, 'pg_ts_template'::regclass, 'pg_ts_parser'::regclass
            )
        union all
        -- The query of a view.
        select 'pg_rewrite'::regclass, r.oid, true
        from pg_rewrite as r
        inner join pg_class as c
            on c.oid = r.ev_class
        where w.class = 'pg_class'::regclass
            and r.ev_class = w.object and r.ev_type = '1' and c.relkind = 'v'
        union all
        select 'pg_policy'::regclass, p.oid, true
        from pg_policy as p
        inner join pg_class as c
            on c.oid = p.polrelid
        where w.class = 'pg_class'::regclass
            and p.polrelid = w.object and p.polcmd in ('*', 'r') and c.relrowsecurity
        union all
        -- Generated columns that are not stored.
        select 'pg_attrdef'::regclass, e.oid, true
        from pg_attrdef as e
        inner join pg_attribute as a
            on a.attrelid = e.adrelid and a.attnum = e.adnum
        where w.class = 'pg_class'::regclass and e.adrelid = w.object and a.attgenerated = 'v'
        union all
        select 'pg_class'::regclass, i.inhrelid, true
        from pg_inherits as i
        where w.class = 'pg_class'::regclass and i.inhparent = w.object
        union all
        select 'pg_type'::regclass, c.reltype, true
        from pg_class as c
        where w.class = 'pg_class'::regclass and c.oid = w.object and c.reltype <> 0
        union all
        -- The columns of a composite type.
        select 'pg_class'::regclass, t.typrelid, true
        from pg_type as t
        where w.class = 'pg_type'::regclass and t.oid = w.object and t.typrelid <> 0
        union all
        select 'pg_opclass'::regclass, o.oid, false
        from pg_index as i
        inner join pg_opclass as o
            on o.oid = any (i.indclass)
        where w.class = 'pg_class'::regclass and i.indrelid = w.object and o.oid >= 16384
        union all
        -- The checks of a domain, the conversions of a type, and how its values are compared.
        select 'pg_constraint'::regclass, k.oid, true
        from pg_constraint as k
        where not w.member and w.class = 'pg_type'::regclass and k.contypid = w.object
        union all
        select 'pg_cast'::regclass, c.oid, true
        from pg_cast as c
        where not w.member and w.class = 'pg_type'::regclass and w.object in (c.castsource, c.casttarget)
        union all
        select 'pg_opclass'::regclass, o.oid, false
        from pg_opclass as o
        where not w.member and w.class = 'pg_type'::regclass and o.opcintype = w.object
        union all
        select 'pg_amproc'::regclass, a.oid, false
        from pg_amproc as a
        where not w.member and w.class = 'pg_opfamily'::regclass and a.amprocfamily = w.object
        union all
        select 'pg_amop'::regclass, a.oid, false
        from pg_amop as a
        where not w.member and w.class = 'pg_opfamily'::regclass and a.amopfamily = w.object
        union all
        -- The server's own functions and relations, by the stored trees.
        select
            case when m.match[1] = 'relid' then 'pg_class'::regclass else 'pg_proc'::regclass end,
            m.match[2]::oid,
            true
        from (
            select r.ev_action::text as tree
            from pg_rewrite as r
            where w.class = 'pg_rewrite'::regclass and r.oid = w.object
            union all
            select p.polqual::text
            from pg_policy as p
            where w.class = 'pg_policy'::regclass and p.oid = w.object
            union all
            select k.conbin::text
            from pg_constraint as k
            where w.class = 'pg_constraint'::regclass and k.oid = w.object
            union all
            select e.adbin::text
            from pg_attrdef as e
            where w.class = 'pg_attrdef'::regclass and e.oid = w.object
            union all
            select concat(p.prosqlbody::text, p.proargdefaults::text)
            from pg_proc as p
            where w.class = 'pg_proc'::regclass and p.oid = w.object and w.object >= 16384
        ) as t
        cross join lateral regexp_matches(
            t.tree, ':(relid|funcid|opfuncid|aggfnoid|winfnoid) (\d+)', 'g'
        ) as m (match)
        where m.match[2]::bigint between 1 and 16383
        union all
        -- The words of a function's body. Those of an extension's function are its own business, but
        -- for what users have put before the extension.
        select found.class, found.object, true
        from pg_proc as p
        inner join pg_language as l
            on l.oid = p.prolang and l.lanname in ('sql', 'plpgsql')
        cross join lateral (
            select distinct unnest(array[t.match[1], lower(t.match[1])])::name as word
            from regexp_matches(
                p.prosrc,
                -- Words in any script and signs: what begins with a letter is not asked.
                '[^\x01-\x23\x25-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f]+|[-+*/<>=~!@#%^&|`?]+',
                'g'
            ) as t (match)
            union
            -- Names in quotes, wherever quotes begin.
            select q.part::name
            from regexp_split_to_table(p.prosrc, '"') as q (part)
            where length(q.part) < 64
        ) as words
        cross join lateral (
            select 'pg_proc'::regclass as class, f.oid as object
            from pg_proc as f
            where f.proname = words.word
            union all
            select 'pg_operator'::regclass, o.oid
            from pg_operator as o
            where o.oprname = words.word and o.oid >= 16384
            union all
            select 'pg_class'::regclass, c.oid
            from pg_class as c
            where c.relname = words.word and c.relkind in ('r', 'v', 'f', 'p')
            union all
            select 'pg_type'::regclass, y.oid
            from pg_type as y
            where y.typname = words.word and y.oid >= 16384
        ) as found
        where w.class = 'pg_proc'::regclass
            and p.oid = w.object
            and p.oid >= 16384
            and p.prosqlbody is null
            and (
                not w.member
                or found.object >= 16384
                    and found.class in ('pg_proc'::regclass, 'pg_operator'::regclass)
                    and not exists (
                        select from pg_depend as m
                        where m.classid = found.class and m.objid = found.object and m.deptype = 'e'
                    )
            )
    ) as next
)

select
    'function' as kind,
    n.nspname as schema,
    p.proname as name,
    bool_or(w.call) as call,
    p.oid::regprocedure::text as signature,
    p.pronargs as arguments,
    p.oid < 16384 as core,
    e.extname as extension,
    l.lanname as language,
    l.lanpltrusted or l.lanname in ('c', 'internal') and (p.oid < 16384 or e.oid is not null) as trusted,
    p.provolatile = 'v' as volatile,
    p.prosecdef as security_definer,
    p.prokind = 'a' as aggregate,
    'internal'::regtype = any (p.proargtypes) as internal,
    case when l.lanname = 'internal' then p.prosrc else '' end as source,
    coalesce(p.proconfig::text like '%search_path=%', false) as pinned_path,
    -- A text that is put together while it runs, or a name that is not spelled out.
    e.oid is null and p.oid >= 16384
    and p.prosrc ~* '\mexecute\M|u&"|""' as dynamic
from walk as w
inner join pg_proc as p
    on w.class = 'pg_proc'::regclass and p.oid = w.object
inner join pg_namespace as n
    on n.oid = p.pronamespace
inner join pg_language as l
    on l.oid = p.prolang
left join pg_depend as m
    on m.classid = 'pg_proc'::regclass and m.objid = p.oid and m.deptype = 'e'
left join pg_extension as e
    on e.oid = m.refobjid
group by p.oid, n.nspname, l.lanname, l.lanpltrusted, e.oid, e.extname
union all
select distinct
    'relation', n.nspname, c.relname, true, c.oid::regclass::text, 0, c.oid < 16384, null, null,
    true, false, false, false, false, '', false, false
from walk as w
inner join pg_class as c
    on w.class = 'pg_class'::regclass and c.oid = w.object
inner join pg_namespace as n
    on n.oid = c.relnamespace
union all
select distinct
    'foreign table', n.nspname, c.relname, true, c.oid::regclass::text, 0, false, null, null,
    true, false, false, false, false, '', false, false
from walk as w
inner join pg_class as c
    on w.class = 'pg_class'::regclass and c.oid = w.object and c.relkind = 'f'
inner join pg_namespace as n
    on n.oid = c.relnamespace
union all
-- Settings that have a value in this session and may be secrets; which are, their names say.
select
    'setting', 'pg_catalog', s.name, true, s.name, 0, true, null, null,
    true, false, false, false, false, '', false, false
from (
    select f.name
    from unnest(array['primary_conninfo', 'ssl_passphrase_command']) as f (name)
    where case
        when pg_has_role('pg_read_all_settings', 'usage') then current_setting(f.name, true) <> ''
    end
    union
    select split_part(c.setting, '=', 1)
    from pg_db_role_setting as r
    cross join unnest(r.setconfig) as c (setting)
    where r.setdatabase in (0, (select d.oid from pg_database as d where d.datname = current_database()))
        and r.setrole in (0, to_regrole(quote_ident(session_user)))
) as s (name)
order by kind, core desc, schema, name, signature
