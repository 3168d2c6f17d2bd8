//! What there is before the role is made.

use serde::Deserialize;
use serde_json::Value;

use crate::db::{Param, Session};
use crate::error::{Kind, ToolError};
use crate::tools::source;

/// $1: the role. $2: schemas.
const FACTS: &str = "
with me as (select r.* from pg_catalog.pg_roles as r where r.rolname = current_user),

target as (select r.* from pg_catalog.pg_roles as r where r.rolname = $1),

visible as (
    select c.oid, n.nspname, c.relname
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'f')
        and n.nspname not in ('pg_catalog', 'information_schema')
        and n.nspname not like 'pg\\_t%'
)

select
    current_user as me,
    current_database() as database,
    (select rolsuper from me) as superuser,
    (select rolcreaterole or rolsuper from me) as may_create,
    exists (select from target) as exists,
    array_to_json(array(
        select a.name
        from target as t
        cross join lateral (values
            ('SUPERUSER', t.rolsuper), ('CREATEDB', t.rolcreatedb), ('CREATEROLE', t.rolcreaterole),
            ('REPLICATION', t.rolreplication), ('BYPASSRLS', t.rolbypassrls)
        ) as a (name, given)
        where a.given
    )) as attributes,
    array_to_json(array(
        select g.rolname
        from pg_catalog.pg_auth_members as m
        join target as t on t.oid = m.member
        join pg_catalog.pg_roles as g on g.oid = m.roleid
        where g.rolname not in (
            'pg_monitor', 'pg_read_all_settings', 'pg_read_all_stats', 'pg_stat_scan_tables',
            'pg_read_all_data'
        )
        order by 1
    )) as memberships,
    (
        select count(*)
        from pg_catalog.pg_shdepend as d
        join target as t on t.oid = d.refobjid
        where d.refclassid = 'pg_catalog.pg_authid'::regclass and d.deptype = 'o'
    ) as owned,
    array_to_json(array(
        select s.name
        from json_array_elements_text($2::json) with ordinality as s (name, at)
        where not exists (
            select from pg_catalog.pg_namespace as n where n.nspname = s.name
        )
        order by s.at
    )) as unknown_schemas,
    (
        select coalesce(json_object_agg(o.nspname, o.owners), '{}')
        from (
            select n.nspname, json_agg(distinct r.rolname) as owners
            from pg_catalog.pg_class as c
            join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
            join pg_catalog.pg_roles as r on r.oid = c.relowner
            where n.nspname in (select json_array_elements_text($2::json))
                and c.relkind in ('r', 'p', 'v', 'm', 'f')
                and pg_has_role(r.oid, 'usage')
            group by n.nspname
        ) as o
    ) as owners,
    (
        select n.nspname
        from pg_catalog.pg_extension as e
        join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
        where e.extname = 'mcp_advisor'
    ) as extension_schema,
    exists (
        select from pg_catalog.pg_available_extensions as a where a.name = 'mcp_advisor'
    ) as extension_available,
    -- A library that is loaded and does not know the setting refuses it.
    not exists (select from pg_catalog.pg_settings as s where s.name like 'mcp\\_advisor.%')
    or exists (select from pg_catalog.pg_settings as s where s.name = 'mcp_advisor.guard') as has_guard,
    has_database_privilege('public', current_database(), 'TEMP') as public_temp,
    array_to_json(array(
        select n.nspname
        from pg_catalog.pg_namespace as n
        where has_schema_privilege(coalesce((select rolname from target), 'public'), n.oid, 'CREATE')
        order by 1
    )) as creatable_schemas,
    array_to_json(array(
        select format('%I.%I', v.nspname, v.relname)
        from visible as v
        where has_table_privilege(
            coalesce((select rolname from target), 'public'), v.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'
        )
        order by 1
    )) as writable_tables,
    array_to_json(array(
        select p.oid::regprocedure::text
        from pg_catalog.pg_proc as p
        where p.prosecdef
            and p.provolatile = 'v'
            and p.oid >= 16384
            and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
            and has_function_privilege(
                coalesce((select rolname from target), 'public'), p.oid, 'EXECUTE'
            )
        order by 1
    )) as definer_functions";

/// What there is.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Facts {
    /// The role that is connected.
    pub(super) me: String,
    pub(super) database: String,
    pub(super) superuser: bool,
    pub(super) may_create: bool,
    /// Whether the role is there already.
    pub(super) exists: bool,
    /// Its powers beyond logging in.
    pub(super) attributes: Vec<String>,
    /// Roles that it is a member of, other than those that only read.
    pub(super) memberships: Vec<String>,
    /// How many objects it owns, in all databases.
    pub(super) owned: i64,
    pub(super) unknown_schemas: Vec<String>,
    /// Owners of tables, by schema.
    pub(super) owners: std::collections::BTreeMap<String, Vec<String>>,
    pub(super) extension_schema: Option<String>,
    pub(super) extension_available: bool,
    pub(super) has_guard: bool,
    pub(super) public_temp: bool,
    /// Schemas in which the role, or everybody, may create.
    pub(super) creatable_schemas: Vec<String>,
    /// Tables that the role, or everybody, may change.
    pub(super) writable_tables: Vec<String>,
    /// Functions that run with their owner's rights and may write, which the role may call.
    pub(super) definer_functions: Vec<String>,
    /// Where CREATE EXTENSION would put its objects.
    #[serde(default)]
    pub(super) current_schema: Option<String>,
}

impl Facts {
    /// Asks the server.
    ///
    /// # Errors
    /// As [`Session::rows`].
    pub(super) async fn read(
        session: &mut Session,
        role: &str,
        schemas: &[String],
    ) -> Result<Self, ToolError> {
        let own = session.rows("select pg_catalog.current_schema() as name", &[]).await?;
        source::own_path(session).await?;
        let schemas = serde_json::json!(schemas).to_string();
        let params = [Param::Text(Some(role)), Param::Text(Some(&schemas))];
        let row = session.rows(FACTS, &params).await?.pop().unwrap_or_default();
        let facts: Self = serde_json::from_value(Value::Object(row)).map_err(|error| {
            ToolError::new(Kind::Internal, format!("catalog's answer is not understood: {error}"))
        })?;
        let current = own.first().and_then(|row| row.get("name")).and_then(Value::as_str);
        Ok(Self { current_schema: current.map(str::to_owned), ..facts })
    }
}
