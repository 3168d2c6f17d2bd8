-- Whether pg_stat_statements records the statements of this database.
--
-- It must be preloaded, created here, told to track, and have query ids. Proposing to preload what
-- is not installed would keep the server from starting, so that is looked up first. Inside the
-- server, evictions are looked at too. Catalogs: pg_extension, pg_settings,
-- pg_available_extensions (only where it is not created). Threshold:
-- statement_statistics_evictions (24 a day, inside only). Source: the manual on pg_stat_statements
-- and compute_query_id. Needs pg_read_all_settings (pg_monitor) to see what is preloaded now.
with state as (
    select
        exists (
            select
            from pg_catalog.pg_extension as e
            where e.extname = 'pg_stat_statements'
        ) as created,
        -- None unless it is loaded: what the configuration sets for a library that is not there is
        -- left out. Not the present value: mcp_advisor does not want its own statements recorded.
        (
            select s.reset_val
            from pg_catalog.pg_settings as s
            where s.name = 'pg_stat_statements.track'
        ) as track,
        pg_catalog.current_setting('compute_query_id') as query_id,
        case
            when pg_catalog.pg_has_role(current_user, 'pg_read_all_settings', 'usage')
                then pg_catalog.current_setting('shared_preload_libraries')
        end as preloaded
),

found as (
    select
        s.*,
        case
            when s.created and s.track is null then 'not loaded'
            when not s.created and s.track is not null then 'not created'
            when not s.created and exists (
                select
                from pg_catalog.pg_available_extensions as a
                where a.name = 'pg_stat_statements'
            ) then 'neither'
            when not s.created then 'not installed'
            when s.track = 'none' then 'not tracking'
            when s.query_id = 'off' then 'no ids'
        end as fault,
        -- Each library by itself: one literal would be taken for the name of one library.
        (
            select 'ALTER SYSTEM SET shared_preload_libraries = ' || pg_catalog.string_agg(
                pg_catalog.quote_literal(l.name), ', ' order by l.place
            ) || ';'
            from (
                select pg_catalog.btrim(p.name, ' "') as name, p.place
                from pg_catalog.regexp_split_to_table(s.preloaded, ',') with ordinality
                    as p (name, place)

                union all

                select 'pg_stat_statements', 2147483647
            ) as l
            where l.name <> ''
                and s.preloaded is not null
        ) as preload
    from state as s
)

select
    'info' as severity,
    null as object,
    null::double precision as value,
    null as unit,
    null as threshold,
    case f.fault
        when 'not loaded' then
            'pg_stat_statements is created but not preloaded, so nothing is recorded'
        when 'not created' then 'pg_stat_statements is preloaded but not created in this database'
        when 'neither' then 'pg_stat_statements is neither preloaded nor created in this database'
        when 'not installed' then
            'pg_stat_statements is not installed on the server''s machine: install PostgreSQL''s '
            'contrib package'
        when 'not tracking' then 'pg_stat_statements.track is none, so nothing is recorded'
        when 'no ids' then
            'compute_query_id is off, so nothing is recorded unless another module computes ids'
    end as message,
    case f.fault
        when 'not loaded' then f.preload
        when 'not created' then 'CREATE EXTENSION pg_stat_statements;'
        when 'neither' then f.preload || ' CREATE EXTENSION pg_stat_statements;'
        when 'not tracking' then
            'ALTER SYSTEM SET pg_stat_statements.track = ''top''; '
            'SELECT pg_catalog.pg_reload_conf();'
        when 'no ids' then
            'ALTER SYSTEM SET compute_query_id = ''auto''; SELECT pg_catalog.pg_reload_conf();'
    end as remediation,
    pg_catalog.jsonb_build_object(
        'state', f.fault, 'shared_preload_libraries', f.preloaded,
        'risk', case when f.fault in ('not loaded', 'neither') then 'restart' else 'safe' end
    ) as details
from found as f
where f.fault is not null
