-- Whether the server has the files of an extension ($1, its name).
select exists (
    select
    from pg_catalog.pg_available_extensions as e
    where e.name = $1
) as available
