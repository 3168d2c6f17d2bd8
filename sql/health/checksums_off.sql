-- Whether a page that the disk has damaged would be noticed.
--
-- Without checksums it is taken for what it is not, and gets into the backups. They are on by
-- default from PostgreSQL 18 on. Catalogs: none, data_checksums. Thresholds: none. Source: the
-- manual, "Data Checksums".
select
    'info' as severity,
    null as object,
    null::double precision as value,
    null as unit,
    'data_checksums = on' as threshold,
    'data checksums are off, so damage by disk or memory stays unnoticed: run pg_checksums '
    '--enable while the server is stopped' as message,
    null as remediation,
    '{"restart_needed": true}'::jsonb as details
where pg_catalog.current_setting('data_checksums') = 'off'
