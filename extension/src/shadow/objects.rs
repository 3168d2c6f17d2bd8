//! Making the objects of a document: each by the one statement of its kind.

use pgrx::Spi;

use super::document::Object;
use crate::error::AdvisorError;
use crate::sys::{self, ServerError};

/// Makes the objects in their order. What fails is tried again after the rest, as long as there is
/// progress: views need views, functions need tables and tables functions, whatever the order.
///
/// Returns what was left out and why: functions and extensions that nothing that was made needs.
///
/// # Errors
/// [`AdvisorError::Object`] for the first other object that could not be made.
pub(super) fn make(objects: &[Object]) -> Result<Vec<String>, AdvisorError> {
    for object in objects {
        sys::check_object(&object.kind, &object.ddl).map_err(|error| failed(object, error))?;
    }
    let mut pending: Vec<&Object> = objects.iter().collect();
    loop {
        let before = pending.len();
        let mut failures = Vec::new();
        for object in pending {
            sys::check_interrupts();
            if let Err(error) = run(&object.ddl)? {
                failures.push((object, error));
            }
        }
        if failures.is_empty() {
            return Ok(Vec::new());
        }
        if failures.len() < before {
            pending = failures.into_iter().map(|(object, _)| object).collect();
            continue;
        }
        let is_optional =
            |object: &Object| matches!(object.kind.as_str(), "function" | "extension");
        let needed = failures.iter().position(|(object, _)| !is_optional(object));
        if let Some(at) = needed {
            let (object, error) = failures.swap_remove(at);
            let mut missing = failures.iter().filter(|(other, _)| is_optional(other));
            let error = match missing.next() {
                Some((other, why)) if error.hint.is_none() => error.with_hint(format!(
                    "The {} {} could not be made either: {}.",
                    other.kind, other.name, why.message
                )),
                _ => error,
            };
            return Err(failed(object, error));
        }
        return Ok(failures
            .into_iter()
            .map(|(object, error)| format!("{} {}: {}", object.kind, object.name, error.message))
            .collect());
    }
}

fn failed(object: &Object, error: ServerError) -> AdvisorError {
    AdvisorError::Object { object: format!("{} {}", object.kind, object.name), error }
}

/// Runs one statement in a sub-transaction, which stays if it succeeds.
pub(super) fn run(ddl: &str) -> Result<Result<(), ServerError>, AdvisorError> {
    let done = sys::subtransaction(true, || {
        Spi::connect_mut(|client| client.update(ddl, None, &[]).map(drop))
    });
    match done {
        Ok(Ok(())) => Ok(Ok(())),
        Ok(Err(error)) => Err(error.into()),
        Err(error) => Ok(Err(error)),
    }
}
