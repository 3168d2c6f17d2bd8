-- How many of the connections that the server allows are taken.
--
-- Client sessions against max_connections without the slots kept for superusers and, from
-- PostgreSQL 16, for pg_use_reserved_connections; walsenders and background workers have slots of
-- their own. Without pg_read_all_stats the kind and state of other roles' sessions are not shown:
-- then all that have a role and a database are counted. The roles and databases with most sessions
-- are in the details. Catalogs: pg_stat_activity, settings. Thresholds: connection_usage_warning
-- (80 %) and connection_usage_critical (90 %). Source: check_postgres (90 and 95 %), with time left
-- to act; the slots are those of InitPostgres() in postinit.c.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_connection_usage_warning')::double precision
            as warning,
        pg_catalog.current_setting('mcp_advisor.health_connection_usage_critical')::double precision
            as critical,
        pg_catalog.current_setting('max_connections')::integer
            - pg_catalog.current_setting('superuser_reserved_connections')::integer
            - coalesce(
                pg_catalog.current_setting('reserved_connections', true), '0'
            )::integer as usable,
        pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage') as sees_all
),

session as materialized (
    select
        coalesce(a.usename::text, a.usesysid::text) as role,
        a.datname::text as database,
        a.state
    from pg_catalog.pg_stat_activity as a
    cross join limits as l
    where a.usesysid is not null
        and a.datid is not null
        and (a.backend_type = 'client backend' or a.backend_type is null and not l.sees_all)
),

-- The ten largest of each; the rest is in the total.
by_role as (
    select
        pg_catalog.jsonb_agg(
            pg_catalog.jsonb_build_object('role', r.role, 'sessions', r.sessions)
            order by r.sessions desc, r.role
        ) as sessions
    from (
        select s.role, pg_catalog.count(*) as sessions
        from session as s
        group by s.role
        order by 2 desc, 1
        limit 10
    ) as r
),

by_database as (
    select
        pg_catalog.jsonb_agg(
            pg_catalog.jsonb_build_object('database', d.database, 'sessions', d.sessions)
            order by d.sessions desc, d.database
        ) as sessions
    from (
        select s.database, pg_catalog.count(*) as sessions
        from session as s
        group by s.database
        order by 2 desc, 1
        limit 10
    ) as d
),

counted as (
    select
        pg_catalog.count(*) as used,
        pg_catalog.count(*) filter (where s.state = 'active') as active,
        pg_catalog.count(*) filter (where s.state = 'idle') as idle,
        pg_catalog.count(*) filter (where s.state like 'idle in transaction%')
            as idle_in_transaction
    from session as s
),

used as (
    select
        c.*,
        l.*,
        100.0 * c.used / greatest(l.usable, 1) as percent
    from counted as c
    cross join limits as l
)

select
    case
        when u.percent >= u.critical then 'critical'
        when u.percent >= u.warning then 'warning'
        else 'ok'
    end as severity,
    null as object,
    pg_catalog.round(u.percent, 1)::double precision as value,
    '%' as unit,
    u.warning || ' %' as threshold,
    pg_catalog.format(
        '%s of %s connections are taken%s', u.used, u.usable,
        case when u.percent >= u.warning then
            ': put a connection pooler in front of the server, or end sessions that are idle'
        end
    ) as message,
    case when u.percent >= u.warning then
        'SELECT pid, usename, application_name, client_addr, state, state_change '
        'FROM pg_catalog.pg_stat_activity WHERE state = ''idle'' ORDER BY state_change;'
    end as remediation,
    pg_catalog.jsonb_build_object(
        'used', u.used, 'usable', u.usable, 'by_role', r.sessions, 'by_database', d.sessions,
        'risk', 'safe'
    ) || case
        when u.sees_all then pg_catalog.jsonb_build_object(
            'active', u.active, 'idle', u.idle, 'idle_in_transaction', u.idle_in_transaction
        )
        else '{"states": "shown to members of pg_read_all_stats only"}'
    end as details
from used as u
cross join by_role as r
cross join by_database as d
