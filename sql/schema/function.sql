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
        'leakproof', case when f.proleakproof then true end,
        'security_definer', f.prosecdef,
        'settings', pg_catalog.to_jsonb(f.proconfig),
        'cost', case when f.procost <> 100 and f.prokind <> 'a' then f.procost end,
        'rows', case when f.proretset then f.prorows end,
        'owner', pg_catalog.pg_get_userbyid(f.proowner),
        'execute', pg_catalog.has_function_privilege(f.oid, 'execute'),
        'acl', pg_catalog.to_jsonb(f.proacl::text[]),
        'aggregate', (
            select pg_catalog.jsonb_build_object(
                'transition', a.aggtransfn::pg_catalog.regprocedure::text,
                'state', pg_catalog.format_type(a.aggtranstype, null),
                'initial', a.agginitval,
                'final', nullif(a.aggfinalfn::pg_catalog.oid, 0)::pg_catalog.regprocedure::text,
                'combine', nullif(a.aggcombinefn::pg_catalog.oid, 0)::pg_catalog.regprocedure::text,
                'moving_transition',
                    nullif(a.aggmtransfn::pg_catalog.oid, 0)::pg_catalog.regprocedure::text,
                'sort_operator', nullif(a.aggsortop, 0)::pg_catalog.regoperator::text
            )
            from pg_catalog.pg_aggregate as a
            where a.aggfnoid = f.oid
        ),
        -- What a body reads is in the catalog only where it was parsed: begin atomic.
        'reads', (
            select pg_catalog.jsonb_agg(distinct
                pg_catalog.pg_describe_object(d.refclassid, d.refobjid, 0)
            )
            from pg_catalog.pg_depend as d
            where d.classid = f.tableoid
                and d.objid = f.oid
                and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
        ),
        'used_by', (
            select pg_catalog.jsonb_agg(distinct case
                when r.rulename = '_RETURN' then pg_catalog.pg_describe_object(
                    'pg_catalog.pg_class'::pg_catalog.regclass, r.ev_class, 0
                )
                else pg_catalog.pg_describe_object(d.classid, d.objid, 0)
            end)
            from pg_catalog.pg_depend as d
            left join pg_catalog.pg_rewrite as r
                on d.classid = r.tableoid and d.objid = r.oid
            where d.refclassid = f.tableoid and d.refobjid = f.oid
        ),
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
