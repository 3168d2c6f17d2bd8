-- The collations that compare bytes, in which a plain b-tree finds prefixes.
select c.oid::bigint as collation
from pg_catalog.pg_collation as c
cross join pg_catalog.pg_database as d
where d.datname = pg_catalog.current_database()
    and case c.collprovider
        when 'd' then d.datlocprovider = 'c' and d.datcollate in ('C', 'POSIX')
        when 'c' then c.collcollate in ('C', 'POSIX')
        else false
    end
