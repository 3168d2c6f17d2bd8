-- Settings by which a crash, or a damaged page, costs data.
--
-- fsync, full_page_writes and data_sync_retry decide whether what is committed is still there, and
-- whole, after a crash of the machine; zero_damaged_pages and ignore_checksum_failure hide damage,
-- and with the first the page is gone. The value that sessions start with counts, and what is
-- set for a role or a database; what somebody has set for the own session does not.
-- synchronous_commit is fine for single roles, and only said where it is off for all. Catalogs:
-- pg_settings, pg_db_role_setting, pg_database, pg_roles. Thresholds: none: each is on or off.
-- Source: the manual's chapters "Reliability and the Write-Ahead Log" and "Developer Options".
with watched (name, good, severity, consequence) as (
    values
    ('fsync', 'on', 'critical', 'a crash of the machine can corrupt the whole cluster'),
    (
        'full_page_writes', 'on', 'warning',
        'a page that was half written in a crash cannot be repaired, unless the file system '
        'writes 8 kB at once'
    ),
    (
        'data_sync_retry', 'off', 'warning',
        'a checkpoint can succeed though the kernel has thrown its pages away'
    ),
    (
        'zero_damaged_pages', 'off', 'critical',
        'a damaged page is replaced by an empty one, and its rows are gone'
    ),
    (
        'ignore_checksum_failure', 'off', 'critical',
        'pages with a wrong checksum are used, and damage spreads'
    ),
    (
        'synchronous_commit', 'on', 'info',
        'the last commits before a crash can be lost, though nothing is corrupted'
    )
),

-- Of a setting for some roles or databases only the name and the value.
single as (
    select
        s.setdatabase,
        s.setrole,
        pg_catalog.split_part(c.text, '=', 1) as name,
        pg_catalog.lower(pg_catalog.substr(c.text, pg_catalog.strpos(c.text, '=') + 1)) as value
    from pg_catalog.pg_db_role_setting as s
    cross join lateral pg_catalog.unnest(s.setconfig) as c (text)
),

found as (
    select
        w.name as object,
        w.severity,
        w.name,
        s.reset_val as value,
        w.good,
        w.consequence,
        s.context,
        s.source,
        pg_catalog.format('ALTER SYSTEM SET %I = %s;', w.name, w.good)
            || case
                when s.context <> 'postmaster' then ' SELECT pg_catalog.pg_reload_conf();'
                else ''
            end as remediation
    from watched as w
    inner join pg_catalog.pg_settings as s
        on s.name = w.name
    where case
        when w.name = 'synchronous_commit' then s.reset_val = 'off'
        else s.reset_val <> w.good
    end
        -- Otherwise it is below.
        and s.source not in ('database', 'user', 'database user')

    union all

    select
        pg_catalog.concat_ws(
            ' ', w.name,
            case when s.setrole <> 0
                then 'of role ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.setrole))
            end,
            case when d.datname is not null
                then 'in database ' || pg_catalog.quote_ident(d.datname)
            end
        ),
        w.severity,
        w.name,
        s.value,
        w.good,
        w.consequence,
        'sighup',
        'pg_db_role_setting',
        pg_catalog.format(
            case
                when s.setrole = 0 and s.setdatabase = 0 then 'ALTER ROLE ALL RESET %3$I;'
                when s.setrole = 0 then 'ALTER DATABASE %2$I RESET %3$I;'
                when d.datname is null then 'ALTER ROLE %1$I RESET %3$I;'
                else 'ALTER ROLE %1$I IN DATABASE %2$I RESET %3$I;'
            end,
            pg_catalog.pg_get_userbyid(s.setrole), d.datname, w.name
        )
    from single as s
    inner join watched as w
        on w.name = s.name
    left join pg_catalog.pg_database as d
        on d.oid = s.setdatabase
    where w.good = 'off'
        and w.severity = 'critical'
        and s.value not in ('off', 'false', 'no', '0', 'f', 'n', 'of')
)

select
    f.severity,
    f.object,
    null::double precision as value,
    null as unit,
    f.name || ' = ' || f.good as threshold,
    pg_catalog.format('is %s: %s', f.value, f.consequence) || case
        when f.source = 'command line'
            then '. It was given on the command line of the server, which ALTER SYSTEM does not '
                'override'
        else ''
    end as message,
    f.remediation,
    pg_catalog.jsonb_build_object(
        'current', f.value, 'recommended', f.good, 'source', f.source,
        'restart_needed', f.context = 'postmaster',
        'risk', case when f.context = 'postmaster' then 'restart' else 'safe' end
    ) as details
from found as f
order by
    pg_catalog.array_position(array['critical', 'warning', 'info'], f.severity), f.object
