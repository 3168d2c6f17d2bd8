-- The extension's schema, quoted, and whether the caller can write to the memory now; no row where
-- the extension was created before it had one.
select
    pg_catalog.quote_ident(n.nspname),
    pg_catalog.current_setting('transaction_read_only')::boolean or pg_catalog.pg_is_in_recovery(),
    pg_catalog.has_table_privilege(a.oid, 'INSERT')
    and pg_catalog.has_table_privilege(a.oid, 'UPDATE')
    and pg_catalog.has_table_privilege(a.oid, 'SELECT')
    and pg_catalog.has_table_privilege(s.oid, 'INSERT')
    and pg_catalog.has_table_privilege(s.oid, 'UPDATE')
    and pg_catalog.has_table_privilege(s.oid, 'SELECT')
from pg_catalog.pg_extension as e
inner join pg_catalog.pg_namespace as n
    on n.oid = e.extnamespace
inner join pg_catalog.pg_class as a
    on a.relnamespace = n.oid
    and a.relname = 'mcp_advice'
inner join pg_catalog.pg_class as s
    on s.relnamespace = n.oid
    and s.relname = 'mcp_advice_statement'
where e.extname = 'mcp_advisor'
