-- What a report says of its database: size, statistics, when it all began. Read by any role.
--
-- Times are in UTC with their age in seconds. {recorded} is when pg_stat_statements began to count.
with clock as (
    select
        pg_catalog.clock_timestamp() as now,
        'YYYY-MM-DD"T"HH24:MI:SS"Z"' as form
),

tables as (
    select
        pg_catalog.count(*) as n,
        pg_catalog.count(*) filter (where a.analyzed is null and s.n_live_tup > 0) as never,
        pg_catalog.min(a.analyzed) as oldest,
        pg_catalog.max(a.analyzed) as newest
    from pg_catalog.pg_stat_user_tables as s
    cross join lateral (select greatest(s.last_analyze, s.last_autoanalyze)) as a (analyzed)
),

moments (name, moment) as (
    select 'started', pg_catalog.pg_postmaster_start_time()
    union all
    select 'counted_since', d.stats_reset
    from pg_catalog.pg_stat_database as d
    where d.datname = pg_catalog.current_database()
    union all
    select 'recorded_since', {recorded}
    union all
    select 'oldest_analyze', t.oldest from tables as t
    union all
    select 'newest_analyze', t.newest from tables as t
),

times as (
    select pg_catalog.json_object_agg(
        m.name,
        case when m.moment is not null then pg_catalog.json_build_object(
            'at', pg_catalog.to_char(m.moment at time zone 'UTC', c.form),
            'seconds', extract(epoch from c.now - m.moment)
        ) end
    ) as by_name
    from moments as m
    cross join clock as c
)

select
    pg_catalog.to_char(c.now at time zone 'UTC', c.form) as made_at,
    pg_catalog.current_setting('server_version') as release,
    pg_catalog.pg_database_size(pg_catalog.current_database()) as size_bytes,
    pg_catalog.current_setting('server_encoding') as encoding,
    t.n as tables,
    t.never as tables_never_analyzed,
    s.by_name -> 'started' as started,
    s.by_name -> 'counted_since' as counted_since,
    s.by_name -> 'recorded_since' as recorded_since,
    s.by_name -> 'oldest_analyze' as oldest_analyze,
    s.by_name -> 'newest_analyze' as newest_analyze
from clock as c
cross join tables as t
cross join times as s
