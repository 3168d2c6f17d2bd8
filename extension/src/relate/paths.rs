//! Paths of joins between two tables that are named.

use advisor_core::relate::path::{Graph, MOST_HOPS};
use advisor_core::relate::render::{Joined, Renderer};
use advisor_sql::{map, schema};
use pgrx::Spi;

use super::Map;
use crate::error::AdvisorError;
use crate::{query, sys};

/// A path as the API returns it.
pub(crate) struct PathRow {
    pub(crate) hops: usize,
    pub(crate) joined: Joined,
}

/// A table that was named.
struct End {
    /// Its own name, qualified and quoted.
    name: String,
    /// The oid of it or, of a partition, of the table that it belongs to.
    oid: i64,
}

/// The shortest paths from one table to another, best first. A notice says why there is none.
///
/// # Errors
/// [`AdvisorError::NoTable`] and [`AdvisorError::NotATable`]; what the server says of a name that
/// is none.
pub(crate) fn paths(from: &str, to: &str, most: usize) -> Result<Vec<PathRow>, AdvisorError> {
    // Names mean what they mean to the caller.
    let oids = [oid(from)?, oid(to)?];
    let _scope = query::own_scope();
    let (first, last) = (end(from, oids[0])?, end(to, oids[1])?);
    let map = Map::load()?;
    let graph = Graph::new(map.tables.len(), &map.relationships, &map.traits);
    let position = |end: &End| map.positions.get(&end.oid).copied();
    let (Some(start), Some(stop)) = (position(&first), position(&last)) else {
        pgrx::notice!("system tables have no relationships that are known");
        return Ok(Vec::new());
    };
    let found = graph.paths(start, stop, most, &mut sys::check_interrupts);
    let shown = |end: &End| {
        (position(end).and_then(|p| map.tables.get(p)).map(|table| table.quoted())
            != Some(end.name.clone()))
        .then(|| end.name.clone())
    };
    let renderer = Renderer {
        tables: &map.tables,
        relationships: &map.relationships,
        traits: &map.traits,
        graph: &graph,
        ends: [shown(&first), shown(&last)],
    };
    let rows: Vec<PathRow> = found
        .paths
        .iter()
        .filter_map(|path| {
            Some(PathRow { hops: path.len(), joined: renderer.render(start, path)? })
        })
        .collect();
    if rows.is_empty() {
        say_why_not(&map, [(start, &first), (stop, &last)]);
    } else if found.cut {
        pgrx::notice!("there are too many paths to look at all; these are of the shortest");
    }
    Ok(rows)
}

fn say_why_not(map: &Map, ends: [(usize, &End); 2]) {
    let [(from, first), (to, last)] = ends;
    let is_alone =
        |table: usize| !map.relationships.iter().any(|one| [one.from, one.to].contains(&table));
    if from == to {
        pgrx::notice!("{} has no relationship with itself", first.name);
    } else if let Some((_, alone)) = ends.iter().find(|(table, _)| is_alone(*table)) {
        pgrx::notice!(
            "{} has no foreign key, is referenced by none, and none is inferred",
            alone.name
        );
    } else {
        pgrx::notice!(
            "no chain of up to {MOST_HOPS} joins leads from {} to {}",
            first.name,
            last.name
        );
    }
}

/// The relation of this name under the caller's search path.
fn oid(name: &str) -> Result<Option<i64>, AdvisorError> {
    Ok(query::one("select pg_catalog.to_regclass($1)::pg_catalog.oid::bigint", &[name.into()])?)
}

fn end(name: &str, oid: Option<i64>) -> Result<End, AdvisorError> {
    let Some(oid) = oid else { return Err(unknown(name)?) };
    let (mut kind, mut reads) = (None, None);
    let mut found = End { name: name.to_owned(), oid };
    Spi::connect(|client| {
        for row in client.select(map::END, Some(1), &[oid.into()])? {
            kind = row.get::<String>(1)?;
            found.name = row.get(2)?.unwrap_or_default();
            found.oid = row.get(3)?.unwrap_or(oid);
            reads = row.get::<String>(4)?;
        }
        Ok::<(), pgrx::spi::SpiError>(())
    })?;
    let (kind, hint) = match kind.as_deref() {
        Some("r" | "p" | "f") => return Ok(found),
        // Gone since the name was looked up.
        None => return Err(unknown(name)?),
        Some("v" | "m") => (
            "a view",
            reads.map_or_else(String::new, |reads| format!("Name a table that it reads: {reads}.")),
        ),
        Some("i" | "I") => ("an index", String::new()),
        Some("S") => ("a sequence", String::new()),
        Some(_) => ("not a table", String::new()),
    };
    Err(AdvisorError::NotATable { name: found.name, kind, hint })
}

/// The error for a name that stands for nothing.
fn unknown(name: &str) -> Result<AdvisorError, AdvisorError> {
    let parts: Vec<String> = query::texts(
        "select u.part from pg_catalog.unnest(pg_catalog.parse_ident($1)) as u (part)",
        &[name.into()],
    )?;
    let (schema, last) = match &parts[..] {
        [.., schema, last] => (schema.as_str(), last.as_str()),
        [last] => ("public", last.as_str()),
        [] => ("", ""),
    };
    let similar = query::texts(schema::SIMILAR_OBJECTS, &[schema.into(), last.into()])?;
    let hint = if similar.is_empty() {
        "Names are read as in SQL: folded to lower case unless quoted, and found by search_path \
         unless qualified. mcp_search_schema() finds names that are like a word."
            .to_owned()
    } else {
        format!("There is: {}.", similar.join(", "))
    };
    Ok(AdvisorError::NoTable { name: name.to_owned(), hint })
}
