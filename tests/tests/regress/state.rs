//! All that a database holds, as one text for each table and for each thing that is no table.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use postgres::{Client, SimpleQueryMessage};

/// Name and state.
pub(crate) type State = BTreeMap<String, String>;

const RELATIONS: &str = include_str!("../../regress/relations.sql");
const OTHERS: &str = include_str!("../../regress/others.sql");

/// The state now, of everything that `client` can see: it must be a superuser.
///
/// # Errors
/// When something cannot be read.
pub(crate) fn state(client: &mut Client) -> Result<State> {
    let mut state = State::new();
    for row in client.query(RELATIONS, &[])? {
        let query: String = row.try_get(0)?;
        read(client, &query, &mut state)?;
    }
    read(client, OTHERS, &mut state)?;
    Ok(state)
}

fn read(client: &mut Client, query: &str, state: &mut State) -> Result<()> {
    for message in client.simple_query(query).with_context(|| query.to_owned())? {
        if let SimpleQueryMessage::Row(row) = message {
            let name = row.get(0).context("a name")?.to_owned();
            state.insert(name, row.get(1).unwrap_or_default().to_owned());
        }
    }
    Ok(())
}

/// # Errors
/// What differs.
pub(crate) fn assert_same(before: &State, after: &State) -> Result<()> {
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed: Vec<String> = names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| format!("{name}: {:?}, then {:?}", before.get(name), after.get(name)))
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    bail!("the database has changed:\n{}", changed.join("\n"))
}
