//! What psql's own `\d` commands say of an object, taken apart, to hold our answers against.

mod function;
mod index;
mod relation;
mod types;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::Value;

use crate::cluster::Cluster;

/// Objects of odd shape, in the schemas `odd` and `Odd "schema".x`.
pub const ODD: &str = include_str!("odd.sql");

/// A new database with [`ODD`]. Roles and a tablespace are the cluster's: once in each.
///
/// # Errors
/// What the server says.
pub fn odd_database(cluster: &Cluster, name: &str) -> Result<Client> {
    let mut client = cluster.create_database(name)?;
    client.batch_execute("set allow_in_place_tablespaces = on")?;
    client.batch_execute("create tablespace odd_space location ''")?;
    client.batch_execute(ODD)?;
    // The library sends a text of many statements in one transaction, where a row of this one
    // counts as not yet read.
    client.batch_execute("analyze odd.indexed, odd.of_types")?;
    Ok(client)
}

/// An object as our functions name it.
#[derive(Debug, Clone)]
pub struct Named {
    /// One of the kinds of `mcp_object`.
    pub kind: String,
    /// Its schema, unquoted.
    pub schema: String,
    /// Its name, unquoted.
    pub name: String,
}

/// All objects of these schemas; functions once a name.
///
/// # Errors
/// What the server says.
pub fn objects(client: &mut Client, schemas: &[&str]) -> Result<Vec<Named>> {
    let rows = client.query(
        "select case
                when c.relispartition and c.relkind in ('r', 'p', 'f') then 'partition'
                when c.relkind in ('r', 'p', 'f') then 'table'
                when c.relkind = 'v' then 'view' when c.relkind = 'm' then 'materialized view'
                when c.relkind = 'S' then 'sequence' when c.relkind in ('i', 'I') then 'index'
            end as kind, n.nspname::text, c.relname::text as name
        from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = any ($1) and c.relkind <> 'c'
        union all
        select 'type', n.nspname, t.typname
        from pg_type as t join pg_namespace as n on n.oid = t.typnamespace
        left join pg_class as c on c.oid = t.typrelid
        where n.nspname = any ($1) and coalesce(c.relkind, 'c') = 'c'
            and not exists (select from pg_type as e where e.typarray = t.oid)
        union
        select 'function', n.nspname, f.proname
        from pg_proc as f join pg_namespace as n on n.oid = f.pronamespace
        where n.nspname = any ($1)
        order by 1, 2, 3",
        &[&schemas],
    )?;
    Ok(rows
        .iter()
        .map(|row| Named { kind: row.get(0), schema: row.get(1), name: row.get(2) })
        .collect())
}

/// What psql prints for one object: a title, a table, and lines below it.
#[derive(Debug, Default)]
pub struct Printed {
    title: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    footers: Vec<String>,
}

/// Between the cells of a row, and between records: no name has them.
const FIELD: &str = "\u{1f}";
const RECORD: &str = "\u{1e}";

impl Printed {
    /// Runs a `\d` command for an object.
    ///
    /// # Errors
    /// When psql cannot be run or finds nothing.
    pub fn run(cluster: &Cluster, database: &str, command: &str, object: &Named) -> Result<Self> {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let pattern = format!("pattern={}.{}", quoted(&object.schema), quoted(&object.name));
        let output = cluster
            .client("psql")
            .args(["--no-psqlrc", "--no-align", "--field-separator", FIELD])
            .args(["--record-separator", RECORD, "--dbname", database, "--set", &pattern])
            .args(["--command", &format!("{command} :pattern")])
            // As our texts run, so that names are printed alike.
            .env("PGOPTIONS", "-c search_path=pg_catalog,pg_temp")
            .env("LC_ALL", "C.UTF-8")
            .output()
            .context("run psql")?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success() && error.is_empty(), "psql {command} {pattern}: {error}");
        Self::parse(&String::from_utf8(output.stdout)?)
            .with_context(|| format!("psql printed nothing for {command} {pattern}"))
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        let mut records = text.split(RECORD);
        let title = records.next()?.to_owned();
        let header: Vec<String> = records.next()?.split(FIELD).map(str::to_owned).collect();
        let mut printed = Self { title, header, ..Self::default() };
        for record in records {
            let cells: Vec<String> = record.split(FIELD).map(str::to_owned).collect();
            // Tables with one column have no separator, but none of psql's has one column.
            if printed.footers.is_empty() && cells.len() == printed.header.len() && cells.len() > 1
            {
                printed.rows.push(cells);
            } else {
                printed.footers.push(record.to_owned());
            }
        }
        Some(printed)
    }

    /// A cell by the name of its column; empty when there is no such column.
    fn cell(&self, row: &[String], column: &str) -> String {
        let at = self.header.iter().position(|name| name == column);
        at.and_then(|at| row.get(at)).cloned().unwrap_or_default()
    }
}

