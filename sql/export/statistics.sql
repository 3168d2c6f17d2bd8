-- Statistics of columns and of the expressions of indexes, as pg_stats shows them: only of columns
-- that the caller may read, and of no table whose rows are hidden from him. Whether values that occur
-- in rows are wanted, and those of ranges, which pg_stats has from PostgreSQL 17, are filled in.
select
    s.schemaname as schema,
    s.tablename as relation,
    s.attname as column,
    s.inherited,
    s.null_frac,
    s.avg_width,
    s.n_distinct,
    s.correlation,
    case when {values} then s.most_common_vals::text end as mcv,
    case when {values} then s.most_common_freqs end as mcv_freqs,
    case when {values} then s.histogram_bounds::text end as histogram,
    case when {values} then s.most_common_elems::text end as elements,
    case when {values} then s.most_common_elem_freqs end as element_freqs,
    case when {values} then s.elem_count_histogram end as element_counts{ranges}
from pg_catalog.pg_stats as s
join own_schema as n
    on n.name = s.schemaname
order by s.schemaname, s.tablename, s.attname, s.inherited
