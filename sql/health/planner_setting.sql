-- Ways of executing a query that are switched off for everybody.
--
-- A plan type that is off is off for all queries, also for those for which it is right. Fine for a
-- session that is looking for the reason of a plan, hardly ever for a server. jit is left out: off
-- is a sound choice for short queries. The same goes for costs by which a page at random is
-- cheaper than one in a row. The value that sessions start with counts (the setting of the server,
-- the database or the role), not that of the session. Catalogs: pg_settings. Thresholds: none: the
-- default of the server is the limit. Source: the manual, "Planner Method Configuration" and
-- "Planner Cost Constants".
with settings as materialized (
    select s.name, s.category, s.vartype, s.boot_val, s.reset_val, s.source
    from pg_catalog.pg_settings as s
    where s.category like 'Query Tuning / %'
),

found as (
    select
        s.name,
        s.reset_val as current,
        s.boot_val as recommended,
        s.source,
        null::double precision as value,
        'default: ' || s.boot_val as threshold,
        'is off: no query can use what it stands for, also where it is best' as message
    from settings as s
    where s.vartype = 'bool'
        and s.boot_val = 'on'
        and s.reset_val = 'off'
        and s.name not like 'jit%'

    union all

    select
        r.name,
        r.reset_val,
        r.boot_val,
        r.source,
        r.reset_val::double precision,
        'seq_page_cost = ' || q.reset_val,
        'is below seq_page_cost: no disk reads a page at random faster than the next one'
    from settings as r
    inner join settings as q
        on q.name = 'seq_page_cost'
    where r.name = 'random_page_cost'
        and r.reset_val::double precision < q.reset_val::double precision
)

select
    'info' as severity,
    f.name as object,
    f.value,
    null as unit,
    f.threshold,
    f.message,
    case f.source
        when 'database'
            then pg_catalog.format(
                'ALTER DATABASE %I RESET %I;', pg_catalog.current_database(), f.name
            )
        when 'user' then pg_catalog.format('ALTER ROLE %I RESET %I;', session_user, f.name)
        when 'database user'
            then pg_catalog.format(
                'ALTER ROLE %I IN DATABASE %I RESET %I;',
                session_user, pg_catalog.current_database(), f.name
            )
        else pg_catalog.format(
            'ALTER SYSTEM SET %I = %L; SELECT pg_catalog.pg_reload_conf();', f.name, f.recommended
        )
    end as remediation,
    pg_catalog.jsonb_build_object(
        'current', f.current, 'recommended', f.recommended, 'source', f.source,
        'restart_needed', false, 'risk', 'safe'
    ) as details
from found as f
order by f.name
