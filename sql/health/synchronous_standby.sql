-- Fewer synchronous standbys than synchronous_standby_names asks for: every commit that wants to be
-- confirmed by them waits until they are there.
--
-- The setting is FIRST n (names), ANY n (names), n (names), or a list of names of which one is
-- needed. Connected ones are those that the server itself counts (sync_state sync or quorum). What
-- the setting synchronous_commit says by default decides whether commits wait at all: without it
-- (off, local) it is a warning. A standby asks nobody. Catalogs: pg_stat_replication, pg_settings,
-- pg_stat_activity. Threshold: none but what the server's setting asks for. Source: syncrep_gram.y
-- and syncrep.c; manual, "Synchronous Replication". Needs pg_read_all_stats (pg_monitor).
with asked as (
    select
        n.names,
        coalesce(
            (pg_catalog.regexp_match(n.names, '^\s*(?:(?:first|any)\s*)?(\d+)\s*\(', 'i'))[1], '1'
        )::integer as required,
        (
            select s.reset_val not in ('off', 'local')
            from pg_catalog.pg_settings as s
            where s.name = 'synchronous_commit'
        ) as waits,
        pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage') as visible
    from (select pg_catalog.current_setting('synchronous_standby_names') as names) as n
    where n.names !~ '^\s*$'
        and not pg_catalog.pg_is_in_recovery()
),

counted as (
    select
        a.*,
        (
            select pg_catalog.count(*)
            from pg_catalog.pg_stat_replication as r
            where r.sync_state in ('sync', 'quorum')
        ) as connected,
        (
            select pg_catalog.count(*)
            from pg_catalog.pg_stat_activity as s
            where s.wait_event = 'SyncRep'
        ) as waiting
    from asked as a
    where a.visible
)

select
    case
        when c.connected >= c.required then 'ok'
        when c.waits then 'critical'
        else 'warning'
    end as severity,
    null as object,
    c.connected::double precision as value,
    'standbys' as unit,
    c.required || ' by synchronous_standby_names' as threshold,
    pg_catalog.format(
        '%s of %s synchronous standbys that %s asks for %s connected%s',
        c.connected,
        c.required,
        c.names,
        case when c.required = 1 then 'is' else 'are' end,
        case
            when c.connected >= c.required then null
            when c.waits then pg_catalog.format(
                ': commits wait for them, %s sessions do now; start them, or ask for fewer until '
                'they are back', c.waiting
            )
            else ': commits wait for them wherever synchronous_commit is on'
        end
    ) as message,
    case
        when c.connected >= c.required then null
        when c.connected = 0
            then 'ALTER SYSTEM SET synchronous_standby_names = ''''; '
                'SELECT pg_catalog.pg_reload_conf();'
        else pg_catalog.format(
            'ALTER SYSTEM SET synchronous_standby_names = %L; SELECT pg_catalog.pg_reload_conf();',
            pg_catalog.regexp_replace(c.names, '\d+(?=\s*\()', c.connected::text)
        )
    end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', 'data_loss', 'names', c.names, 'required', c.required, 'connected', c.connected,
        'waiting', c.waiting, 'synchronous_by_default', c.waits
    ) || case
        when c.connected >= c.required then '{}'
        else pg_catalog.jsonb_build_object(
            'consequence', 'commits are then on fewer servers: a crash of this one can lose them'
        )
    end as details
from counted as c

union all

select
    'info',
    null,
    null,
    null,
    'pg_read_all_stats',
    'synchronous standbys are asked for, but the state of standbys is not shown to this role',
    pg_catalog.format('GRANT pg_monitor TO %I;', current_user),
    '{"ran": false, "risk": "safe"}'
from asked as a
where not a.visible
