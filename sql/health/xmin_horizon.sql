-- What keeps VACUUM from removing dead rows: whoever might still have to see them.
--
-- A row for each session, prepared transaction, replication slot and standby
-- (hot_standby_feedback) whose oldest transaction id is too long ago. The own session and those
-- that run VACUUM do not count, as VACUUM does not mind them (ComputeXidHorizons() in
-- procarray.c); parallel workers go with their leader. Slots and standbys have no time. Catalogs:
-- pg_stat_activity, pg_prepared_xacts, pg_replication_slots, pg_stat_replication,
-- pg_stat_progress_vacuum. Thresholds: xmin_horizon_warning (1 hour) or xmin_horizon_warning_ids
-- (10 million), xmin_horizon_critical (24 hours) or xmin_horizon_critical_ids (100 million)
-- transactions. Source: pganalyze (24 hours). Needs pg_read_all_stats (pg_monitor) to see the
-- times of other roles' sessions.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_xmin_horizon_warning')::interval as warning,
        pg_catalog.current_setting('mcp_advisor.health_xmin_horizon_critical')::interval
            as critical,
        pg_catalog.current_setting('mcp_advisor.health_xmin_horizon_warning_ids')::bigint
            as warning_ids,
        pg_catalog.current_setting('mcp_advisor.health_xmin_horizon_critical_ids')::bigint
            as critical_ids
),

holder as (
    select
        case
            when a.state like 'idle in transaction%' then 'idle session'
            when a.state is not null then 'busy session'
            else 'session'
        end as kind,
        -- Some processes of the server have no role, or no database.
        pg_catalog.concat_ws(
            ' ', 'session', a.pid, 'of ' || pg_catalog.quote_ident(a.usename),
            'in ' || pg_catalog.quote_ident(a.datname)
        ) as object,
        greatest(pg_catalog.age(a.backend_xid), pg_catalog.age(a.backend_xmin)) as ids,
        pg_catalog.clock_timestamp() - a.xact_start as duration,
        case
            when a.state like 'idle in transaction%'
                then pg_catalog.format('SELECT pg_catalog.pg_terminate_backend(%s);', a.pid)
            when a.state is not null
                then pg_catalog.format('SELECT pg_catalog.pg_cancel_backend(%s);', a.pid)
        end as remediation,
        'ends_session' as risk,
        pg_catalog.jsonb_build_object(
            'pid', a.pid, 'role', a.usename, 'database', a.datname, 'state', a.state,
            'application', a.application_name, 'type', a.backend_type,
            'transaction_begin', a.xact_start,
            'query', case when a.state is not null then pg_catalog.left(a.query, 200) end
        ) as details
    from pg_catalog.pg_stat_activity as a
    where (a.backend_xid is not null or a.backend_xmin is not null)
        and a.pid <> pg_catalog.pg_backend_pid()
        and a.leader_pid is null
        and a.pid not in (select v.pid from pg_catalog.pg_stat_progress_vacuum as v)
        and a.pid not in (select w.pid from pg_catalog.pg_stat_replication as w)

    union all

    select
        'prepared transaction',
        pg_catalog.format('prepared transaction %L in %I', p.gid, p.database),
        pg_catalog.age(p.transaction),
        pg_catalog.clock_timestamp() - p.prepared,
        case
            when p.database = pg_catalog.current_database()
                and pg_catalog.strpos(p.gid, ';') = 0
                and not pg_catalog.pg_is_in_recovery()
                then pg_catalog.format('ROLLBACK PREPARED %L;', p.gid)
        end,
        'data_loss',
        pg_catalog.jsonb_build_object(
            'gid', p.gid, 'role', p.owner, 'database', p.database, 'prepared', p.prepared
        )
    from pg_catalog.pg_prepared_xacts as p

    union all

    select
        case
            when not s.active then 'slot'
            when s.slot_type = 'physical' then 'slot of a standby'
            else 'slot of a consumer'
        end,
        pg_catalog.format('replication slot %I', s.slot_name),
        greatest(pg_catalog.age(s.xmin), pg_catalog.age(s.catalog_xmin)),
        null,
        case when not s.active then
            pg_catalog.format('SELECT pg_catalog.pg_drop_replication_slot(%L);', s.slot_name)
        end,
        'data_loss',
        pg_catalog.jsonb_build_object(
            'slot', s.slot_name, 'type', s.slot_type, 'database', s.database,
            'active_pid', s.active_pid, 'xmin_age', pg_catalog.age(s.xmin),
            'catalog_xmin_age', pg_catalog.age(s.catalog_xmin)
        )
    from pg_catalog.pg_replication_slots as s
    -- A slot that is lost holds nothing back any more.
    where (s.xmin is not null or s.catalog_xmin is not null)
        and s.wal_status is distinct from 'lost'
        and pg_catalog.to_jsonb(s) ->> 'invalidation_reason' is null

    union all

    select
        'standby',
        pg_catalog.format(
            'standby %s (pid %s)',
            coalesce(nullif(r.application_name, ''), r.client_addr::text, 'unknown'), r.pid
        ),
        pg_catalog.age(r.backend_xmin),
        null,
        null,
        null,
        pg_catalog.jsonb_build_object(
            'pid', r.pid, 'application', r.application_name, 'client', r.client_addr
        )
    from pg_catalog.pg_stat_replication as r
    where r.backend_xmin is not null
),

