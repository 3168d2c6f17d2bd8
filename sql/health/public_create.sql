-- Schemas in which everybody may create objects.
--
-- Where such a schema is on the search path of others, a function or table made in it is taken for
-- theirs (CVE-2018-1058). Warning for those on a default search path (of the server, or set for a
-- role or this database), info for the rest. Until PostgreSQL 14 the schema public of a new
-- database was so. Catalogs: pg_namespace, pg_settings, pg_db_role_setting, pg_database.
-- Thresholds: none. Source: the manual, "Usage Patterns" of schemas.
with open as materialized (
    select n.oid, n.nspname, n.nspowner
    from pg_catalog.pg_namespace as n
    cross join lateral pg_catalog.aclexplode(
        coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))
    ) as a
    where a.grantee = 0
        and a.privilege_type = 'CREATE'
        and n.nspname !~ '^pg_temp_|^pg_toast_temp_'
),

paths (path) as (
    select s.reset_val
    from pg_catalog.pg_settings as s
    where s.name = 'search_path'

    union all

    select pg_catalog.substr(c.text, pg_catalog.length('search_path=') + 1)
    from pg_catalog.pg_db_role_setting as d
    cross join lateral pg_catalog.unnest(d.setconfig) as c (text)
    where c.text like 'search\_path=%'
        and (
            d.setdatabase = 0
            or d.setdatabase = (
                select o.oid
                from pg_catalog.pg_database as o
                where o.datname = pg_catalog.current_database()
            )
        )
),

-- A quoted name, with its quotes doubled, or a plain one.
on_path as (
    select coalesce(pg_catalog.replace(m.names[1], '""', '"'), pg_catalog.lower(m.names[2])) as name
    from paths as p
    cross join lateral pg_catalog.regexp_matches(
        p.path, '"((?:[^"]|"")*)"|([^,"\s]+)', 'g'
    ) as m (names)
)

select
    case when o.nspname in (select p.name from on_path as p) then 'warning' else 'info' end
        as severity,
    pg_catalog.quote_ident(o.nspname) as object,
    null::double precision as value,
    null as unit,
    'no CREATE for PUBLIC' as threshold,
    case when o.nspname in (select p.name from on_path as p)
        then 'is on the search path, and every role may create objects in it'
        else 'every role may create objects in it'
    end as message,
    pg_catalog.format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC;', o.nspname) as remediation,
    pg_catalog.jsonb_build_object(
        'owner', pg_catalog.pg_get_userbyid(o.nspowner), 'risk', 'safe'
    ) as details
from open as o
order by 1 desc, 2
