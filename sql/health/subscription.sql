-- Subscriptions that are disabled, whose worker does not run, or whose worker fails and starts
-- again and again: the tables of the subscription get old, and the publisher keeps WAL for them.
--
-- A worker that fails is started anew every few seconds (wal_retrieve_retry_interval), so errors
-- were counted (PostgreSQL 15) and the worker is missing or young. Copying tables for the first
-- time fails when errors of it were counted and a table is not copied. Subscriptions of other
-- databases are shown, to be mended there. On a standby none is applied. Catalogs: pg_subscription
-- (only the columns that everybody may read), pg_subscription_rel, pg_stat_subscription,
-- pg_stat_activity, pg_stat_subscription_stats (in a text that ts_stat runs, as PostgreSQL 14 has
-- none). Threshold: subscription_worker_young (1 minute), within which a worker that had errors has
-- not proven itself. Source: worker.c and launcher.c; manual, "Logical Replication: Conflicts".
-- Needs pg_read_all_stats (pg_monitor) for the worker's age.
with subscription as (
    select
        s.oid,
        s.subname,
        s.subenabled,
        s.subslotname,
        s.subdbid,
        d.datname,
        s.subdbid = (
            select c.oid from pg_catalog.pg_database as c
            where c.datname = pg_catalog.current_database()
        ) as here,
        pg_catalog.current_setting('mcp_advisor.health_subscription_worker_young')::interval
            as young
    from pg_catalog.pg_subscription as s
    left join pg_catalog.pg_database as d
        on d.oid = s.subdbid
    where not pg_catalog.pg_is_in_recovery()
),

worker as (
    select
        w.subid,
        pg_catalog.min(w.pid) as pid,
        pg_catalog.min(pg_catalog.clock_timestamp() - a.backend_start) as age
    from pg_catalog.pg_stat_subscription as w
    left join pg_catalog.pg_stat_activity as a
        on a.pid = w.pid
    -- The worker of the subscription itself: no copier of a table, no parallel helper (16).
    where w.pid is not null
        and w.relid is null
        and pg_catalog.to_jsonb(w) ->> 'leader_pid' is null
    group by w.subid
),

tables as (
    select r.srsubid, pg_catalog.count(*) as uncopied
    from pg_catalog.pg_subscription_rel as r
    where r.srsubstate in ('i', 'd')
    group by r.srsubid
),

judged as (
    select
        s.*,
        w.pid,
        w.age,
        coalesce(t.uncopied, 0) as uncopied,
        pg_catalog.substring(e.counts, 'apply=(\d+)')::bigint as apply_errors,
        pg_catalog.substring(e.counts, 'copy=(\d+)')::bigint as copy_errors
    from subscription as s
    left join worker as w
        on w.subid = s.oid
    left join tables as t
        on t.srsubid = s.oid
    cross join lateral (
        select pg_catalog.string_agg(t.word, ' ') as counts
        from pg_catalog.ts_stat(
            case
                when pg_catalog.to_regclass('pg_catalog.pg_stat_subscription_stats') is not null
                    then 'select pg_catalog.array_to_tsvector(array[''apply='' '
                        '|| e.apply_error_count, ''copy='' || e.sync_error_count]) '
                        'from pg_catalog.pg_stat_subscription_stats as e where e.subid = ' || s.oid
                else 'select null::pg_catalog.tsvector'
            end
        ) as t (word)
    ) as e
),

fault as (
    select
        j.*,
        case
            when not j.subenabled then 'disabled'
            when j.pid is null then 'stopped'
            when j.apply_errors > 0 and j.age < j.young then 'failing'
            when j.copy_errors > 0 and j.uncopied > 0 then 'copying'
            when j.apply_errors > 0 and j.age is null then 'unknown'
        end as kind
    from judged as j
)

select
    case f.kind when 'unknown' then 'info' else 'warning' end as severity,
    case
        when f.here then pg_catalog.quote_ident(f.subname)
        else pg_catalog.format('%I in database %I', f.subname, f.datname)
    end as object,
    coalesce(f.apply_errors, 0) + coalesce(f.copy_errors, 0)::double precision as value,
    'errors' as unit,
    pg_catalog.format('enabled and applying, no error within %s', f.young) as threshold,
    case f.kind
        when 'disabled' then pg_catalog.format(
            'is disabled%s%s',
            case
                when f.apply_errors > 0 then pg_catalog.format(
                    ', after %s errors: mend what the server''s log says of them before it is '
                    'enabled', f.apply_errors
                )
            end,
            case when f.subslotname is null then ', and has no slot at the publisher' end
        )
        when 'stopped' then pg_catalog.format(
            'has no worker now%s: the server''s log says why (a row that conflicts, a publisher '
            'that cannot be reached, all of max_logical_replication_workers taken)',
            case
                when f.apply_errors > 0
                    then pg_catalog.format(', and failed %s times', f.apply_errors)
            end
        )
        when 'failing' then pg_catalog.format(
            'failed %s times, and its worker was started %s s ago: mend the row that the server''s '
            'log names, or skip its transaction (ALTER SUBSCRIPTION ... SKIP)',
            f.apply_errors, pg_catalog.round(extract(epoch from f.age))
        )
        when 'copying' then pg_catalog.format(
            'has %s tables whose first copy is not done, and copying failed %s times: the '
            'server''s log says why', f.uncopied, f.copy_errors
        )
        else pg_catalog.format(
            'failed %s times; whether it still does is not shown to this role', f.apply_errors
        )
    end as message,
    case
        when f.kind = 'disabled' and f.here and f.subslotname is not null
            then pg_catalog.format('ALTER SUBSCRIPTION %I ENABLE;', f.subname)
        when f.kind = 'unknown' then pg_catalog.format('GRANT pg_monitor TO %I;', current_user)
    end as remediation,
    case f.kind when 'unknown' then pg_catalog.jsonb_build_object('ran', false) else '{}' end
    || pg_catalog.jsonb_build_object(
        'risk', 'safe', 'kind', f.kind, 'database', f.datname, 'slot', f.subslotname,
        'apply_errors', f.apply_errors, 'copy_errors', f.copy_errors, 'uncopied', f.uncopied,
        'pid', f.pid, 'worker_age_seconds', extract(epoch from f.age)
    ) as details
from fault as f
where f.kind is not null
order by 3 desc, 2
