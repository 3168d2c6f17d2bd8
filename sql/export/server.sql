-- What the numbers of a document depend on beside the tables.
select
    pg_catalog.current_setting('server_version_num')::integer as version_num,
    pg_catalog.current_setting('block_size')::integer as block_size,
    pg_catalog.pg_encoding_to_char(d.encoding)::text as encoding,
    d.datcollate::text as collate,
    d.datctype::text as ctype
from pg_catalog.pg_database as d
where d.datname = pg_catalog.current_database()
