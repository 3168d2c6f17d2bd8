-- Whether autovacuum runs at all.
--
-- It needs the settings autovacuum and track_counts. They are read as a new session would have
-- them; what is set for a role or a database is listed by itself. Catalogs: pg_settings,
-- pg_db_role_setting, pg_database, pg_roles. Thresholds: none, off is critical; on a standby,
-- where VACUUM does not run before it is promoted, it is information; off for some sessions only
-- is a warning, as what they change is not counted. Source: the manual's chapter on routine
-- vacuuming. Needs no privileges.
with own as (
    select
        d.datname,
        r.rolname,
        pg_catalog.split_part(c.setting, '=', 1) as name,
        d.datname is null or d.datname = pg_catalog.current_database() as is_mine
    from pg_catalog.pg_db_role_setting as s
    cross join lateral pg_catalog.unnest(s.setconfig) as c (setting)
    left join pg_catalog.pg_database as d
        on d.oid = s.setdatabase
    left join pg_catalog.pg_roles as r
        on r.oid = s.setrole
    where c.setting ~ '^track_counts='
        and pg_catalog.lower(pg_catalog.split_part(c.setting, '=', 2))
            in ('off', 'of', 'false', 'fals', 'fal', 'fa', 'f', 'no', 'n', '0')
)

select
    case when pg_catalog.pg_is_in_recovery() then 'info' else 'critical' end as severity,
    s.name as object,
    null::double precision as value,
    null as unit,
    'on' as threshold,
    pg_catalog.format(
        case
            when s.source = 'command line'
                then 'is off, given on the command line of the server: start it without that'
            when pg_catalog.pg_is_in_recovery()
                then 'is off, so that autovacuum will not run when this standby is promoted'
            else 'is off, so that autovacuum only runs to prevent wraparound'
        end
    ) as message,
    case when s.source <> 'command line' then
        pg_catalog.format(
            'ALTER SYSTEM SET %I = on; SELECT pg_catalog.pg_reload_conf();', s.name
        )
    end as remediation,
    pg_catalog.jsonb_build_object('source', s.source, 'risk', 'safe') as details
from pg_catalog.pg_settings as s
where s.name in ('autovacuum', 'track_counts')
    and s.reset_val = 'off'
    -- Off here because of the database or the role says nothing about the server.
    and s.source not in ('database', 'user', 'database user', 'client')
    and not exists (
        select from own as o
        where o.name = s.name and o.is_mine and s.source = 'session'
    )

union all

select
    'warning',
    pg_catalog.concat_ws(
        ' ', pg_catalog.format('%I', o.name),
        case when o.rolname is not null then pg_catalog.format('of role %I', o.rolname) end,
        case when o.datname is not null then pg_catalog.format('in database %I', o.datname) end
    ),
    null,
    null,
    'on',
    'is off for these sessions: what they change is not counted, and autovacuum does not see it',
    case
        when o.rolname is null
            then pg_catalog.format('ALTER DATABASE %I RESET %I;', o.datname, o.name)
        when o.datname is null
            then pg_catalog.format('ALTER ROLE %I RESET %I;', o.rolname, o.name)
        else pg_catalog.format(
            'ALTER ROLE %I IN DATABASE %I RESET %I;', o.rolname, o.datname, o.name
        )
    end,
    '{"risk": "safe"}'
from own as o
where not pg_catalog.pg_is_in_recovery()

order by 1, 2
