//! Putting a document into an empty database.
//!
//! Everything happens in the caller's transaction, with the caller's rights; only the rows of the
//! statistics catalogs, which no privilege opens but a superuser's, are written past them, for
//! relations that the import itself has just made.

use std::collections::{BTreeMap, BTreeSet};

use advisor_core::shadow::{self, btree_height};
use advisor_sql::export;
use pgrx::Spi;
use pgrx::datum::DatumWithOid;
use serde_json::{Value, json};

use super::document::{
    Document, Expression, Extended, Head, Range, Setting, Statement, Statistics,
};
use super::objects;
use crate::error::AdvisorError;
use crate::query;
use crate::sys::{self, CommonItem, ExtendedContent, SessionScope};

const FOUND: &str = concat!(
    include_str!("../../../sql/export/own.sql"),
    include_str!("../../../sql/shadow/found.sql")
);
const DROP: &str = include_str!("../../../sql/shadow/drop.sql");
const KEEP: &str = include_str!("../../../sql/shadow/keep.sql");
const RELATIONS: &str = include_str!("../../../sql/shadow/relations.sql");
const COLUMNS: &str = include_str!("../../../sql/shadow/columns.sql");
const EXTENDED: &str = include_str!("../../../sql/shadow/extended.sql");

/// Imports a document; with `replace`, in the place of an earlier import. Says what was made.
///
/// # Errors
/// [`AdvisorError::NotTheOwner`], [`AdvisorError::NotEmpty`], [`AdvisorError::BadDocument`],
/// [`AdvisorError::DocumentVersion`], [`AdvisorError::Object`].
pub(crate) fn import(document: Value, replace: bool) -> Result<Value, AdvisorError> {
    let document = read(document)?;
    // What is written past privileges is written past this check too.
    sys::require_writable(c"mcp_import_statistics()");
    if !sys::owns_database() {
        return Err(AdvisorError::NotTheOwner);
    }
    let scope = query::own_scope();
    for (name, value) in export::FORMS {
        scope.set(name, value);
    }
    // What is there already, or dropped with something else, is no news.
    scope.set("client_min_messages", "warning");
    // Functions may be written for tables that come later.
    scope.set("check_function_bodies", "off");
    make_room(replace)?;
    let mut left_out = objects::make(&document.objects)?;
    let relations = Relations::read()?;
    left_out.extend(columns(&document, &relations)?);
    left_out.extend(extended(&document)?);
    sizes(&document, &relations)?;
    sys::next_command();
    keep(&document, &relations)?;
    let notes = differences(&document)?;
    settings(scope, &document.settings)?;
    Ok(json!({
        "objects": document.objects.len(),
        "relations": document.relations.len(),
        "statistics": document.statistics.len() + document.extended.len(),
        "statements": document.workload.len(),
        "left_out": left_out,
        "notes": notes,
    }))
}

fn read(document: Value) -> Result<Document, AdvisorError> {
    let bad = |error: serde_json::Error| AdvisorError::BadDocument(error.to_string());
    let head = Head {
        format: document.get("format").and_then(Value::as_str).unwrap_or_default().to_owned(),
        version: document.get("version").and_then(Value::as_i64).unwrap_or_default(),
    };
    if head.format != export::FORMAT {
        return Err(AdvisorError::BadDocument(format!(
            "the member \"format\" is not \"{}\"",
            export::FORMAT
        )));
    }
    if head.version != export::VERSION {
        return Err(AdvisorError::DocumentVersion(head.version));
    }
    serde_json::from_value(document).map_err(bad)
}

/// Refuses a database with relations of its own; what an earlier import made is dropped, if that is
/// asked for.
fn make_room(replace: bool) -> Result<(), AdvisorError> {
    let (first, with_pages, imported) = Spi::connect(|client| {
        let row = client.select(FOUND, Some(1), &[])?.first();
        Ok::<_, pgrx::spi::SpiError>((
            row.get::<String>(1)?,
            row.get::<String>(2)?,
            row.get::<bool>(3)?.unwrap_or_default(),
        ))
    })?;
    if !imported && first.is_none() {
        return Ok(());
    }
    // A table that somebody has filled since is not ours to drop.
    if !imported || !replace || with_pages.is_some() {
        let relation = with_pages.or(first).unwrap_or_else(|| "mcp_shadow.source".to_owned());
        return Err(AdvisorError::NotEmpty { relation, imported: imported && !replace });
    }
    let names: Vec<String> =
        export::SETTINGS.into_iter().chain(["mcp_advisor.shadow"]).map(str::to_owned).collect();
    for statement in query::texts(DROP, &[names.into()])? {
        objects::run(&statement)?.map_err(AdvisorError::Statement)?;
    }
    Ok(())
}

