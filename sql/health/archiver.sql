-- Whether WAL that must be archived is archived.
--
-- The last attempt failed, or archive_mode is on and nothing says how to archive. What is not
-- archived stays in pg_wal until the disk is full, and a backup ends at the gap. Since when is told
-- by the oldest file that waits, where its folder may be listed, else by the last success. On a
-- standby only with archive_mode = always. Catalogs: pg_stat_archiver, pg_ls_archive_statusdir
-- (called in a text that ts_stat runs, as its mere mention is refused to roles that may not execute
-- it; query_to_xml needs a server with libxml). Thresholds: any failure later than the last
-- success; archiver_critical (1 hour). Source: check_pgactivity; manual, "Continuous Archiving";
-- pgarch.c. Needs pg_monitor for the files that wait.
with state as (
    select
        a.*,
        pg_catalog.current_setting('mcp_advisor.health_archiver_critical')::interval as critical,
        pg_catalog.current_setting('archive_command') as command,
        coalesce(pg_catalog.current_setting('archive_library', true), '') as library,
        pg_catalog.has_function_privilege('pg_catalog.pg_ls_archive_statusdir()', 'execute')
            as listable
    from pg_catalog.pg_stat_archiver as a
    where pg_catalog.current_setting('archive_mode') = 'always'
        or pg_catalog.current_setting('archive_mode') = 'on' and not pg_catalog.pg_is_in_recovery()
),

waiting as (
    select
        s.*,
        s.command = '' and s.library = '' as unset,
        s.last_failed_time > coalesce(s.last_archived_time, '-infinity'::timestamptz) as failing,
        (
            select pg_catalog.string_agg(t.word, ' ')
            from pg_catalog.ts_stat(
                case
                    when s.listable then
                        'select pg_catalog.array_to_tsvector(array[''files='' '
                        '|| pg_catalog.count(*), ''seconds='' || coalesce(extract(epoch from '
                        'pg_catalog.clock_timestamp() - pg_catalog.min(f.modification)), 0)]) '
                        'from pg_catalog.pg_ls_archive_statusdir() as f '
                        'where f.name like ''%.ready'''
                    else 'select null::pg_catalog.tsvector'
                end
            ) as t (word)
        ) as listed
    from state as s
),

measured as (
    select
        w.*,
        pg_catalog.substring(w.listed, 'files=(\d+)')::bigint as files,
        coalesce(
            pg_catalog.substring(w.listed, 'seconds=([\d.]+)')::double precision,
            case
                when not w.listable then extract(
                    epoch from pg_catalog.clock_timestamp()
                        - coalesce(w.last_archived_time, w.stats_reset)
                )::double precision
            end
        ) as seconds
    from waiting as w
)

select
    case
        when m.seconds >= extract(epoch from m.critical) then 'critical'
        else 'warning'
    end as severity,
    'archiver' as object,
    pg_catalog.round(m.seconds) as value,
    's' as unit,
    pg_catalog.format('no failure; %s', m.critical) as threshold,
    pg_catalog.format(
        '%s%s',
        case
            when m.unset
                then 'archive_mode is on, but neither archive_command nor archive_library says how'
            else pg_catalog.format(
                'archiving %s failed at %s, and %s: look at the server''s log, and mend %s',
                m.last_failed_wal,
                pg_catalog.date_trunc('second', m.last_failed_time),
                coalesce(
                    'the last success was at '
                    || pg_catalog.date_trunc('second', m.last_archived_time)::text,
                    'none succeeded'
                ),
                case when m.library <> '' then 'archive_library' else 'archive_command' end
            )
        end,
        case
            when m.files > 0 then pg_catalog.format(
                '; %s files wait, the first for %s s', m.files, pg_catalog.round(m.seconds)
            )
        end
    ) as message,
    null as remediation,
    pg_catalog.jsonb_build_object(
        'failed', m.failed_count, 'archived', m.archived_count, 'waiting_files', m.files,
        'last_failed_wal', m.last_failed_wal, 'last_failed', m.last_failed_time,
        'last_archived', m.last_archived_time
    ) as details
from measured as m
where m.failing or m.unset
