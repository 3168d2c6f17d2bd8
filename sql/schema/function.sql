-- The functions of one name as JSON, procedures, aggregates and window functions among them.
--
-- $1: schema; $2: name, unquoted, or the name with the types of its arguments, as in
-- area(integer, text), for one of several; $3: function. No row when there is none.
with named as (
    select
        f.*,
        n.nspname,
        f.tableoid,
        l.lanname
    from pg_catalog.pg_proc as f
    join pg_catalog.pg_namespace as n
        on n.oid = f.pronamespace
    join pg_catalog.pg_language as l
        on l.oid = f.prolang
    where n.nspname = $1
        and (
            f.proname = $2
            or pg_catalog.format('%s(%s)', f.proname, pg_catalog.oidvectortypes(f.proargtypes)) = $2
            or pg_catalog.format(
                '%s(%s)', f.proname, pg_catalog.pg_get_function_identity_arguments(f.oid)
            ) = $2
        )
        and $3 = 'function'
)

select pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
    'schema', f.nspname,
    'name', f.proname,
    'kind', 'function',
    'overloads', pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
        'signature', pg_catalog.format(
            '%I(%s)', f.proname, pg_catalog.oidvectortypes(f.proargtypes)
        ),
        'type', case f.prokind
            when 'p' then 'procedure' when 'a' then 'aggregate' when 'w' then 'window function'
            else 'function'
        end,
        'arguments', pg_catalog.pg_get_function_arguments(f.oid),
        'returns', pg_catalog.pg_get_function_result(f.oid),
        'language', f.lanname,
        'volatility', case f.provolatile
            when 'i' then 'immutable' when 's' then 'stable' else 'volatile'
        end,
        'parallel', case f.proparallel
            when 's' then 'safe' when 'r' then 'restricted' else 'unsafe'
        end,
        'strict', f.proisstrict,
        'security_definer', f.prosecdef,
        'owner', pg_catalog.pg_get_userbyid(f.proowner),
        'execute', pg_catalog.has_function_privilege(f.oid, 'execute'),
        'extension', (
            select e.extname
            from pg_catalog.pg_depend as d
            join pg_catalog.pg_extension as e
                on e.oid = d.refobjid
            where d.classid = f.tableoid
                and d.objid = f.oid
                and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                and d.deptype = 'e'
        ),
        'description', pg_catalog.obj_description(f.oid, 'pg_proc')
    ) order by f.oid),
    'definition', pg_catalog.string_agg(
        case when f.prokind <> 'a' then pg_catalog.pg_get_functiondef(f.oid) end, E'\n'
        order by f.oid
    )
)) as object
from named as f
group by f.nspname, f.proname
