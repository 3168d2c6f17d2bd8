-- One extension as JSON, whatever its schema.
--
-- $1: not used, as extensions are not in schemas; $2: name, unquoted; $3: extension. No row when
-- there is none.
select pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
    'name', e.extname,
    'kind', 'extension',
    'schema', n.nspname,
    'owner', pg_catalog.pg_get_userbyid(e.extowner),
    'version', e.extversion,
    'default_version', (
        select a.default_version
        from pg_catalog.pg_available_extensions as a
        where a.name = e.extname
    ),
    'relocatable', e.extrelocatable,
    'description', pg_catalog.obj_description(e.oid, 'pg_extension'),
    'requires', (
        select pg_catalog.jsonb_agg(r.extname order by r.extname)
        from pg_catalog.pg_depend as d
        join pg_catalog.pg_extension as r
            on r.oid = d.refobjid
        where d.classid = e.tableoid and d.objid = e.oid and d.refclassid = e.tableoid
    ),
    'objects', (
        select pg_catalog.jsonb_agg(o.name order by o.name)
        from (
            select pg_catalog.pg_describe_object(d.classid, d.objid, 0) as name
            from pg_catalog.pg_depend as d
            where d.refclassid = e.tableoid and d.refobjid = e.oid and d.deptype = 'e'
        ) as o
    )
)) as object
from pg_catalog.pg_extension as e
join pg_catalog.pg_namespace as n
    on n.oid = e.extnamespace
where e.extname = $2 and $3 = 'extension' and $1::text is not null
