-- What is no table: settings as a new session has them, files, and what sessions may have left behind.
select 'settings' as what,
    pg_catalog.md5(pg_catalog.string_agg(s.name || '=' || coalesce(s.setting, '') || s.source, ',' order by s.name)) as state
from pg_catalog.pg_settings as s
where s.name not in ('application_name', 'in_hot_standby', 'transaction_isolation')
union all
select 'configuration files',
    pg_catalog.string_agg(f || ' ' || pg_catalog.md5(pg_catalog.pg_read_file(f)), ', ' order by f)
from pg_catalog.unnest(array['postgresql.conf', 'postgresql.auto.conf', 'pg_hba.conf', 'pg_ident.conf']) as f
union all
select 'folder ' || d, pg_catalog.string_agg(f, ' ' order by f)
from pg_catalog.unnest(array['.', 'global', 'pg_replslot', 'pg_logical', 'pg_tblspc', 'pg_twophase', 'pg_snapshots']) as d
left join lateral pg_catalog.pg_ls_dir(d, true, false) as f on f <> 'pg_internal.init'
group by d
union all
select 'files of the database',
    pg_catalog.count(*) || ' ' || pg_catalog.md5(coalesce(pg_catalog.string_agg(f, ' ' order by f), ''))
from pg_catalog.pg_database as b
cross join lateral pg_catalog.pg_ls_dir('base/' || b.oid) as f
where b.datname = pg_catalog.current_database()
    -- Not the files of temporary tables, which go with their sessions, and the server's own maps.
    and f !~ '^t[0-9]+_|_fsm$|_vm$|^pg_internal.init'
union all
select 'statistics', pg_catalog.string_agg(coalesce(d.stats_reset::text, '-'), ' ' order by d.datid)
from pg_catalog.pg_stat_database as d
union all
select 'background writer', b.stats_reset::text from pg_catalog.pg_stat_bgwriter as b
union all
select 'slots', pg_catalog.count(*)::text from pg_catalog.pg_replication_slots
union all
select 'prepared transactions', pg_catalog.count(*)::text from pg_catalog.pg_prepared_xacts
union all
select 'advisory locks', pg_catalog.count(*)::text from pg_catalog.pg_locks as l where l.locktype = 'advisory'
union all
select 'temporary schemas with content', pg_catalog.count(*)::text
from pg_catalog.pg_class as c
where c.relpersistence = 't'
union all
select 'start of the server', pg_catalog.pg_postmaster_start_time()::text
order by what