/// The relations that were made.
struct Relations {
    by_name: BTreeMap<(String, String), Found>,
}

struct Found {
    oid: u32,
    method: String,
    key_width: f64,
}

impl Relations {
    fn read() -> Result<Self, AdvisorError> {
        Spi::connect(|client| {
            let mut by_name = BTreeMap::new();
            for row in client.select(RELATIONS, None, &[])? {
                let text = |at| row.get::<String>(at).map(Option::unwrap_or_default);
                let found = Found {
                    oid: oid(row.get(3)?),
                    method: text(4)?,
                    key_width: row.get(5)?.unwrap_or(8.0),
                };
                by_name.insert((text(1)?, text(2)?), found);
            }
            Ok(Self { by_name })
        })
    }

    fn get(&self, schema: &str, name: &str) -> Option<&Found> {
        self.by_name.get(&(schema.to_owned(), name.to_owned()))
    }
}

fn oid(number: Option<i64>) -> u32 {
    number.and_then(|number| u32::try_from(number).ok()).unwrap_or_default()
}

/// The columns of a relation by name.
fn column_numbers(relation: u32) -> Result<BTreeMap<String, i16>, AdvisorError> {
    Spi::connect(|client| {
        let mut numbers = BTreeMap::new();
        for row in client.select(COLUMNS, None, &[pgrx::pg_sys::Oid::from(relation).into()])? {
            numbers.insert(row.get::<String>(1)?.unwrap_or_default(), row.get(2)?.unwrap_or(0));
        }
        Ok(numbers)
    })
}

/// Writes the statistics of columns. Returns what has none for want of its column.
fn columns(document: &Document, relations: &Relations) -> Result<Vec<String>, AdvisorError> {
    let key = |range: &Range| {
        let names = (range.schema.clone(), range.relation.clone(), range.column.clone());
        (names, range.inherited)
    };
    let ranges: BTreeMap<_, &Range> =
        document.ranges.iter().map(|range| (key(range), range)).collect();
    let mut numbers: BTreeMap<u32, BTreeMap<String, i16>> = BTreeMap::new();
    let mut left_out = Vec::new();
    for statistics in &document.statistics {
        sys::check_interrupts();
        let Statistics { schema, relation, column, inherited, .. } = statistics;
        let name = format!("statistics of {schema}.{relation}.{column}");
        let Some(found) = relations.get(schema, relation) else {
            left_out.push(format!("{name}: there is no such relation"));
            continue;
        };
        if let std::collections::btree_map::Entry::Vacant(slot) = numbers.entry(found.oid) {
            slot.insert(column_numbers(found.oid)?);
        }
        let Some(&number) = numbers.get(&found.oid).and_then(|columns| columns.get(column)) else {
            left_out.push(format!("{name}: there is no such column"));
            continue;
        };
        let names = (schema.clone(), relation.clone(), column.clone());
        let range = ranges.get(&(names, *inherited)).copied();
        let content = statistics.numbers.content(range);
        written(name, || sys::write_statistics(found.oid, number, *inherited, &content))?;
    }
    Ok(left_out)
}

/// Runs `f`, which writes what `name` says; an error of the server's or of ours names it.
fn written(
    name: String,
    f: impl FnOnce() -> Result<(), sys::ServerError>,
) -> Result<(), AdvisorError> {
    match sys::subtransaction(true, f) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) | Err(error) => Err(AdvisorError::Object { object: name, error }),
    }
}

/// Writes the content of extended statistics. Returns what has none for want of its object.
fn extended(document: &Document) -> Result<Vec<String>, AdvisorError> {
    let objects = extended_objects()?;
    let mut wanted: BTreeSet<(&str, &str, bool)> = BTreeSet::new();
    wanted.extend(document.extended.iter().map(|x| (&*x.schema, &*x.name, x.inherited)));
    wanted.extend(document.expressions.iter().map(|x| (&*x.schema, &*x.name, x.inherited)));
    let mut left_out = Vec::new();
    for (schema, name, inherited) in wanted {
        let label = format!("statistics {schema}.{name}");
        let Some(object) = objects.get(&(schema.to_owned(), name.to_owned())) else {
            left_out.push(format!("{label}: there is no such object"));
            continue;
        };
        let is_this = |s: &str, n: &str, i: bool| (s, n, i) == (schema, name, inherited);
        let data = document.extended.iter().find(|x| is_this(&x.schema, &x.name, x.inherited));
        let expressions: Vec<&Expression> = document
            .expressions
            .iter()
            .filter(|x| is_this(&x.schema, &x.name, x.inherited))
            .collect();
        let content = extended_content(object, data, &expressions, &label)?;
        written(label, || sys::write_extended(object.oid, inherited, &content))?;
    }
    Ok(left_out)
}