graded as (
    select
        h.*,
        l.*,
        coalesce(h.duration >= l.critical, false) or h.ids >= l.critical_ids as is_critical,
        pg_catalog.max(h.ids) over () as oldest
    from holder as h
    cross join limits as l
)

select
    case when g.is_critical then 'critical' else 'warning' end as severity,
    g.object,
    g.ids::double precision as value,
    'transactions' as unit,
    pg_catalog.format('%s or %s transactions', g.warning, g.warning_ids) as threshold,
    pg_catalog.format(
        'keeps VACUUM from removing what was deleted%s in the last %s transactions%s%s',
        case
            when (g.details ->> 'catalog_xmin_age')::bigint = g.ids
                and g.details ->> 'xmin_age' is null then ' from the system catalogs'
        end,
        g.ids,
        case
            when g.duration is not null then pg_catalog.format(
                ', for %s s', pg_catalog.round(extract(epoch from g.duration))
            )
        end,
        case g.kind
            when 'idle session' then ', and is idle in a transaction: end it'
            when 'busy session' then ': cancel what it runs'
            when 'prepared transaction'
                then pg_catalog.format(
                    ': commit it or roll it back, in database %I', g.details ->> 'database'
                )
            when 'slot' then ', and nobody reads from it: drop it'
            when 'slot of a consumer' then ': find out why its consumer is behind'
            when 'slot of a standby' then ' for a transaction on its standby: end it there, or '
                'switch hot_standby_feedback off there'
            when 'standby' then ' for a transaction on that standby: end it there, or switch '
                'hot_standby_feedback off there'
        end
    ) as message,
    g.remediation,
    pg_catalog.jsonb_strip_nulls(
        g.details || pg_catalog.jsonb_build_object(
            'kind', g.kind, 'age', g.ids, 'is_oldest', g.ids = g.oldest,
            'seconds', pg_catalog.round(extract(epoch from g.duration)),
            'risk', case when g.remediation is not null then g.risk end
        )
    ) as details
from graded as g
where g.is_critical or g.duration >= g.warning or g.ids >= g.warning_ids

union all

select
    'info',
    null,
    null,
    null,
    'pg_read_all_stats',
    'how long sessions of other roles have been in a transaction is not shown to it',
    pg_catalog.format('GRANT pg_monitor TO %I;', current_user),
    '{"ran": false, "risk": "safe"}'
where not pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage')

order by 3 desc nulls last, 2
