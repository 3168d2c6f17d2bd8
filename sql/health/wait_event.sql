-- What active sessions wait for, sampled over a short window.
--
-- Each sample looks at the wait events of all client sessions, which are read as they are at that
-- moment; a session that waits for its client is idle. Waits for locks, lightweight locks, buffer
-- pins, the disk and synchronous standbys are counted: more sessions do not help there. It holds
-- nothing while it sleeps, and where too few sessions are active at first, it does not sample.
-- Catalogs: pg_stat_get_activity(), the function of pg_stat_activity. Thresholds: wait_event_info
-- (50 % of the time of active sessions), wait_event_sessions (4 active ones on average),
-- wait_event_samples (20) within wait_event_window (120 ms). Source: the manual on wait events;
-- sampling as pg_wait_sampling does. Needs pg_read_all_stats (pg_monitor).
with limits as materialized (
    select
        pg_catalog.current_setting('mcp_advisor.health_wait_event_info')::double precision
            as most,
        pg_catalog.current_setting('mcp_advisor.health_wait_event_sessions')::double precision
            as sessions,
        pg_catalog.current_setting('mcp_advisor.health_wait_event_samples')::bigint as samples,
        pg_catalog.current_setting('mcp_advisor.health_wait_event_window')::double precision
            as window_ms
),

busy as materialized (
    select pg_catalog.count(*) >= l.sessions as enough
    from limits as l
    left join pg_catalog.pg_stat_get_activity(null) as a
        on a.backend_type = 'client backend'
        and a.wait_event_type is distinct from 'Client'
        and a.pid <> pg_catalog.pg_backend_pid()
    group by l.sessions
),

-- The argument is NULL, all processes, after each sleep.
sampled as materialized (
    select
        s.n,
        case
            when a.wait_event_type in ('Lock', 'LWLock', 'IO', 'BufferPin')
                or a.wait_event = 'SyncRep' then a.wait_event_type
        end as type,
        a.wait_event
    from limits as l
    cross join lateral pg_catalog.generate_series(
        1, case when (select b.enough from busy as b) then l.samples else 0 end
    ) as s (n)
    cross join lateral pg_catalog.pg_stat_get_activity(
        nullif(
            pg_catalog.pg_sleep(l.window_ms / 1000 / (l.samples + 0 * s.n))::text, ''
        )::integer
    ) as a
    where a.backend_type = 'client backend'
        and a.wait_event_type is distinct from 'Client'
        and a.pid <> pg_catalog.pg_backend_pid()
),

counted as (
    select
        pg_catalog.count(*) as seen,
        pg_catalog.count(s.type) as waited,
        1.0 * pg_catalog.count(*) / greatest(l.samples, 1) as active,
        100.0 * pg_catalog.count(s.type) / nullif(pg_catalog.count(*), 0) as percent,
        l.*
    from sampled as s
    cross join limits as l
    group by l.most, l.sessions, l.samples, l.window_ms
),

events as (
    select
        pg_catalog.string_agg(
            pg_catalog.format('%s %s %s %%', e.type, e.wait_event, pg_catalog.round(e.percent)),
            ', ' order by e.percent desc, e.wait_event
        ) filter (where e.place <= 3) as worst,
        pg_catalog.jsonb_agg(
            pg_catalog.jsonb_build_object(
                'type', e.type, 'event', e.wait_event, 'percent', pg_catalog.round(e.percent, 1)
            ) order by e.percent desc, e.wait_event
        ) as profile
    from (
        select
            s.type,
            s.wait_event,
            100.0 * pg_catalog.count(*) / c.seen as percent,
            pg_catalog.row_number() over (order by pg_catalog.count(*) desc, s.wait_event) as place
        from sampled as s
        cross join counted as c
        where s.type is not null
        group by s.type, s.wait_event, c.seen
    ) as e
)

select
    'info' as severity,
    null as object,
    pg_catalog.round(c.percent, 1)::double precision as value,
    '% of active time' as unit,
    c.most || ' %' as threshold,
    pg_catalog.format(
        '%s sessions were active on average over %s ms, and waited for most of the time: %s',
        pg_catalog.round(c.active, 1), c.window_ms, e.worst
    ) as message,
    null as remediation,
    pg_catalog.jsonb_build_object(
        'active_sessions', pg_catalog.round(c.active, 1), 'samples', c.samples,
        'window_ms', c.window_ms, 'events', e.profile
    ) as details
from counted as c
cross join events as e
where c.active >= c.sessions
    and c.percent >= c.most

union all

select
    'info',
    null,
    null,
    null,
    'pg_read_all_stats',
    'what sessions wait for is not shown to this role',
    pg_catalog.format('GRANT pg_monitor TO %I;', current_user),
    '{"ran": false, "risk": "safe"}'
where not pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage')
