-- How long this major version is maintained, and whether a minor release is missing.
--
-- A version that is no longer maintained gets no fix for what is found in it. What is known of
-- minor releases has a date, and newer versions than the list knows are never called old.
-- Catalogs: none, server_version_num. Threshold: server_version_notice (180 days): how long before
-- the end it is said. Source: https://www.postgresql.org/support/versioning/ and the release
-- announcements.
with known (major, minor, known_on, ends_on) as (
    values
    (14, 23, date '2026-05-14', date '2026-11-12'),
    (15, 20, date '2026-11-12', date '2027-11-11'),
    (16, 15, date '2026-08-13', date '2028-11-09'),
    (17, 11, date '2026-08-13', date '2029-11-08'),
    (18, 6, date '2026-08-13', date '2030-11-14')
),

running as (
    select
        pg_catalog.current_setting('server_version_num')::integer / 10000 as major,
        pg_catalog.current_setting('server_version_num')::integer % 10000 as minor,
        (pg_catalog.now() at time zone 'UTC')::date as today,
        extract(
            epoch from
            pg_catalog.current_setting('mcp_advisor.health_server_version_notice')::interval
        ) / 86400 as notice
)

select
    case when r.today > k.ends_on then 'warning' else 'info' end as severity,
    pg_catalog.format('PostgreSQL %s', r.major) as object,
    (k.ends_on - r.today)::double precision as value,
    'days' as unit,
    pg_catalog.format('maintained for %s days', pg_catalog.round(r.notice)) as threshold,
    case
        when r.today > k.ends_on
            then pg_catalog.format(
                'is no longer maintained since %s: upgrade to a later major version (pg_upgrade)',
                k.ends_on
            )
        else pg_catalog.format(
            'is maintained until %s only: plan the upgrade to a later major version (pg_upgrade)',
            k.ends_on
        )
    end as message,
    null as remediation,
    pg_catalog.jsonb_build_object(
        'server_version', pg_catalog.current_setting('server_version'), 'ends_on', k.ends_on
    ) as details
from running as r
inner join known as k
    on k.major = r.major
where k.ends_on - r.today < r.notice

union all

select
    'info',
    pg_catalog.format('PostgreSQL %s.%s', r.major, r.minor),
    k.minor - r.minor,
    'releases',
    pg_catalog.format('%s.%s, known on %s', k.major, k.minor, k.known_on),
    pg_catalog.format(
        'lacks the fixes of %s minor releases: install at least %s.%s and restart the server, '
        'the data stay as they are', k.minor - r.minor, k.major, k.minor
    ),
    null,
    pg_catalog.jsonb_build_object(
        'server_version', pg_catalog.current_setting('server_version'),
        'known_minor', k.minor, 'known_on', k.known_on
    )
from running as r
inner join known as k
    on k.major = r.major
where r.minor < k.minor

order by 1 desc, 2
