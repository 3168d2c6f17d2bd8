-- Statistics of the expressions of extended statistics, as pg_stats_ext_exprs shows them.
select
    s.statistics_schemaname as schema,
    s.statistics_name as name,
    s.expr as expression,
    {inherited} as inherited,
    s.null_frac,
    s.avg_width,
    s.n_distinct,
    s.correlation,
    case when {values} then s.most_common_vals::text end as mcv,
    case when {values} then s.most_common_freqs end as mcv_freqs,
    case when {values} then s.histogram_bounds::text end as histogram,
    case when {values} then s.most_common_elems::text end as elements,
    case when {values} then s.most_common_elem_freqs end as element_freqs,
    case when {values} then s.elem_count_histogram end as element_counts
from pg_catalog.pg_stats_ext_exprs as s
join own_schema as n
    on n.name = s.schemaname
where s.avg_width is not null
order by 1, 2, 3, 4
