--- Statements that restricted mode must run: what libraries and editors ask about a schema.

-- object-relational mappers
select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, pg_get_expr(d.adbin, d.adrelid) as default_value, a.attnotnull, a.atttypid, a.atttypmod, c.collname, col_description(a.attrelid, a.attnum) as comment, a.attidentity, a.attgenerated from pg_attribute as a left join pg_attrdef as d on (a.attrelid, a.attnum) = (d.adrelid, d.adnum) left join pg_type as t on t.oid = a.atttypid left join pg_collation as c on c.oid = a.attcollation and a.attcollation <> t.typcollation where a.attrelid = '"contacts"'::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum

select distinct i.relname, d.indisunique, d.indkey, pg_get_indexdef(d.indexrelid), obj_description(i.oid, 'pg_class'), d.indisvalid from pg_class as t join pg_index as d on d.indrelid = t.oid join pg_class as i on i.oid = d.indexrelid join pg_namespace as n on n.oid = t.relnamespace where i.relkind in ('i', 'I') and not d.indisprimary and t.relname = 'orders' and n.nspname = any (current_schemas(false)) order by i.relname

select t.oid, t.typname, t.typelem, t.typdelim, t.typinput, r.rngsubtype, t.typtype, t.typbasetype from pg_type as t left join pg_range as r on r.rngtypid = t.oid where t.typname in ('int4', 'text', 'jsonb', 'order_state') or t.typtype in ('r', 'e', 'd') or t.typinput = 'array_in(cstring,oid,integer)'::regprocedure or t.typelem <> 0

select k.conname as name, t2.oid::regclass::text as to_table, a1.attname as column, a2.attname as primary_key, k.confupdtype, k.confdeltype, k.convalidated, k.condeferrable, k.conkey, k.confkey from pg_constraint as k join pg_class as t1 on t1.oid = k.conrelid join pg_class as t2 on t2.oid = k.confrelid join pg_attribute as a1 on a1.attnum = k.conkey[1] and a1.attrelid = t1.oid join pg_attribute as a2 on a2.attnum = k.confkey[1] and a2.attrelid = t2.oid where k.contype = 'f' and t1.relname = 'orders' order by k.conname

select a.attname from (select indrelid, indkey, generate_subscripts(indkey, 1) as idx from pg_index where indrelid = 'order_items'::regclass and indisprimary) as i join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[i.idx] order by i.idx

select t.typname, array_agg(e.enumlabel order by e.enumsortorder) from pg_type as t join pg_enum as e on e.enumtypid = t.oid join pg_namespace as n on n.oid = t.typnamespace where n.nspname = any (current_schemas(true)) group by t.oid, t.typname

select c.relname, case when c.relispartition then 'p' when c.relkind in ('m', 'v') then 'v' else 't' end as kind, obj_description(c.oid, 'pg_class') from pg_class as c left join pg_namespace as n on n.oid = c.relnamespace where c.relkind in ('f', 'm', 'p', 'r', 'v') and n.nspname not in ('pg_catalog', 'pg_toast') and pg_table_is_visible(c.oid)

select k.conname, array(select a.attname from unnest(k.conkey) with ordinality as u (n, i) join pg_attribute as a on a.attnum = u.n where a.attrelid = k.conrelid order by u.i) as columns, k.contype, (select fk.relname || '.' || fa.attname from pg_attribute as fa join pg_class as fk on fk.oid = fa.attrelid where fa.attrelid = k.confrelid and fa.attnum = k.confkey[1]) as target, c.reloptions from pg_constraint as k join pg_class as c on c.oid = k.conrelid where c.relname = 'order_items'

select cl.oid, cl.relname, json_agg(json_build_object('name', a.attname, 'type', t.typname, 'dims', a.attndims) order by a.attnum) as columns from pg_class as cl join pg_attribute as a on a.attrelid = cl.oid and a.attnum > 0 join pg_type as t on t.oid = a.atttypid where cl.relnamespace = 'public'::regnamespace and cl.relkind = 'r' group by cl.oid, cl.relname

