//! A schema as text of a bounded number of tokens, page by page.

use std::collections::HashMap;

use advisor_core::overview::{Filling, Item};
use advisor_sql::map;
use pgrx::Spi;
use pgrx::spi::SpiError;

use crate::error::AdvisorError;
use crate::{objects, query, sys};

/// Objects whose lines are made at a time.
const AT_A_TIME: usize = 50;

/// What a page begins with.
const HEADER: &str = "-- pk primary key, nn not null, uq unique, → foreign key, ~ estimate";

/// A page as the API returns it.
pub(crate) struct PageRow {
    pub(crate) overview: String,
    pub(crate) objects: usize,
    pub(crate) remaining: usize,
    pub(crate) next_after: Option<String>,
}

/// An object that has a line.
struct Listed {
    oid: i64,
    is_relation: bool,
    schema: String,
    name: String,
    key: String,
}

/// The page of at most `max_tokens` after the object `after`.
///
/// # Errors
/// [`AdvisorError::NoSchema`], and 22023 for an `after` that is no qualified name.
pub(crate) fn page(
    schema: Option<&str>,
    max_tokens: usize,
    after: Option<&str>,
) -> Result<PageRow, AdvisorError> {
    let _scope = query::own_scope();
    if let Some(schema) = schema {
        objects::require_schema(schema)?;
    }
    let all = listed(schema)?;
    let first = match after {
        Some(after) => position_after(&all, after)?,
        None => 0,
    };
    let shown_schema = match schema {
        Some(schema) => format!("'{}'", schema.replace('\'', "''")),
        None => "null".to_owned(),
    };
    let call = format!("mcp_schema_overview({shown_schema}, {max_tokens}, ");
    let mut filling = Filling::new(HEADER, &call, max_tokens);
    let mut shown = 0;
    'page: for some in all.get(first..).unwrap_or_default().chunks(AT_A_TIME) {
        sys::check_interrupts();
        let mut items = lines(some)?;
        for one in some {
            // Gone since the list was read: counts as shown, so that the next page goes on.
            let Some(mut item) = items.remove(&one.oid) else {
                shown += 1;
                continue;
            };
            item.key.clone_from(&one.key);
            if !filling.add(&item) {
                break 'page;
            }
            shown += 1;
        }
    }
    let remaining = all.len().saturating_sub(first + shown);
    let page = filling.finish(remaining);
    Ok(PageRow { overview: page.text, objects: page.shown, remaining, next_after: page.next_after })
}

fn listed(schema: Option<&str>) -> Result<Vec<Listed>, SpiError> {
    Spi::connect(|client| {
        let mut all = Vec::new();
        for row in client.select(map::OVERVIEW_LIST, None, &[schema.into()])? {
            all.push(Listed {
                oid: row.get(1)?.unwrap_or_default(),
                is_relation: row.get(2)?.unwrap_or_default(),
                schema: row.get(3)?.unwrap_or_default(),
                name: row.get(4)?.unwrap_or_default(),
                key: row.get(5)?.unwrap_or_default(),
            });
        }
        Ok(all)
    })
}

/// Where the page begins after `after`: behind it, or, when it is gone, behind where it would be
/// as a relation.
fn position_after(all: &[Listed], after: &str) -> Result<usize, AdvisorError> {
    if let Some(position) = all.iter().position(|one| one.key == after) {
        return Ok(position + 1);
    }
    let parts = query::texts(
        "select u.part from pg_catalog.unnest(pg_catalog.parse_ident($1)) as u (part)",
        &[after.into()],
    )?;
    let [schema, name] = &parts[..] else {
        return Err(AdvisorError::BadArgument {
            argument: "after",
            requirement: "be the qualified name of an object",
            given: after.to_owned(),
        });
    };
    let gone = (schema.as_str(), true, name.as_str());
    Ok(all.partition_point(|one| (one.schema.as_str(), one.is_relation, one.name.as_str()) <= gone))
}

fn lines(some: &[Listed]) -> Result<HashMap<i64, Item>, SpiError> {
    let oids: Vec<i64> = some.iter().map(|one| one.oid).collect();
    Spi::connect(|client| {
        let mut items = HashMap::new();
        for row in client.select(map::OVERVIEW_LINES, None, &[oids.into()])? {
            let item = Item {
                key: String::new(),
                head: row.get(2)?.unwrap_or_default(),
                parts: row.get(3)?.unwrap_or_default(),
                comment: row.get(4)?,
                rest: row.get(5)?.unwrap_or_default(),
            };
            items.insert(row.get(1)?.unwrap_or_default(), item);
        }
        Ok(items)
    })
}
