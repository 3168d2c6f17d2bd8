//! One statement that is to be explained: it may read whatever it likes, and fails aloud.

use std::collections::BTreeSet;

use advisor_core::nodetree::Tree;
use advisor_core::shape;

use super::read::{self, Read};
use super::{Base, Entry, Prepared, values};
use crate::catalog::ServerCatalog;
use crate::error::AdvisorError;
use crate::planner::{Identity, OWN_PATH};
use crate::sys::{Arena, SessionScope};

/// Reads a statement as the caller with `search_path` in force and nothing beyond it, and binds its parameters to typical
/// values. Values are shown with the plan, so only those count that the caller may read.
///
/// It is not planned: weight and cost are left at nothing.
///
/// # Errors
/// [`AdvisorError::InText`] for what the server says of the text, [`AdvisorError::NoPlan`] for a
/// statement that is not planned.
pub(crate) fn single<'a>(
    arena: &'a Arena,
    scope: &SessionScope,
    search_path: &str,
    text: &str,
    catalog: &mut ServerCatalog,
) -> Result<Prepared<'a>, AdvisorError> {
    let role = scope.caller();
    let mut identity = Identity::default();
    identity.adopt(scope, role, search_path);
    let Read { mut statement, text: read } = read::read(arena, text, None)
        .map_err(|error| AdvisorError::InText { error, text: text.to_owned() })?;
    if !statement.plannable {
        return Err(AdvisorError::NoPlan);
    }
    let entry = Entry {
        id: 1,
        role: None,
        text: text.to_owned(),
        calls: 1.0,
        total_ms: None,
        rows_per_call: None,
        search_path: None,
    };
    let types = statement.param_types.clone();
    let mut extract = shape::Extract::default();
    let dumps = std::mem::take(&mut statement.dumps);
    if !types.is_empty() {
        let trees: Vec<Tree<'_>> = dumps.iter().filter_map(|dump| Tree::read(dump)).collect();
        identity.adopt(scope, role, OWN_PATH);
        catalog.ensure(shape::relations(&trees).keys().copied())?;
        extract = shape::extract(&trees, catalog);
        catalog.settle();
    }
    let bindings = values::bind_draws(
        arena,
        &types,
        &extract.params,
        1,
        &entry,
        catalog,
        |relation, number| catalog.may_read(relation, number),
    );
    Ok(Prepared {
        repaired: (read != text).then_some(read),
        bindings,
        params: extract.params,
        may_show_values: true,
        shape: extract.shape,
        wishes: catalog.take_wishes(),
        relations: BTreeSet::new(),
        weight: 1.0,
        base_cost: 0.0,
        base: Base::default(),
        entry,
        role,
        search_path: search_path.to_owned(),
        statement,
    })
}
