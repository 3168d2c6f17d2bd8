-- Calls that are refused, one a paragraph.

select * from mcp_advise_indexes(array['selec']);

select * from mcp_advise_indexes(array[null]);

select * from mcp_advise_indexes(array['select 1'], max_columns => 0);

select * from mcp_advise_indexes(array['select 1'], min_improvement => 'NaN');

select mcp_explain(null);

select mcp_explain('select * from nowhere_at_all');

select mcp_explain('select * from plain where k = $1', parameters => array['x']);

select mcp_explain('select * from plain where k = 5', array['create index on plain (nothing)']);

select mcp_explain('select * from plain where k = 5', array['drop table plain']);

select mcp_explain('delete from plain', "analyze" => true);

select mcp_explain('select nextval(''counter'') from plain', "analyze" => true);

select mcp_explain('select failing(5)');

select mcp_explain('select * from far');

select mcp_explain('select 1; select 2');

select mcp_explain('select 1', format => 'html');

select mcp_explain_report('select * from plain where');

select mcp_whatif_indexes(array['create index on nowhere (x)']);

select mcp_whatif_indexes(null);

select * from mcp_plan_findings_of('{"a": [1, 2'::json);

select * from mcp_plan_findings_of('[1, 2]'::json);

select * from mcp_health(array['no_such_check']);

select * from mcp_top_queries('no such order');

select * from mcp_index_bloat('plain');

select * from mcp_index_bloat('plain_doc_idx');

select * from mcp_table_bloat('seen');

select mcp_object('public', 'no such table');

select * from mcp_join_path('plain', 'no such table');

select mcp_import_statistics('{"format": "none"}');

select mcp_advice_unmute(null);

set statement_timeout = '1 ms'; select * from mcp_advise_indexes(time_limit => null);

select * from mcp_check_read_only('select 1; select 2');

select * from mcp_check_read_only('selec');

select mcp_advice_mute('no such id', 'for no reason');

select * from mcp_check_read_only(repeat('select 1 where exists (', 400) || 'table parts' || repeat(')', 400));
