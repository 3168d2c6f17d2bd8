-- Login roles that are superusers besides the one that the cluster was made with.
--
-- No check of privileges stops them, and they can run programs on the server. The owner of this
-- database is left out. Catalogs: pg_roles, pg_database. Threshold: superuser_most (3): with more
-- of them each is a warning, below an info. Source: the manual, "Role Attributes"; PostgreSQL CIS
-- benchmark (no superuser but for administration).
with found as materialized (
    select
        r.oid,
        r.rolname,
        pg_catalog.count(*) over () as others,
        pg_catalog.current_setting('mcp_advisor.health_superuser_most')::bigint as most
    from pg_catalog.pg_roles as r
    where r.rolsuper
        and r.rolcanlogin
        -- BOOTSTRAP_SUPERUSERID.
        and r.oid <> 10
        and r.oid <> (
            select d.datdba
            from pg_catalog.pg_database as d
            where d.datname = pg_catalog.current_database()
        )
)

select
    case when f.others > f.most then 'warning' else 'info' end as severity,
    pg_catalog.quote_ident(f.rolname) as object,
    f.others::double precision as value,
    'superusers' as unit,
    'at most ' || f.most as threshold,
    'can do everything, on the server''s files too: unless it needs that, take it away and grant '
    'what it needs' as message,
    pg_catalog.format('ALTER ROLE %I NOSUPERUSER;', f.rolname) as remediation,
    pg_catalog.jsonb_build_object('role', f.rolname, 'oid', f.oid::bigint, 'risk', 'safe')
        as details
from found as f
order by f.rolname
