-- Calls that are answered, one a paragraph, all functions among them but those that
-- tests/tests/robust/every_function.rs calls by itself.

select * from mcp_advise_indexes();

select * from mcp_advise_indexes(array[
    'select * from plain where k = 5 and m = 3 order by day desc limit 10',
    'select * from parts where lower(note) = ''x'' and flag', 'select * from plain where doc @> ''{"a": 5}''',
    'select * from plain where tags @> array[5] and vec @@ to_tsquery(''w1'')', 'select * from plain order by loc <-> point ''(3,4)'' limit 5',
    'select count(*) from heirs as a join plain as b on a.k = b.m where b.day between $1 and $2',
    'update plain set k = $1 where note = $2', 'insert into plain (id) values ($1)', 'delete from parts where big = 7',
    'merge into plain as t using heirs as s on s.id = t.k when matched then update set k = s.k when not matched then do nothing',
    'select * from seen_twice where upper(code) = $1', 'select * from "Größe 🦀 sel""ect"."ключ''; -- x" where k = 5 and m = 7',
    'select', 'broken', 'select failing(5) from plain', 'select * from far', 'truncate plain'],
    storage_budget => 10000000, max_columns => 4, min_improvement => 0.01, pareto_ratio => 1, time_limit => null, max_queries => 50);

set mcp_advisor.size_model = hypopg; select * from mcp_advise_indexes(array['select * from plain where m = 3 and k = 5']); reset mcp_advisor.size_model;

select mcp_advise_report(array['select * from plain where m = 3 and day = ''2020-05-05''', 'select * from parts where note like ''ab%'''], plans => true);

select mcp_advise_report(plans => false);

select * from mcp_advise_drops(with_advice => true);

select * from mcp_advise_drops(array['select * from plain where k = 5']);

select * from mcp_advise_statistics();

select * from mcp_advise_statistics(array['select * from plain where k = 5 and m = 3', 'select * from plain where code = ''c5'' and fixed = ''f5''']);

select mcp_whatif_indexes(array['create index on plain (m, k)', 'create index on plain using gin (tags)', 'create index on parts (big) where flag']);

select mcp_whatif_indexes(array['create index on plain (m, k)'], array['select * from plain where m = 5']);

select * from mcp_whatif_benchmark(array['select * from plain where m = 5 and k = 3', 'select count(*) from plain a join parts b using (k)'], 6, 3);

select mcp_explain('select * from plain where k = $1 and day > $2', parameters => array['5', '2020-01-01'], format => 'json', verbose => true);

select mcp_explain('select * from plain where k = $1', generic_plan => true, format => 'yaml');

select mcp_explain('select * from plain where m = 3', array['create index on plain (m) include (k)', 'create index on plain (lower(note))'], array['plain_k_day_note_idx'::regclass], format => 'xml');

select mcp_explain('select count(*) from parts as a join heirs as b using (k)', "analyze" => true, wal => true, buffers => true, settings => true, timing => false);

select mcp_explain('update plain set k = 5 where id = 7');

select mcp_explain('update never set k = 5'), mcp_explain('table nothing');

select mcp_explain_report('select * from plain where note ilike ''%a%''', array['create index on plain using gin (note gin_trgm_ops)']);

select mcp_explain_report('select *, (select max(m) from heirs where heirs.k = plain.k) from plain where m = 3 order by note', "analyze" => true);

select mcp_explain_report(queryid => (select queryid from pg_stat_statements where query like 'select * from plain where k = $1%' limit 1));

select * from mcp_plan_findings('select * from plain where k::text = ''5'' and lower(code) = ''c5''');

select * from mcp_plan_findings('select * from plain as a, plain as b where a.m = b.m order by a.note', "analyze" => true);

select * from mcp_plan_findings_of('[{"Plan": {"Node Type": "Seq Scan", "Relation Name": "plain", "Alias": "plain", "Plan Rows": 10, "Plan Width": 4, "Total Cost": 100.0, "Startup Cost": 0.0, "Actual Rows": 100000, "Actual Loops": 1, "Rows Removed by Filter": 900000}}]'::json, 'select 1');

select * from mcp_health();

select * from mcp_health(array['index', 'unused_index', 'table_bloat', 'missing_index']);

select * from mcp_top_queries('total_time', 50, all_databases => true);

select * from mcp_top_queries('mean_time', delta_seconds => 1);

select * from mcp_statements_info();

select * from mcp_statement_counters();

select * from mcp_running_queries(all_databases => true);

select * from mcp_table_bloat('plain', 20), mcp_index_bloat('plain_k_day_note_idx', 20);

select mcp_sequence_last_value('counter'), mcp_sequence_last_value('plain');

select * from mcp_schemas();

select o.* from unnest(array['table', 'view', 'sequence', 'function', 'type', 'extension']) as x(kind), mcp_objects('public', x.kind) as o;

select * from mcp_objects('public', 'table');

select mcp_object('public', 'plain'), mcp_object('public', 'parts'), mcp_object('public', 'seen_sums', 'view'), mcp_object('public', 'wide');

select * from mcp_search_schema('note'), mcp_search_schema('größe') as x;

select * from mcp_schema_overview();

select * from mcp_schema_overview('public', 1000, 'public.plain');

select * from mcp_relationships();

select * from mcp_join_path('referring', 'plain'), mcp_join_path('plain', 'heirs') as x;

select x.query, c.* from unnest(array['select 1', 'select rows_of(5)', 'select failing(5) from seen_twice',
    'delete from plain', 'select nextval(''counter'')', 'select', 'with d as (delete from plain returning *) table d', 'table far',
    'select biggest(k) from hidden', 'select planned(k), folded(5) from plain']) as x(query), mcp_check_read_only(x.query) as c;

begin; select mcp_advice_observe(); select mcp_advice_mute('ix_0123456789abcdef', 'for a reason'); select mcp_advice_unmute('ix_0123456789abcdef');

select mcp_export_statistics(with_values => false);
