-- Whether autovacuum is set up for as much as there is.
--
-- autovacuum_naptime: how often each database is looked at. The cost limit with its delay: the
-- pages that all workers together may dirty in a second, at vacuum_cost_page_dirty each, as MB/s.
-- autovacuum_max_workers: tables that one worker has to look after; the workers share the cost
-- limit, so more of them are of use only with a higher one. autovacuum_naptime against the number
-- of databases: the launcher starts no more than one worker in 100 ms (MIN_AUTOVAC_SLEEPTIME in
-- autovacuum.c). Catalogs: pg_settings, pg_class, pg_database. Thresholds:
-- autovacuum_setting_naptime_most (5 minutes), autovacuum_setting_rate_least (8 MB a second; the
-- server's default is 39), autovacuum_setting_tables_most (5,000 tables a worker) and
-- autovacuum_setting_workers_most (20), above which no more are proposed. Source: the manual,
-- "Automatic Vacuuming"; the numbers are those of the default settings with room.
with limits as (
    select
        extract(
            epoch from
            pg_catalog.current_setting(
                'mcp_advisor.health_autovacuum_setting_naptime_most'
            )::interval
        )::double precision as naptime_most,
        pg_catalog.pg_size_bytes(
            pg_catalog.current_setting('mcp_advisor.health_autovacuum_setting_rate_least')
        )::double precision as rate_least,
        pg_catalog.current_setting('mcp_advisor.health_autovacuum_setting_tables_most')::bigint
            as tables_most,
        -- From PostgreSQL 18 on there are no more than the slots that the server began with.
        least(
            pg_catalog.current_setting(
                'mcp_advisor.health_autovacuum_setting_workers_most'
            )::bigint,
            pg_catalog.current_setting('autovacuum_worker_slots', true)::bigint
        ) as workers_most
),

read as (
    select s.name, s.reset_val::double precision as number, s.context
    from pg_catalog.pg_settings as s
    where s.name in (
        'autovacuum_naptime', 'autovacuum_vacuum_cost_limit', 'autovacuum_vacuum_cost_delay',
        'vacuum_cost_limit', 'vacuum_cost_delay', 'vacuum_cost_page_dirty',
        'autovacuum_max_workers', 'block_size'
    )
),

-- Below 0 the value of VACUUM counts.
set_up as (
    select
        max(number) filter (where name = 'autovacuum_naptime') as naptime,
        max(number) filter (where name = 'autovacuum_max_workers') as workers,
        pg_catalog.bool_or(context = 'postmaster') filter (where name = 'autovacuum_max_workers')
            as restart,
        max(number) filter (where name = 'vacuum_cost_page_dirty') as dirty,
        max(number) filter (where name = 'block_size') as block,
        coalesce(
            nullif(max(number) filter (where name = 'autovacuum_vacuum_cost_limit'), -1),
            max(number) filter (where name = 'vacuum_cost_limit')
        ) as cost_limit,
        coalesce(
            nullif(max(number) filter (where name = 'autovacuum_vacuum_cost_delay'), -1),
            max(number) filter (where name = 'vacuum_cost_delay')
        ) as cost_delay
    from read
),

counted as materialized (
    select
        (
            select pg_catalog.count(*)
            from pg_catalog.pg_class as c
            where c.relkind in ('r', 'm') and c.relpersistence <> 't'
        ) as tables,
        (
            select pg_catalog.count(*)
            from pg_catalog.pg_database as d
            where d.datallowconn
        ) as databases
),

known as materialized (
    select
        s.*,
        l.*,
        c.*,
        -- Without a delay there is no limit.
        case when s.cost_delay > 0 and s.dirty > 0
            then s.cost_limit / s.cost_delay * 1000 / s.dirty * s.block
        end as rate,
        c.tables / greatest(s.workers, 1) as tables_per_worker
    from set_up as s
    cross join limits as l
    cross join counted as c
),

found as (
    select
        'autovacuum_naptime' as object,
        k.naptime as value,
        's' as unit,
        'at most ' || k.naptime_most || ' s' as threshold,
        pg_catalog.format('a database is looked at every %s s only', k.naptime) as message,
        'ALTER SYSTEM SET autovacuum_naptime = ''1min''; SELECT pg_catalog.pg_reload_conf();'
            as remediation,
        '1min' as recommended,
        false as restart
    from known as k
    where k.naptime > k.naptime_most

    union all

    select
        'autovacuum_naptime',
        k.naptime,
        's',
        'at least 0.1 s for each database',
        pg_catalog.format(
            'is too short for %s databases: the launcher cannot look at all of them in that time',
            k.databases
        ),
        pg_catalog.format(
            'ALTER SYSTEM SET autovacuum_naptime = ''%ss''; SELECT pg_catalog.pg_reload_conf();',
            pg_catalog.ceil(k.databases * 0.2)
        ),
        pg_catalog.ceil(k.databases * 0.2) || 's',
        false
    from known as k
    where k.naptime < k.databases * 0.1

    union all

    select
        'autovacuum_vacuum_cost_limit',
        pg_catalog.round(k.rate::numeric)::double precision,
        'bytes/s',
        'at least ' || pg_catalog.pg_size_pretty(k.rate_least::bigint) || ' a second',
        pg_catalog.format(
            'with a delay of %s ms and a limit of %s all workers together may write %s a second',
            k.cost_delay, k.cost_limit, pg_catalog.pg_size_pretty(k.rate::bigint)
        ),
        -- The server's defaults.
        'ALTER SYSTEM SET autovacuum_vacuum_cost_delay = ''2ms''; '
        || case when k.cost_limit < 200
            then 'ALTER SYSTEM SET autovacuum_vacuum_cost_limit = 200; '
            else ''
        end || 'SELECT pg_catalog.pg_reload_conf();',
        'a delay of 2ms and a limit of 200',
        false
    from known as k
    where k.rate < k.rate_least

    union all

    select
        'autovacuum_max_workers',
        k.tables_per_worker,
        'tables a worker',
        'at most ' || k.tables_most,
        pg_catalog.format(
            'has %s workers for %s tables of this database alone; they share the cost limit',
            k.workers, k.tables
        ),
        pg_catalog.format(
            'ALTER SYSTEM SET autovacuum_max_workers = %s; '
            'ALTER SYSTEM SET autovacuum_vacuum_cost_limit = %s;%s',
            w.workers,
            -- The share of each worker stays.
            least(10000, pg_catalog.ceil(k.cost_limit * w.workers / greatest(k.workers, 1))),
            case when not k.restart then ' SELECT pg_catalog.pg_reload_conf();' end
        ),
        w.workers::text,
        k.restart
    from known as k
    cross join lateral (
        values (
            least(
                k.workers_most,
                pg_catalog.ceil(k.tables::double precision / greatest(k.tables_most, 1))
            )
        )
    ) as w (workers)
    where k.tables_per_worker > k.tables_most and k.workers < k.workers_most
)

select
    'info' as severity,
    f.object,
    f.value,
    f.unit,
    f.threshold,
    f.message,
    f.remediation,
    pg_catalog.jsonb_build_object(
        'recommended', f.recommended, 'restart_needed', f.restart,
        'risk', case when f.restart then 'restart' else 'safe' end
    ) as details
from found as f
order by f.object, f.value desc
