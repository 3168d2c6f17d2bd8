-- Roles and databases whose own connection limit is nearly used up.
--
-- Client sessions against rolconnlimit and datconnlimit. -1 is no limit, 0 closes the door on
-- purpose, -2 marks an invalid database. Superusers are exempt from both, so they have no limit of
-- their own, but their sessions count towards that of the database. Catalogs: pg_stat_activity,
-- pg_roles, pg_database. Thresholds: connection_limit_warning (80 %), connection_limit_critical
-- (90 %), the same as of the whole server; connection_limit_least (5): a smaller limit is one that
-- somebody means to use up. Source: InitializeSessionUserId() in miscinit.c and
-- CheckMyDatabase() in postinit.c. Needs no privilege.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_connection_limit_warning')::double precision
            as warning,
        pg_catalog.current_setting('mcp_advisor.health_connection_limit_critical')::double precision
            as critical,
        pg_catalog.current_setting('mcp_advisor.health_connection_limit_least')::bigint as least
),

-- Of sessions that are not shown the kind is NULL.
session as materialized (
    select a.usesysid, a.datid
    from pg_catalog.pg_stat_activity as a
    where a.usesysid is not null
        and a.datid is not null
        and coalesce(a.backend_type, 'client backend') = 'client backend'
),

limited as (
    select
        'ROLE' as kind,
        r.rolname as name,
        r.rolconnlimit as allowed,
        pg_catalog.count(*) as used
    from session as s
    join pg_catalog.pg_roles as r
        on r.oid = s.usesysid
    where r.rolconnlimit > 0
        and not r.rolsuper
    group by r.rolname, r.rolconnlimit

    union all

    select
        'DATABASE',
        d.datname,
        d.datconnlimit,
        pg_catalog.count(*)
    from session as s
    join pg_catalog.pg_database as d
        on d.oid = s.datid
    where d.datconnlimit > 0
    group by d.datname, d.datconnlimit
),

used as (
    select
        m.*,
        l.*,
        100.0 * m.used / m.allowed as percent
    from limited as m
    cross join limits as l
    where m.allowed >= l.least
)

select
    case when u.percent >= u.critical then 'critical' else 'warning' end as severity,
    pg_catalog.format('%s %I', pg_catalog.lower(u.kind), u.name) as object,
    pg_catalog.round(u.percent, 1)::double precision as value,
    '%' as unit,
    u.warning || ' %' as threshold,
    pg_catalog.format(
        '%s of the %s connections that it may have are taken: raise its limit, or end sessions'
        ' that are idle',
        u.used, u.allowed
    ) as message,
    pg_catalog.format(
        'ALTER %s %I CONNECTION LIMIT %s;', u.kind, u.name, 2 * greatest(u.used, u.allowed)
    ) as remediation,
    pg_catalog.jsonb_build_object(
        'used', u.used, 'limit', u.allowed,
        'max_connections', pg_catalog.current_setting('max_connections')::integer,
        'risk', 'safe'
    ) as details
from used as u
where u.percent >= u.warning
order by 3 desc, 2
