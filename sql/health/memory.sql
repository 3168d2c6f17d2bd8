-- Settings of memory, disk and cores against the machine.
--
-- SQL cannot see the machine that the server runs on, and the client's is another one. This lists
-- the settings (row with "ran": false) for the extension, which reads RAM, the limit of the
-- control group, cores and the kind of disk in the server's own process and judges them
-- (health/machine.rs); what needs no machine is judged here: a cache that the planner thinks
-- smaller than the server's own part of it. Catalogs: pg_settings, what sessions start with.
-- Thresholds: for the extension memory_warning (2 times RAM), memory_buffers_least (10 % of RAM),
-- memory_buffers_most (40 %), memory_factor (4 times off the recommended value). Source:
-- the manual, "Resource Consumption": shared_buffers 25 % and hardly ever above 40 % of RAM;
-- PgTune's arithmetic for the others.
with settings as (
    select
        s.name,
        s.context,
        s.reset_val::double precision * case s.unit
            when '8kB' then 8192
            when 'kB' then 1024
            when 'MB' then 1048576
            else 1
        end as number
    from pg_catalog.pg_settings as s
    where s.name in (
        'shared_buffers', 'effective_cache_size', 'work_mem', 'maintenance_work_mem',
        'max_connections', 'random_page_cost', 'effective_io_concurrency',
        'max_worker_processes', 'max_parallel_workers', 'max_parallel_workers_per_gather'
    )
),

known as (
    select
        pg_catalog.jsonb_object_agg(s.name, s.number) as numbers,
        pg_catalog.jsonb_agg(s.name) filter (where s.context = 'postmaster') as restart,
        max(s.number) filter (where s.name = 'shared_buffers') as buffers,
        max(s.number) filter (where s.name = 'effective_cache_size') as cache
    from settings as s
)

select
    'info' as severity,
    'effective_cache_size' as object,
    k.cache as value,
    'bytes' as unit,
    'at least shared_buffers' as threshold,
    pg_catalog.format(
        'is %s, less than the shared_buffers of %s that are a part of it',
        pg_catalog.pg_size_pretty(k.cache::bigint), pg_catalog.pg_size_pretty(k.buffers::bigint)
    ) as message,
    pg_catalog.format(
        'ALTER SYSTEM SET effective_cache_size = ''%skB''; SELECT pg_catalog.pg_reload_conf();',
        -- 75 % of RAM where shared_buffers are 25 % of it.
        pg_catalog.ceil(3 * k.buffers / 1024)
    ) as remediation,
    pg_catalog.jsonb_build_object(
        'current', k.cache, 'recommended', 3 * k.buffers, 'restart_needed', false, 'risk', 'safe'
    ) as details
from known as k
where k.cache < k.buffers

union all

select
    'info',
    null,
    null,
    null,
    'the extension mcp_advisor',
    'the settings were not compared with RAM, cores and disk of the server, which SQL cannot see',
    null,
    pg_catalog.jsonb_build_object(
        'ran', false,
        'settings', k.numbers,
        'restart', k.restart,
        'limits', pg_catalog.jsonb_build_object(
            'ram',
            pg_catalog.current_setting('mcp_advisor.health_memory_warning')::double precision,
            'buffers_least',
            pg_catalog.current_setting('mcp_advisor.health_memory_buffers_least')::double precision,
            'buffers_most',
            pg_catalog.current_setting('mcp_advisor.health_memory_buffers_most')::double precision,
            'factor',
            pg_catalog.current_setting('mcp_advisor.health_memory_factor')::double precision
        )
    )
from known as k

order by 2
