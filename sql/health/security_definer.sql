-- Functions that run as a superuser with the search path of their caller.
--
-- Whoever calls one decides by search_path which objects the names in it mean, and so what is done
-- as superuser. Only those that others than the owner may call; not those in C or of an extension,
-- and not bodies of standard SQL, whose names are bound when the function is made. Catalogs:
-- pg_proc, pg_language, pg_roles, pg_depend. Thresholds: none. Source: the manual, "Writing
-- SECURITY DEFINER Functions Safely".
select
    'info' as severity,
    pg_catalog.format(
        '%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)
    ) as object,
    null::double precision as value,
    null as unit,
    'SET search_path' as threshold,
    pg_catalog.format(
        'runs as the superuser %I with the search path of the caller, who can so make it run '
        'objects of his own', r.rolname
    ) as message,
    pg_catalog.format(
        'ALTER ROUTINE %I.%I(%s) SET search_path = pg_catalog, %I, pg_temp;',
        n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid), n.nspname
    ) as remediation,
    pg_catalog.jsonb_build_object(
        'owner', r.rolname, 'oid', p.oid::bigint, 'language', l.lanname, 'risk', 'safe'
    ) as details
from pg_catalog.pg_proc as p
inner join pg_catalog.pg_roles as r
    on r.oid = p.proowner
inner join pg_catalog.pg_namespace as n
    on n.oid = p.pronamespace
inner join pg_catalog.pg_language as l
    on l.oid = p.prolang
where p.prosecdef
    and r.rolsuper
    and p.prosqlbody is null
    and l.lanname not in ('c', 'internal')
    and n.nspname not in ('pg_catalog', 'information_schema')
    and not exists (
        select
        from pg_catalog.unnest(p.proconfig) as c (text)
        where c.text like 'search\_path=%'
    )
    and (
        p.proacl is null
        or exists (
            select
            from pg_catalog.aclexplode(p.proacl) as a
            where a.grantee <> p.proowner and a.privilege_type = 'EXECUTE'
        )
    )
    and not exists (
        select
        from pg_catalog.pg_depend as d
        where d.classid = 'pg_catalog.pg_proc'::regclass
            and d.objid = p.oid
            and d.deptype = 'e'
    )
order by 2