/// What makes a stored form of what was printed.
type Stored = fn(&str, &BTreeMap<i16, i16>) -> Result<Vec<u8>, String>;

struct ExtendedObject {
    oid: u32,
    table: u32,
    expressions: Vec<Option<String>>,
}

fn extended_objects() -> Result<BTreeMap<(String, String), ExtendedObject>, AdvisorError> {
    Spi::connect(|client| {
        let mut objects = BTreeMap::new();
        for row in client.select(EXTENDED, None, &[])? {
            let text = |at| row.get::<String>(at).map(Option::unwrap_or_default);
            let object = ExtendedObject {
                oid: oid(row.get(3)?),
                table: oid(row.get(4)?),
                expressions: row.get(5)?.map(sys::owned_texts).unwrap_or_default(),
            };
            objects.insert((text(1)?, text(2)?), object);
        }
        Ok(objects)
    })
}

fn extended_content<'a>(
    object: &ExtendedObject,
    data: Option<&'a Extended>,
    expressions: &[&'a Expression],
    label: &str,
) -> Result<ExtendedContent<'a>, AdvisorError> {
    let bad = |what: String| AdvisorError::BadDocument(format!("{label}: {what}"));
    let mut content = ExtendedContent::default();
    if let Some(data) = data {
        let here = column_numbers(object.table)?;
        let mut numbers = BTreeMap::new();
        for (there, name) in data.columns.iter().flatten() {
            let number: i16 = there.parse().map_err(|_| bad(format!("no column {there}")))?;
            numbers.extend(here.get(name).map(|&column| (number, column)));
        }
        let stored = |text: &str, of: Stored| of(text, &numbers).map_err(bad);
        content.ndistinct =
            data.n_distinct.as_deref().map(|text| stored(text, shadow::ndistinct)).transpose()?;
        content.dependencies = data
            .dependencies
            .as_deref()
            .map(|text| stored(text, shadow::dependencies))
            .transpose()?;
        let frequencies = data.mcv_freqs.iter().flatten().zip(data.mcv_base_freqs.iter().flatten());
        for (values, (&frequency, &base_frequency)) in data.mcv.iter().flatten().zip(frequencies) {
            let values = values.iter().map(Option::as_deref).collect();
            content.common.push(CommonItem { values, frequency, base_frequency });
        }
    }
    let statistics_of = |text: &Option<String>| {
        let found = expressions.iter().find(|one| Some(&one.expression) == text.as_ref());
        found.map(|one| one.numbers.content(None))
    };
    content.expressions = object.expressions.iter().map(statistics_of).collect();
    Ok(content)
}

