-- Whether sessions that have long done nothing take many of the connections.
--
-- Client sessions idle outside a transaction for longer than idle_session_age, against
-- max_connections without the slots that are kept back. Catalogs: pg_stat_activity, settings.
-- Thresholds: idle_session_age (1 hour), idle_session_percent (30 %). Source: pg_view and PgHero
-- list them; each costs some MB and a place in every snapshot (GetSnapshotData() in procarray.c).
-- Needs pg_read_all_stats (pg_monitor) to see other roles' sessions.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_idle_session_age')::interval as age,
        pg_catalog.current_setting('mcp_advisor.health_idle_session_percent')::double precision
            as percent,
        pg_catalog.current_setting('max_connections')::integer
            - pg_catalog.current_setting('superuser_reserved_connections')::integer
            - coalesce(
                pg_catalog.current_setting('reserved_connections', true), '0'
            )::integer as usable
),

idle as (
    select
        coalesce(a.usename::text, a.usesysid::text) as role,
        a.datname as database,
        a.application_name as application,
        pg_catalog.count(*) as sessions,
        pg_catalog.min(a.state_change) as since
    from pg_catalog.pg_stat_activity as a
    cross join limits as l
    where a.state = 'idle'
        and a.backend_type = 'client backend'
        and a.pid <> pg_catalog.pg_backend_pid()
        and a.state_change <= pg_catalog.clock_timestamp() - l.age
    group by 1, 2, 3
),

counted as (
    select
        pg_catalog.sum(i.sessions) as sessions,
        100 * pg_catalog.sum(i.sessions) / greatest(l.usable, 1) as percent_idle,
        pg_catalog.min(i.since) as since,
        pg_catalog.jsonb_agg(pg_catalog.to_jsonb(i) order by i.sessions desc, i.role)
            filter (where i.place <= 10) as clients,
        l.age,
        l.percent,
        l.usable
    from (
        select
            i.*,
            pg_catalog.row_number() over (order by i.sessions desc, i.role) as place
        from idle as i
    ) as i
    cross join limits as l
    group by l.age, l.percent, l.usable
)

select
    'info' as severity,
    null as object,
    pg_catalog.round(c.percent_idle, 1)::double precision as value,
    '%' as unit,
    c.percent || ' %' as threshold,
    pg_catalog.format(
        '%s of %s connections have been idle for longer than %s: make the pools of their '
        'applications smaller, or set idle_session_timeout for their roles',
        c.sessions, c.usable, c.age
    ) as message,
    pg_catalog.format(
        'SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity AS a '
        'WHERE a.state = ''idle'' AND a.backend_type = ''client backend'' '
        'AND a.pid <> pg_catalog.pg_backend_pid() '
        'AND a.state_change <= pg_catalog.now() - %L::interval;',
        c.age
    ) as remediation,
    pg_catalog.jsonb_build_object(
        'idle', c.sessions, 'usable', c.usable, 'oldest', c.since, 'clients', c.clients,
        'risk', 'ends_session'
    ) as details
from counted as c
where c.percent_idle >= c.percent

union all

select
    'info',
    null,
    null,
    null,
    'pg_read_all_stats',
    'only sessions of the own role could be checked: those of others are not shown to it',
    pg_catalog.format('GRANT pg_monitor TO %I;', current_user),
    '{"ran": false, "risk": "safe"}'
where not pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage')
