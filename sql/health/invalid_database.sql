-- Databases whose DROP DATABASE was interrupted.
--
-- Their files are partly gone, nobody can connect, and what is left takes space and holds the
-- freezing of the whole cluster back. Catalogs: pg_database (datconnlimit is -2,
-- DATCONNLIMIT_INVALID_DB). Thresholds: none. Source: release notes of PostgreSQL 15.4.
select
    'warning' as severity,
    pg_catalog.quote_ident(d.datname) as object,
    pg_catalog.age(d.datfrozenxid)::double precision as value,
    'transactions of age' as unit,
    null as threshold,
    'is invalid: DROP DATABASE was interrupted, and nothing but finishing it is possible'
        as message,
    pg_catalog.format('DROP DATABASE %I;', d.datname) as remediation,
    pg_catalog.jsonb_build_object('oid', d.oid::bigint, 'risk', 'data_loss') as details
from pg_catalog.pg_database as d
where d.datconnlimit = -2
order by 3 desc, 2
