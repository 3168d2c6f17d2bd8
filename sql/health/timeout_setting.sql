-- Whether anything ends a transaction that nobody ends.
--
-- Reported when none of the time limits is set at all, for the server or any role or database: then
-- one client that forgot its transaction keeps locks and dead rows for ever. Catalogs: pg_settings,
-- pg_db_role_setting. Threshold: timeout_setting_recommended (10 minutes), the limit that is
-- proposed for sessions idle in a transaction; what a session may take at work depends on
-- the work, so nothing is proposed for statements. Source: the manual, "Statement Behavior".
with names (name) as (
    values
    ('idle_in_transaction_session_timeout'),
    ('statement_timeout'),
    ('lock_timeout'),
    ('transaction_timeout')
),

server_wide as (
    select s.name, s.reset_val
    from pg_catalog.pg_settings as s
    where s.name in (select n.name from names as n)
),

recommended as (
    select
        extract(
            epoch from
            pg_catalog.current_setting('mcp_advisor.health_timeout_setting_recommended')::interval
        )::bigint as seconds
)

select
    'info' as severity,
    'idle_in_transaction_session_timeout' as object,
    0::double precision as value,
    's' as unit,
    r.seconds || ' s' as threshold,
    'no time limit is set for idle transactions, statements or locks, so a client that forgets '
    'its transaction keeps its locks and holds VACUUM back for ever' as message,
    pg_catalog.format(
        'ALTER SYSTEM SET idle_in_transaction_session_timeout = %L; '
        'SELECT pg_catalog.pg_reload_conf();', r.seconds || 's'
    ) as remediation,
    pg_catalog.jsonb_build_object(
        'current', (select pg_catalog.jsonb_object_agg(s.name, s.reset_val) from server_wide as s),
        'recommended', r.seconds || 's', 'restart_needed', false, 'risk', 'ends_session'
    ) as details
from recommended as r
where not exists (select from server_wide as s where s.reset_val <> '0')
    and not exists (
        select
        from pg_catalog.pg_db_role_setting as d
        cross join lateral pg_catalog.unnest(d.setconfig) as c (text)
        inner join names as n
            on n.name = pg_catalog.split_part(c.text, '=', 1)
        where pg_catalog.split_part(c.text, '=', 2) !~ '^0+\s*[a-z]*$'
    )
