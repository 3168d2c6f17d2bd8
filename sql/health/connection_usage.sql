-- How many of the connections that the server allows are taken.
--
-- Client sessions against max_connections without the slots kept for superusers and, from
-- PostgreSQL 16, for pg_use_reserved_connections. Without pg_read_all_stats the kind of another
-- session is not shown, so all that are connected to a database are counted. Catalogs:
-- pg_stat_activity, pg_stat_database, settings. Thresholds: connection_usage_warning (80 %) and
-- connection_usage_critical (90 %). Source: check_postgres (90 and 95 %), with time left to act.
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
            )::integer as usable
),

counted as (
    select
        case
            when pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage')
                then pg_catalog.count(*) filter (where a.backend_type = 'client backend')
            else (select pg_catalog.sum(d.numbackends) from pg_catalog.pg_stat_database as d)
        end as used,
        pg_catalog.count(*) filter (where a.state = 'active' and a.backend_type = 'client backend')
            as active,
        pg_catalog.count(*) filter (where a.state = 'idle') as idle,
        pg_catalog.count(*) filter (where a.state like 'idle in transaction%')
            as idle_in_transaction
    from pg_catalog.pg_stat_activity as a
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
        'FROM pg_stat_activity WHERE state = ''idle'' ORDER BY state_change;'
    end as remediation,
    pg_catalog.jsonb_build_object(
        'used', u.used, 'usable', u.usable, 'active', u.active, 'idle', u.idle,
        'idle_in_transaction', u.idle_in_transaction, 'risk', 'safe'
    ) as details
from used as u
