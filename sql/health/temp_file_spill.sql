-- How much this database writes into temporary files, a day.
--
-- Sorts, hashes and materialized rows that do not fit into work_mem (times hash_mem_multiplier for
-- hashes) go there. Since the counters began; see deadlocks. In memory, rows take about twice what
-- they take in a file: that is what is proposed, up to a limit, for each node of each plan may take
-- it. Inside the server, pg_stat_statements adds the statements that write most. Catalogs:
-- pg_stat_database, pg_stat_bgwriter, pg_stat_archiver, pg_stat_wal. Thresholds:
-- temp_file_spill_info (1 GB a day), temp_file_spill_warning (100 GB a day),
-- temp_file_spill_work_mem (64 MB). Source: the manual on work_mem and log_temp_files; limits by
-- what a disk hardly notices in a day and what it does. Needs no privilege.
with counted as (
    select
        d.datname,
        d.temp_files,
        d.temp_bytes,
        coalesce(d.stats_reset, least(b.stats_reset, a.stats_reset, w.stats_reset)) as since,
        pg_catalog.pg_size_bytes(
            pg_catalog.current_setting('mcp_advisor.health_temp_file_spill_info')
        ) as info,
        pg_catalog.pg_size_bytes(
            pg_catalog.current_setting('mcp_advisor.health_temp_file_spill_warning')
        ) as warning,
        pg_catalog.pg_size_bytes(
            pg_catalog.current_setting('mcp_advisor.health_temp_file_spill_work_mem')
        ) as most_work_mem,
        pg_catalog.pg_size_bytes(pg_catalog.current_setting('work_mem')) as work_mem
    from pg_catalog.pg_stat_database as d
    cross join pg_catalog.pg_stat_bgwriter as b
    cross join pg_catalog.pg_stat_archiver as a
    cross join pg_catalog.pg_stat_wal as w
    where d.datname = pg_catalog.current_database()
),

rated as (
    select
        c.*,
        c.temp_bytes / greatest(
            extract(epoch from pg_catalog.clock_timestamp() - c.since) / 86400, 1
        ) as a_day,
        -- In whole MB.
        least(
            pg_catalog.ceil(2.0 * c.temp_bytes / greatest(c.temp_files, 1) / 1048576),
            pg_catalog.floor(c.most_work_mem / 1048576.0)
        )::bigint as proposed
    from counted as c
)

select
    case when r.a_day >= r.warning then 'warning' else 'info' end as severity,
    pg_catalog.quote_ident(r.datname) as object,
    pg_catalog.round(r.a_day)::double precision as value,
    'bytes a day' as unit,
    pg_catalog.pg_size_pretty(r.info) || ' a day' as threshold,
    pg_catalog.format(
        '%s went into %s temporary files since %s, %s a file; work_mem is %s%s',
        pg_catalog.pg_size_pretty(r.temp_bytes), r.temp_files,
        pg_catalog.date_trunc('second', r.since),
        pg_catalog.pg_size_pretty(r.temp_bytes / greatest(r.temp_files, 1)),
        pg_catalog.pg_size_pretty(r.work_mem),
        case
            when r.proposed * 1048576 <= r.work_mem
                then ': make the statements sort and hash less, or give their role more'
        end
    ) as message,
    case when r.proposed * 1048576 > r.work_mem then pg_catalog.format(
        'ALTER DATABASE %I SET work_mem = %L;', r.datname, r.proposed || 'MB'
    ) end as remediation,
    pg_catalog.jsonb_build_object(
        'temp_bytes', r.temp_bytes, 'temp_files', r.temp_files, 'since', r.since,
        'work_mem', r.work_mem,
        'hash_mem_multiplier', pg_catalog.current_setting('hash_mem_multiplier')::double precision,
        'risk', 'safe'
    ) as details
from rated as r
where r.temp_bytes > 0
    and r.a_day >= r.info