/// Writes how large tables and indexes are.
fn sizes(document: &Document, relations: &Relations) -> Result<(), AdvisorError> {
    for relation in &document.relations {
        let Some(found) = relations.get(&relation.schema, &relation.name) else { continue };
        let third = if !relation.is_index {
            i32::try_from(relation.all_visible).unwrap_or(i32::MAX)
        } else if found.method == "btree" {
            let estimate = || btree_height(f64::from(relation.pages), found.key_width);
            relation.tree_height.map_or_else(estimate, i32::from)
        } else {
            0
        };
        if !relation.tuples.is_finite() {
            let what = format!("{}.{} has no number of rows", relation.schema, relation.name);
            return Err(AdvisorError::BadDocument(what));
        }
        written(format!("size of {}.{}", relation.schema, relation.name), || {
            sys::set_extent(found.oid, relation.pages, relation.tuples, third)?;
            if let (Some(counts), "gin") = (relation.gin, found.method.as_str()) {
                sys::set_gin_counts(found.oid, counts);
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Keeps the workload and what is written to the tables.
fn keep(document: &Document, relations: &Relations) -> Result<(), AdvisorError> {
    let server = json!({
        "version_num": document.server.version_num,
        "encoding": document.server.encoding,
        "collate": document.server.collate,
        "ctype": document.server.ctype,
    });
    Spi::connect_mut(|client| {
        client.update(KEEP, None, &[])?;
        let source = "insert into mcp_shadow.source (server) values ($1::jsonb)";
        client.update(source, None, &[server.to_string().into()])?;
        for (place, statement) in (1_i64..).zip(&document.workload) {
            let Statement { queryid, query, calls, total_ms, rows, search_path } = statement;
            let args: [DatumWithOid<'_>; 7] = [
                place.into(),
                (*queryid).into(),
                query.as_str().into(),
                (*calls).into(),
                (*total_ms).into(),
                (*rows).into(),
                search_path.as_deref().into(),
            ];
            let sql = "insert into mcp_shadow.statement values ($1, $2, $3, $4, $5, $6, $7)";
            client.update(sql, None, &args)?;
        }
        for relation in document.relations.iter().filter(|relation| !relation.is_index) {
            let Some(found) = relations.get(&relation.schema, &relation.name) else { continue };
            let count = |number: Option<i64>| number.unwrap_or(0).max(0);
            let args: [DatumWithOid<'_>; 5] = [
                pgrx::pg_sys::Oid::from(found.oid).into(),
                count(relation.inserted).into(),
                count(relation.updated).into(),
                count(relation.hot_updated).into(),
                count(relation.deleted).into(),
            ];
            let sql = "insert into mcp_shadow.activity values ($1, $2, $3, $4, $5)";
            client.update(sql, None, &args)?;
        }
        Ok(())
    })
}

/// Differences between the servers by which plans may differ.
fn differences(document: &Document) -> Result<Vec<String>, AdvisorError> {
    let here = Spi::connect(|client| {
        let row =
            client.select(include_str!("../../../sql/export/server.sql"), Some(1), &[])?.first();
        let text = |at| row.get::<String>(at).map(Option::unwrap_or_default);
        let number = |at| row.get::<i32>(at).map(Option::unwrap_or_default);
        Ok::<_, pgrx::spi::SpiError>((number(1)?, number(2)?, [text(3)?, text(4)?, text(5)?]))
    })?;
    let (version, block_size, [encoding, collate, ctype]) = here;
    let there = &document.server;
    let mut notes = Vec::new();
    let mut compare = |what: &str, there: String, here: String| {
        if there != here {
            notes.push(format!("{what} is {there} there and {here} here: plans may differ"));
        }
    };
    let major = |number: i64| (number / 10_000).to_string();
    compare("major version", major(there.version_num.into()), major(version.into()));
    compare("block size", there.block_size.to_string(), block_size.to_string());
    compare("encoding", there.encoding.clone(), encoding);
    compare("collation", there.collate.clone(), collate);
    compare("character classification", there.ctype.clone(), ctype);
    Ok(notes)
}

/// Puts the settings in force for the database and, the import's own put back, for this session.
fn settings(scope: SessionScope, settings: &[Setting]) -> Result<(), AdvisorError> {
    const DATABASE: &str =
        "select pg_catalog.format('alter database %I set %s', pg_catalog.current_database(), $1)";
    let known = settings.iter().filter(|setting| export::SETTINGS.contains(&setting.name.as_str()));
    let shadow = ("mcp_advisor.shadow", "on");
    let all: Vec<(&str, &str)> =
        known.map(|one| (one.name.as_str(), one.setting.as_str())).chain([shadow]).collect();
    for (name, value) in &all {
        let part = match *name {
            // A list, which is quoted as one name otherwise.
            "search_path" => format!("search_path = {}", path(value)?),
            name => format!("{name} = {}", pgrx::spi::quote_literal(value)),
        };
        let statement: Option<String> = query::one(DATABASE, &[part.into()])?;
        // One that this server does not know, or not with this value, makes no difference here.
        objects::run(&statement.unwrap_or_default())?.or_else(|error| match *name {
            "mcp_advisor.shadow" => Err(AdvisorError::Statement(error)),
            _ => Ok(()),
        })?;
    }
    if sys::is_superuser() {
        preload()?;
    }
    drop(scope);
    for (name, value) in all {
        let sql = "select pg_catalog.set_config($1, $2, false)";
        let set = || query::one::<String>(sql, &[name.into(), value.into()]);
        match sys::subtransaction(true, set) {
            Ok(done) => done.map(drop)?,
            Err(error) => pgrx::warning!("setting {name} is not in force: {}", error.message),
        }
    }
    Ok(())
}

/// A search path as the names that it is a list of.
fn path(value: &str) -> Result<String, AdvisorError> {
    let sql = "select pg_catalog.string_agg(pg_catalog.quote_literal(
            pg_catalog.btrim(p.name, ' \"')), ', ' order by p.at)
        from pg_catalog.unnest(pg_catalog.string_to_array($1, ',')) with ordinality as p (name, at)";
    let list: Option<String> = query::one(sql, &[value.into()])?;
    Ok(list.filter(|list| !list.is_empty()).unwrap_or_else(|| "''".to_owned()))
}

/// Has sessions of the database load this library at their start: the planner's hook must be there
/// for a plain EXPLAIN too. Only a superuser may say so.
fn preload() -> Result<(), AdvisorError> {
    let sql = "select pg_catalog.format('alter database %I set session_preload_libraries = %L',
            pg_catalog.current_database(), 'mcp_advisor')
        where pg_catalog.current_setting('session_preload_libraries') = ''
            and pg_catalog.current_setting('shared_preload_libraries') !~ '\\mmcp_advisor\\M'";
    match query::one::<String>(sql, &[])? {
        Some(statement) => objects::run(&statement)?.map_err(AdvisorError::Statement),
        None => Ok(()),
    }
}
