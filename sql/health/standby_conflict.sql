-- Queries that this standby has cancelled because replay could not wait for them any longer.
--
-- Counted since statistics began, for each database. No row on a primary. What helps depends on the
-- kind: rows that the primary has vacuumed away (snapshot) ask for hot_standby_feedback, locks and
-- pinned buffers for more patience (max_standby_streaming_delay), at the price of a replay that is
-- late. Catalogs: pg_stat_database_conflicts. Threshold: standby_conflict_info (10 queries).
-- Source: manual, "Handling Query Conflicts".
with conflict as (
    select
        c.datname,
        c.confl_snapshot as snapshot,
        c.confl_lock + c.confl_bufferpin + c.confl_deadlock as waits,
        c.confl_tablespace
            + coalesce((pg_catalog.to_jsonb(c) ->> 'confl_active_logicalslot')::bigint, 0) as others,
        pg_catalog.to_jsonb(c) - 'datid' - 'datname' as kinds,
        pg_catalog.current_setting('mcp_advisor.health_standby_conflict_info')::bigint as least,
        pg_catalog.current_setting('hot_standby_feedback') = 'off' as silent,
        pg_catalog.current_setting('max_standby_streaming_delay') as delay
    from pg_catalog.pg_stat_database_conflicts as c
    where pg_catalog.pg_is_in_recovery()
),

counted as (
    select c.*, c.snapshot + c.waits + c.others as cancelled
    from conflict as c
)

select
    'info' as severity,
    pg_catalog.quote_ident(c.datname) as object,
    c.cancelled::double precision as value,
    'queries' as unit,
    c.least || ' queries' as threshold,
    pg_catalog.format(
        '%s queries were cancelled because replay could wait no longer%s',
        c.cancelled,
        case
            when c.snapshot > c.waits and c.silent
                then ', most as the primary had vacuumed rows that they saw: hot_standby_feedback '
                    'keeps those rows, and so holds back VACUUM there'
            else pg_catalog.format(
                ': max_standby_streaming_delay (%s) decides how long it waits', c.delay
            )
        end
    ) as message,
    case
        when c.snapshot > c.waits and c.silent
            then 'ALTER SYSTEM SET hot_standby_feedback = on; SELECT pg_catalog.pg_reload_conf();'
        when c.delay <> '-1' then pg_catalog.format(
            'ALTER SYSTEM SET max_standby_streaming_delay = ''%ss''; '
            'SELECT pg_catalog.pg_reload_conf();',
            greatest(2 * extract(epoch from c.delay::interval), 30)::bigint
        )
    end as remediation,
    pg_catalog.jsonb_build_object('risk', 'safe', 'kinds', c.kinds) as details
from counted as c
where c.cancelled >= greatest(c.least, 1)
order by 3 desc, 2