select c.relname, pg_get_partkeydef(c.oid), pg_get_expr(ch.relpartbound, ch.oid) from pg_class as c join pg_inherits as i on i.inhparent = c.oid join pg_class as ch on ch.oid = i.inhrelid where c.relkind = 'p'

select exists (select from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where c.relname = 'schema_migrations' and n.nspname = current_schema())

select pg_catalog.version(), pg_catalog.current_schema(), current_setting('standard_conforming_strings'), current_setting('transaction_isolation'), cast('test plain returns' as varchar(60)) as plain

select sequence_schema, sequence_name, start_value, minimum_value, maximum_value, increment, cycle_option from information_schema.sequences

select typname, oid, typarray, to_regtype('hstore') is not null as has_hstore from pg_type where typname = 'citext' or oid = to_regtype('hstore')

-- the information schema
select table_catalog, table_schema, table_name, table_type from information_schema.tables where table_schema not in ('information_schema', 'pg_catalog') order by 2, 3

select column_name, ordinal_position, column_default, is_nullable, data_type, character_maximum_length, numeric_precision, numeric_scale, datetime_precision, udt_name, is_identity, identity_generation, is_generated, generation_expression from information_schema.columns where table_schema = 'public' and table_name = 'contacts' order by ordinal_position

select tc.constraint_name, tc.constraint_type, kcu.column_name, ccu.table_name as foreign_table, ccu.column_name as foreign_column, rc.update_rule, rc.delete_rule from information_schema.table_constraints as tc join information_schema.key_column_usage as kcu using (constraint_schema, constraint_name) join information_schema.constraint_column_usage as ccu using (constraint_schema, constraint_name) left join information_schema.referential_constraints as rc using (constraint_schema, constraint_name) where tc.constraint_type = 'FOREIGN KEY'

select check_clause, constraint_name from information_schema.check_constraints where constraint_schema = 'public'

select table_name, view_definition, is_updatable from information_schema.views where table_schema = 'public'

select routine_schema, routine_name, routine_type, data_type, external_language, is_deterministic, routine_definition from information_schema.routines where routine_schema in ('public', 'app')

select specific_name, parameter_name, parameter_mode, data_type, ordinal_position from information_schema.parameters where specific_schema = 'app' order by specific_name, ordinal_position

select trigger_name, event_manipulation, event_object_table, action_statement, action_timing from information_schema.triggers

select domain_name, data_type, domain_default from information_schema.domains where domain_schema = 'public'

select u.udt_schema, u.udt_name, u.column_name, e.data_type from information_schema.column_udt_usage as u left join information_schema.element_types as e on e.object_name = u.table_name and e.object_schema = u.table_schema limit 20

select grantor, grantee, table_name, privilege_type, is_grantable from information_schema.table_privileges where table_schema = 'public' limit 10

select schema_name, schema_owner from information_schema.schemata

select view_name, table_name from information_schema.view_table_usage where view_schema = 'public'

select role_name from information_schema.enabled_roles union select grantee from information_schema.applicable_roles

select sizing_name, supported_value from information_schema.sql_sizing where sizing_id = 34

-- editors and administration tools
select d.oid, d.datname, pg_get_userbyid(d.datdba) as owner, pg_encoding_to_char(d.encoding) as encoding, d.datcollate, d.datctype, d.datacl, has_database_privilege(d.oid, 'CREATE') as can_create, shobj_description(d.oid, 'pg_database') from pg_database as d where d.datname = current_database()

select n.oid, n.nspname, pg_get_userbyid(n.nspowner), n.nspacl, has_schema_privilege(n.oid, 'CREATE'), has_schema_privilege(n.oid, 'USAGE'), obj_description(n.oid, 'pg_namespace') from pg_namespace as n where n.nspname !~ '^pg_t(oast|emp)' order by 2

