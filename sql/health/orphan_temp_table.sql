-- Temporary tables whose session is gone.
--
-- A crash leaves them behind. Their age counts for the whole database, and only their session
-- could VACUUM them. Autovacuum drops them when it comes to the database and no new session has
-- taken the place of the old one. The number in pg_temp_N is that of the backend: from PostgreSQL
-- 16 pg_stat_get_backend_idset() has the numbers that are taken; before, only pg_locks shows
-- them, for sessions that hold a lock. A table is left behind when its number is not taken in
-- this database, and cannot be told while there are sessions whose number is not shown; the
-- extension asks the server (checkTempNamespaceStatus() in namespace.c). Catalogs: pg_class,
-- pg_namespace, pg_locks, pg_stat_activity. Thresholds: information; warning when the table's age
-- is above orphan_temp_table_warning (50 %) of 2^31. Needs no privileges.
with temporary as materialized (
    select
        c.oid,
        c.relname,
        n.oid as namespace,
        n.nspname,
        pg_catalog.substr(n.nspname, 9)::integer as number,
        greatest(
            pg_catalog.age(nullif(c.relfrozenxid, '0')), pg_catalog.age(t.relfrozenxid), 0
        ) as age
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n
        on n.oid = c.relnamespace
    left join pg_catalog.pg_class as t
        on t.oid = c.reltoastrelid and c.reltoastrelid <> 0
    where c.relpersistence = 't'
        and c.relkind in ('r', 'p')
        and n.nspname ~ '^pg_temp_[0-9]{1,9}$'
        and n.oid <> pg_catalog.pg_my_temp_schema()
),

-- The numbers of sessions, as far as they can be known.
numbered as materialized (
    select distinct
        l.pid,
        pg_catalog.split_part(l.virtualtransaction, '/', 1)::integer as number
    from pg_catalog.pg_locks as l
    where pg_catalog.current_setting('server_version_num')::integer < 160000
        and exists (select from temporary)
        and l.pid is not null
        and l.virtualtransaction ~ '^[0-9]+/'

    union all

    select
        pg_catalog.pg_stat_get_backend_pid(b.id),
        b.id
    from pg_catalog.pg_stat_get_backend_idset() as b (id)
    where pg_catalog.current_setting('server_version_num')::integer >= 160000
        and exists (select from temporary)
),

-- The other sessions of this database.
session as materialized (
    select n.number
    from pg_catalog.pg_stat_activity as a
    left join numbered as n
        on n.pid = a.pid
    where a.datname = pg_catalog.current_database()
        and a.pid <> pg_catalog.pg_backend_pid()
        and exists (select from temporary)
),

candidate as (
    select
        t.*,
        pg_catalog.format('%I.%I', t.nspname, t.relname) as object,
        pg_catalog.current_setting('mcp_advisor.health_orphan_temp_table_warning')
            ::double precision as warning,
        100.0 * t.age / 2147483648 as percent,
        exists (select from session as s where s.number is null) as is_unsure
    from temporary as t
    where not exists (select from session as s where s.number = t.number)
),

graded as (
    select
        c.*,
        case when c.percent >= c.warning then 'warning' else 'info' end as severity,
        pg_catalog.row_number() over (order by c.age desc, c.object) as place
    from candidate as c
)

select
    g.severity,
    g.object,
    g.age::double precision as value,
    'transactions' as unit,
    g.warning || ' % of 2^31' as threshold,
    'is a temporary table of a session that is gone' as message,
    pg_catalog.format('DROP TABLE IF EXISTS %s CASCADE;', g.object) as remediation,
    pg_catalog.jsonb_build_object('age', g.age, 'schema', g.nspname, 'risk', 'data_loss') as details
from graded as g
where not g.is_unsure

union all

select
    'info',
    null,
    pg_catalog.count(*),
    'temporary tables',
    pg_catalog.min(g.warning) || ' % of 2^31',
    'before PostgreSQL 16, whether these are left behind can only be told by the extension '
        'mcp_advisor while other sessions are idle in this database',
    null,
    pg_catalog.jsonb_build_object(
        'ran', false,
        'candidates', pg_catalog.jsonb_agg(
            pg_catalog.jsonb_build_object(
                'object', g.object, 'age', g.age, 'schema', g.namespace::bigint,
                'severity', g.severity
            )
            order by g.place
        ) filter (where g.place <= 50)
    )
from graded as g
where g.is_unsure
having pg_catalog.count(*) > 0

order by 3 desc, 2
