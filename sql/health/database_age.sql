-- How far each database is on the way to transaction id and multixact wraparound.
--
-- All databases, also those that nobody can connect to; invalid ones (datconnlimit -2) hold
-- nothing back. Ids are counted in percent of 2^31; the server stops assigning them 3 million
-- before that (varsup.c and multixact.c, from PostgreSQL 14). Autovacuum should freeze at
-- autovacuum_freeze_max_age (multixacts: autovacuum_multixact_freeze_max_age), and goes without
-- indexes and delays past vacuum_failsafe_age (vacuum_multixact_failsafe_age), but not before
-- 1.05 times the former. Catalogs: pg_database, and pg_class for the oldest table of a database
-- that is found. Thresholds: information above database_age_overdue (1.5) times the age at which
-- autovacuum freezes and above database_age_least (400 million); warning from
-- database_age_warning (50 %) or, when overdue, past the failsafe; critical from
-- database_age_critical (65 %, which is before the failsafe at 75 %). Source: the manual's
-- chapter on preventing wraparound, which asks for a plain VACUUM in an emergency; dasha and
-- check_postgres for the percents. Needs no privileges.
with limits as (
    select
        pg_catalog.current_setting('mcp_advisor.health_database_age_warning')::double precision
            as warning,
        pg_catalog.current_setting('mcp_advisor.health_database_age_critical')::double precision
            as critical,
        pg_catalog.current_setting('mcp_advisor.health_database_age_overdue')::double precision
            as overdue,
        pg_catalog.current_setting('mcp_advisor.health_database_age_least')::bigint as least,
        pg_catalog.current_setting('autovacuum_freeze_max_age')::bigint as freeze,
        pg_catalog.current_setting('autovacuum_multixact_freeze_max_age')::bigint as freeze_multi,
        pg_catalog.current_setting('vacuum_failsafe_age')::bigint as failsafe,
        pg_catalog.current_setting('vacuum_multixact_failsafe_age')::bigint as failsafe_multi
),

aged as (
    select
        d.datname,
        d.datallowconn,
        l.*,
        k.*
    from pg_catalog.pg_database as d
    cross join limits as l
    cross join lateral (
        select
            k.kind,
            k.age,
            k.age_limit,
            k.age > k.failsafe_limit as failsafe_due,
            k.age > greatest(l.least, l.overdue * k.age_limit) as is_overdue
        from (
            values
            (
                'transaction ids',
                pg_catalog.age(d.datfrozenxid)::bigint,
                l.freeze,
                greatest(l.failsafe, 1.05 * l.freeze)
            ),
            (
                'multixact ids',
                pg_catalog.mxid_age(d.datminmxid)::bigint,
                l.freeze_multi,
                greatest(l.failsafe_multi, 1.05 * l.freeze_multi)
            )
        ) as k (kind, age, age_limit, failsafe_limit)
    ) as k
    where d.datconnlimit <> -2
),

graded as (
    select
        a.*,
        100.0 * a.age / 2147483648 as percent,
        2147483647 - 3000000 - a.age as remaining,
        pg_catalog.row_number() over (order by a.age desc, a.datname, a.kind desc) as place,
        a.datname = pg_catalog.current_database() as is_here
    from aged as a
),

judged as (
    select
        g.*,
        case
            when g.percent >= g.critical then 'critical'
            when g.percent >= g.warning or g.is_overdue and g.failsafe_due then 'warning'
            when g.is_overdue then 'info'
            else 'ok'
        end as severity
    from graded as g
)

select
    j.severity,
    pg_catalog.quote_ident(j.datname) as object,
    pg_catalog.round(j.percent, 1)::double precision as value,
    '%' as unit,
    j.warning || ' %' as threshold,
    pg_catalog.format(
        case
            when j.severity = 'ok' then 'is the oldest database, with %1$s %% of the %2$s used'
            else 'has used %1$s %% of the %2$s, %3$s million are left%4$s: '
                'end what the check xmin_horizon names, then VACUUM %5$s'
        end,
        pg_catalog.round(j.percent, 1), j.kind, pg_catalog.round(j.remaining / 1e6),
        case when j.failsafe_due then ', and the failsafe of VACUUM is due' end,
        case
            when pg_catalog.pg_is_in_recovery() then 'it on the primary'
            when j.is_here then 'it'
            when j.datallowconn then 'it when connected to it'
            else 'it, which takes autovacuum as long as nobody may connect to it'
        end
    ) as message,
    case
        when j.severity = 'ok' or not j.is_here or pg_catalog.pg_is_in_recovery() then null
        when j.severity = 'critical' then 'VACUUM;'
        else 'VACUUM (FREEZE);'
    end as remediation,
    pg_catalog.jsonb_build_object(
        'kind', j.kind, 'age', j.age, 'remaining_before_stop', j.remaining,
        'autovacuum_freezes_at', j.age_limit, 'failsafe_due', j.failsafe_due, 'risk', 'safe',
        'oldest_table', case when j.severity <> 'ok' and j.is_here then (
            select c.oid::regclass::text
            from pg_catalog.pg_class as c
            where c.relkind in ('r', 'm', 't')
            order by
                case j.kind
                    when 'multixact ids' then pg_catalog.mxid_age(c.relminmxid)
                    else pg_catalog.age(c.relfrozenxid)
                end desc, c.oid
            limit 1
        ) end
    ) as details
from judged as j
where j.severity <> 'ok' or j.place = 1
order by j.age desc, j.datname, j.kind desc