select p.oid, p.proname, pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid), pg_get_functiondef(p.oid), p.provolatile, p.prosecdef, p.proleakproof, p.procost, p.proconfig, l.lanname, pg_get_function_sqlbody(p.oid) from pg_proc as p join pg_language as l on l.oid = p.prolang where p.pronamespace = 'app'::regnamespace and p.prokind <> 'a'

select p.oid::regprocedure, a.aggkind, a.aggtransfn, a.aggfinalfn, a.aggtranstype::regtype, a.agginitval from pg_aggregate as a join pg_proc as p on p.oid = a.aggfnoid where p.pronamespace = 'app'::regnamespace

select o.oprname, o.oprleft::regtype, o.oprright::regtype, o.oprresult::regtype, o.oprcode from pg_operator as o where o.oprnamespace = 'app'::regnamespace

select r.rulename, r.ev_type, pg_get_ruledef(r.oid, true) from pg_rewrite as r where r.ev_class = 'customer_totals'::regclass

select pg_get_viewdef(c.oid, true), pg_get_viewdef(c.oid, 80) from pg_class as c where c.relkind in ('v', 'm') and c.relnamespace = 'public'::regnamespace

select polname, polcmd, polroles::regrole[], pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) from pg_policy

select dep.deptype, pg_describe_object(dep.classid, dep.objid, dep.objsubid), pg_describe_object(dep.refclassid, dep.refobjid, dep.refobjsubid), (pg_identify_object(dep.classid, dep.objid, dep.objsubid)).identity from pg_depend as dep where dep.refobjid = 'orders'::regclass

select t.tgname, pg_get_triggerdef(t.oid, true), t.tgenabled, t.tgfoid::regproc from pg_trigger as t where t.tgrelid = 'orders'::regclass

select conname, contype, pg_get_constraintdef(oid, true), conindid::regclass from pg_constraint where conrelid in ('orders'::regclass, 'contacts'::regclass) or contypid = 'email_address'::regtype

select (aclexplode(coalesce(c.relacl, acldefault('r', c.relowner)))).grantee::regrole, (aclexplode(coalesce(c.relacl, acldefault('r', c.relowner)))).privilege_type from pg_class as c where c.oid = 'orders'::regclass

select c.oid, c.relname, c.relhastriggers, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, array_to_string(c.reloptions, ', '), am.amname, ts.spcname, pg_size_pretty(pg_relation_size(c.oid, 'fsm')) from pg_class as c left join pg_am as am on am.oid = c.relam left join pg_tablespace as ts on ts.oid = c.reltablespace where c.relname = 'orders'

select castsource::regtype, casttarget::regtype, castfunc::regprocedure, castcontext from pg_cast where castsource = 'money_amount'::regtype

select f.fdwname, s.srvname, s.srvtype, ft.ftrelid::regclass from pg_foreign_data_wrapper as f left join pg_foreign_server as s on s.srvfdw = f.oid left join pg_foreign_table as ft on ft.ftserver = s.oid

select evtname, evtevent, evtfoid::regproc from pg_event_trigger

select word, catcode, catdesc, barelabel from pg_get_keywords() order by word limit 5

select has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE') as writes, has_any_column_privilege(c.oid, 'SELECT'), row_security_active(c.oid), pg_relation_is_updatable(c.oid, true), c.oid::regclass from pg_class as c where c.relkind in ('r', 'v') and c.relnamespace = 'public'::regnamespace

select rolname, rolcreaterole, rolreplication, rolbypassrls, array(select b.rolname from pg_auth_members as m join pg_roles as b on b.oid = m.roleid where m.member = r.oid) as member_of from pg_roles as r where rolname !~ '^pg_' order by 1

select cfgname, cfgparser::regproc::text is null, dictname from pg_ts_config, pg_ts_dict where cfgname = 'english' and dictname = 'english_stem'
