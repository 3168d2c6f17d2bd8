-- Settings that were changed and wait for a restart.
--
-- Somebody believes that they are in force. The value that waits is in pg_file_settings, which only
-- a superuser may read. Catalogs: pg_settings, which shows some settings to pg_read_all_settings
-- (pg_monitor) only. Thresholds: none.
select
    'info' as severity,
    s.name as object,
    null::double precision as value,
    null as unit,
    null as threshold,
    pg_catalog.format(
        'was changed in the configuration and is still %s until the server is restarted',
        coalesce(nullif(s.setting || coalesce(' (unit ' || s.unit || ')', ''), ''), 'empty')
    ) as message,
    null as remediation,
    pg_catalog.jsonb_build_object(
        'current', s.setting, 'unit', s.unit, 'restart_needed', true
    ) as details
from pg_catalog.pg_settings as s
where s.pending_restart
order by s.name
