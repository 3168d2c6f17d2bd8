-- How far each database is on the way to transaction id and multixact wraparound.
--
-- The server stops assigning ids 3 million before 2^31. Freezing tables by VACUUM brings the age
-- down; something that holds the oldest transaction open (a session, a prepared transaction, a
-- replication slot) keeps it from doing so. Catalogs: pg_database. Thresholds, in percent of 2^31:
-- information above 1.5 times autovacuum_freeze_max_age and 400 million, which autovacuum should
-- have prevented; warning from 50 %, critical from 65 %, before the failsafe at 1.6 billion (75 %).
with aged as (
    select
        d.datname,
        greatest(pg_catalog.age(d.datfrozenxid), pg_catalog.mxid_age(d.datminmxid)) as age,
        pg_catalog.age(d.datfrozenxid) as xid_age,
        pg_catalog.mxid_age(d.datminmxid) as mxid_age,
        greatest(
            400000000,
            1.5 * pg_catalog.current_setting('autovacuum_freeze_max_age')::bigint
        ) as expected
    from pg_catalog.pg_database as d
),

graded as (
    select
        a.*,
        100.0 * a.age / 2147483648 as percent,
        pg_catalog.row_number() over (order by a.age desc, a.datname) as place
    from aged as a
)

select
    case
        when g.percent >= 65 then 'critical'
        when g.percent >= 50 then 'warning'
        when g.age > g.expected then 'info'
        else 'ok'
    end as severity,
    pg_catalog.quote_ident(g.datname) as object,
    pg_catalog.round(g.percent, 1)::double precision as value,
    '%' as unit,
    '50 %' as threshold,
    pg_catalog.format(
        case
            when g.percent >= 50 or g.age > g.expected
                then 'has used %s %% of the transaction ids: find what keeps VACUUM from freezing, '
                    'then VACUUM it'
            else 'is the oldest database, with %s %% of the transaction ids used'
        end,
        pg_catalog.round(g.percent, 1)
    ) as message,
    case
        when (g.percent >= 50 or g.age > g.expected) and g.datname = pg_catalog.current_database()
            then 'VACUUM (FREEZE);'
    end as remediation,
    pg_catalog.jsonb_build_object(
        'risk', 'safe',
        'xid_age', g.xid_age, 'multixact_age', g.mxid_age) as details
from graded as g
where g.age > g.expected or g.percent >= 50 or g.place = 1
order by g.age desc, g.datname
