-- For each table, materialized view and sequence of the database, system catalogs and large objects
-- among them, a query for what is in it: place, transactions and content of all its rows. An update
-- that writes the same, a row lock that was kept, and an insert that was rolled back late all show.
select pg_catalog.format(
        'select %L, pg_catalog.count(*)::text || '' '' || coalesce(pg_catalog.sum(pg_catalog.hashtextextended('
        '%s, 0)), 0)::text from only %s as every_row',
        c.oid::pg_catalog.regclass::text,
        case
            -- A sequence has no row type.
            when c.relkind = 'S' then 'pg_catalog.concat_ws('' '', every_row.last_value, every_row.log_cnt, every_row.is_called)'
            else 'every_row.ctid::text || '' '' || every_row.xmin::text || '' '' || every_row.xmax::text || pg_catalog.record_out(every_row)::text'
        end,
        c.oid::pg_catalog.regclass
    )
from pg_catalog.pg_class as c
where c.relkind in ('r', 'm', 'S')
    and c.relpersistence <> 't'
    and (c.relkind <> 'm' or c.relispopulated)
order by c.oid
