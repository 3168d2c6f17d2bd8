-- Pages whose checksum was wrong when they were read.
--
-- Counted by the server since the statistics of the database were reset, in other databases and in
-- the shared catalogs too. Catalogs: pg_stat_database. Thresholds: none: one is too many. Source:
-- the manual, "Data Checksums".
select
    'critical' as severity,
    coalesce(pg_catalog.quote_ident(d.datname), 'shared catalogs') as object,
    d.checksum_failures::double precision as value,
    'pages' as unit,
    '0' as threshold,
    pg_catalog.format(
        'pages were read with a wrong checksum, the last on %s: the log names the file and block. '
        'Check the disk and restore the page, or the database, from a backup; then reset the '
        'statistics',
        pg_catalog.to_char(d.checksum_last_failure, 'YYYY-MM-DD HH24:MI:SS OF')
    ) as message,
    null as remediation,
    pg_catalog.jsonb_build_object(
        'database', d.datname, 'last_failure', d.checksum_last_failure,
        'statistics_since', d.stats_reset
    ) as details
from pg_catalog.pg_stat_database as d
where d.checksum_failures > 0
order by d.checksum_failures desc, 2
