-- Extensions of this database that are behind what is installed on the server.
--
-- After an update of the packages the library is new and the SQL objects are old until ALTER
-- EXTENSION UPDATE has run in each database. Where no script leads to the default version there is
-- nothing to run. Also extensions whose files are gone: they cannot be restored from a dump.
-- Catalogs: pg_extension, and the control files, read once. Thresholds: none. Source: the manual,
-- "Extension Updates". An update takes locks on what it changes.
with behind as materialized (
    select
        e.extname,
        e.extversion,
        a.default_version,
        a.name is not null as available
    from pg_catalog.pg_extension as e
    left join pg_catalog.pg_available_extensions() as a
        on a.name = e.extname
    where a.name is null or a.default_version <> e.extversion
),

found as (
    select
        b.*,
        case when b.available then (
            select p.path is not null
            from pg_catalog.pg_extension_update_paths(b.extname) as p
            where p.source = b.extversion and p.target = b.default_version
        ) end as reachable
    from behind as b
)

select
    'info' as severity,
    pg_catalog.quote_ident(f.extname) as object,
    null::double precision as value,
    null as unit,
    f.default_version as threshold,
    case
        when not f.available
            then 'is installed in this database, and its files are missing on the server: '
                'install its package'
        when f.reachable
            then pg_catalog.format(
                'is version %s, and the server has %s', f.extversion, f.default_version
            )
        else pg_catalog.format(
            'is version %s, the server has %s and no script that leads there: install the '
            'package of its version, or drop and create it', f.extversion, f.default_version
        )
    end as message,
    case when f.reachable then pg_catalog.format('ALTER EXTENSION %I UPDATE;', f.extname) end
        as remediation,
    pg_catalog.jsonb_build_object(
        'installed', f.extversion, 'available', f.default_version, 'risk', 'locks'
    ) as details
from found as f
order by f.extname