/// What was compared: how many facts, and which of them were not in the answer.
#[derive(Debug, Default)]
pub struct Facts {
    /// Facts of psql that were looked up.
    pub seen: usize,
    /// Facts that the answer lacks or has otherwise.
    pub wrong: Vec<String>,
}

impl Facts {
    fn holds(&mut self, what: &str, holds: bool) {
        self.seen += 1;
        if !holds {
            self.wrong.push(what.to_owned());
        }
    }

    /// A text of psql, where empty is absent, and ours.
    fn same(&mut self, what: &str, printed: &str, ours: &Value) {
        let found = text(ours);
        self.holds(
            &format!("{what}: psql has {printed:?}, the answer {found:?}"),
            printed == found,
        );
    }
}

/// A scalar as psql shows it; null and absent are empty.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

/// An access control list: an item a line.
fn acl(value: &Value) -> String {
    texts(value).join("\n")
}

/// The entry of a list for which something holds.
fn entry<'a>(object: &'a Value, list: &str, holds: impl Fn(&Value) -> bool) -> Option<&'a Value> {
    object[list].as_array().into_iter().flatten().find(|one| holds(one))
}

/// What psql shows of one object; each command is run once.
pub struct Shown<'a> {
    cluster: &'a Cluster,
    database: &'a str,
    object: &'a Named,
    storage: BTreeMap<String, String>,
    printed: RefCell<BTreeMap<&'static str, Rc<Printed>>>,
}

impl<'a> Shown<'a> {
    /// Of an object in a database to which `client` is connected.
    ///
    /// # Errors
    /// What the server says.
    pub fn new(
        cluster: &'a Cluster,
        client: &mut Client,
        database: &'a str,
        object: &'a Named,
    ) -> Result<Self> {
        let storage = relation::default_storage(client, object)?;
        Ok(Self { cluster, database, object, storage, printed: RefCell::default() })
    }

    fn run(&self, command: &'static str) -> Result<Rc<Printed>> {
        if let Some(printed) = self.printed.borrow().get(command) {
            return Ok(Rc::clone(printed));
        }
        let printed = Rc::new(Printed::run(self.cluster, self.database, command, self.object)?);
        self.printed.borrow_mut().insert(command, Rc::clone(&printed));
        Ok(printed)
    }

    /// Looks everything up that psql says of the object.
    ///
    /// # Errors
    /// When psql cannot be run or finds nothing.
    pub fn compare(&self, answer: &Value) -> Result<Facts> {
        let mut facts = Facts::default();
        facts.same("schema", &self.object.schema, &answer["schema"]);
        facts.same("name", &self.object.name, &answer["name"]);
        facts.same("kind", &self.object.kind, &answer["kind"]);
        match self.object.kind.as_str() {
            "index" => {
                index::compare(&*self.run("\\d+")?, answer, &mut facts);
                index::compare_listed(&*self.run("\\di+")?, answer, &mut facts);
            }
            "sequence" => {
                types::compare_sequence(&*self.run("\\d+")?, answer, &mut facts);
                relation::compare_listed(&*self.run("\\ds+")?, answer, &mut facts);
                relation::compare_privileges(&*self.run("\\dp")?, answer, &mut facts);
            }
            "type" => {
                types::compare_type(&*self.run("\\dT+")?, answer, &mut facts);
                if answer["type"] == "domain" {
                    types::compare_domain(&*self.run("\\dD+")?, answer, &mut facts);
                }
                if answer["type"] == "composite" {
                    types::compare_attributes(&*self.run("\\d")?, answer, &mut facts);
                }
            }
            "function" => function::compare(&*self.run("\\df+")?, answer, &mut facts),
            _ => {
                relation::compare(&*self.run("\\d+")?, answer, &self.storage, &mut facts);
                relation::compare_listed(&*self.run("\\dtvmE+")?, answer, &mut facts);
                relation::compare_privileges(&*self.run("\\dp")?, answer, &mut facts);
            }
        }
        Ok(facts)
    }
}
