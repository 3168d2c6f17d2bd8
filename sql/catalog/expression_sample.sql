-- The values of {expression} in a sample of the rows of {relation}, which {rows} picks: what is
-- needed to sum them up as ANALYZE does.
--
-- Values of more than 1,024 bytes are only counted, as there. Returns rows, values that are not
-- NULL, those that are not too wide, average width in memory, average width as an index stores them
-- (a row of one column has 24 bytes of header), correlation of value order and physical order, the
-- different values in ascending order, how often each was met, and {hashes}: one for each row with a
-- value, or NULL.
with sample as materialized (
    select
        {expression} as value,
        ctid as place
    from only {relation}
    {rows}
),

narrow as materialized (
    select
        value,
        pg_catalog.row_number() over (order by place) as place
    from sample
    where value is not null and pg_catalog.pg_column_size(value) <= 1024
),

ranked as (
    select
        place,
        pg_catalog.row_number() over (order by value, place) as rank
    from narrow
),

counted as (
    select
        value,
        pg_catalog.count(*) as times
    from narrow
    group by value
)

select
    (select pg_catalog.count(*) from sample),
    (select pg_catalog.count(value) from sample),
    (select pg_catalog.count(*) from narrow),
    (select pg_catalog.avg(pg_catalog.pg_column_size(value))::pg_catalog.float8 from sample),
    (
        select pg_catalog.avg(pg_catalog.pg_column_size(row(value)) - 24)::pg_catalog.float8
        from sample
        where value is not null
    ),
    (select pg_catalog.corr(rank, place) from ranked),
    (select {values} from counted),
    (select pg_catalog.array_agg(times order by value) from counted),
    {hashes}
