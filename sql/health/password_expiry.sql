-- Login roles whose password ends soon, or has ended.
--
-- VALID UNTIL is about the password only: a role that logs in by another method (peer, a
-- certificate, trust) is not kept out by it. Catalogs: pg_roles. Thresholds:
-- password_expiry_warning (14 days); password_expiry_renewal (90 days): how long the proposed term
-- is. Source: the manual, "CREATE ROLE".
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_password_expiry_warning')::interval
            as warning,
        pg_catalog.current_setting('mcp_advisor.health_password_expiry_renewal')::interval
            as renewal
),

found as (
    select
        r.rolname,
        r.rolvaliduntil,
        l.*,
        r.rolvaliduntil <= pg_catalog.now() as ended,
        extract(epoch from r.rolvaliduntil - pg_catalog.now()) / 86400 as days
    from pg_catalog.pg_roles as r
    cross join limits as l
    where r.rolcanlogin
        and pg_catalog.isfinite(r.rolvaliduntil)
        and r.rolvaliduntil < pg_catalog.now() + l.warning
)

select
    case when f.ended then 'info' else 'warning' end as severity,
    pg_catalog.quote_ident(f.rolname) as object,
    pg_catalog.round(f.days, 1)::double precision as value,
    'days' as unit,
    f.warning::text as threshold,
    case
        when f.ended
            then pg_catalog.format(
                'has a password that ended on %s: it can log in by other methods only. Give it a '
                'new one with a new VALID UNTIL, or take LOGIN from it',
                pg_catalog.to_char(f.rolvaliduntil, 'YYYY-MM-DD HH24:MI OF')
            )
        else pg_catalog.format(
            'cannot log in by password after %s: set a new password with the new term',
            pg_catalog.to_char(f.rolvaliduntil, 'YYYY-MM-DD HH24:MI OF')
        )
    end as message,
    case when not f.ended then pg_catalog.format(
        'ALTER ROLE %I VALID UNTIL %L;', f.rolname,
        pg_catalog.to_char(
            greatest(f.rolvaliduntil, pg_catalog.now()) + f.renewal, 'YYYY-MM-DD HH24:MI:SSOF'
        )
    ) end as remediation,
    pg_catalog.jsonb_build_object(
        'role', f.rolname, 'valid_until', f.rolvaliduntil, 'risk', 'safe'
    ) as details
from found as f
order by f.ended, f.days, f.rolname
