//! `mcp_health`.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{JsonB, default, name};

use crate::api::arguments::texts;
use crate::error::AdvisorError;
use crate::health;
use crate::sys::Text;

/// What is wrong with the database, worst first.
///
/// See `sql/comments.sql` for what the columns mean.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_health(
    checks: default!(Option<Vec<Option<Text>>>, "'{all}'"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(check_name, &'static str),
            name!(category, &'static str),
            name!(severity, String),
            name!(object, Option<String>),
            name!(value, Option<f64>),
            name!(unit, Option<String>),
            name!(threshold, Option<String>),
            name!(message, String),
            name!(remediation, Option<String>),
            name!(details, JsonB),
        ),
    >,
    ErrorReport,
> {
    let checks = texts("checks", checks)?;
    if checks.is_empty() {
        return Err(AdvisorError::BadArgument {
            argument: "checks",
            requirement: "name at least one check",
            given: "an empty array".to_owned(),
        }
        .into());
    }
    let rows = health::report(&checks)?.into_iter().map(|finding| {
        (
            finding.check.name,
            finding.check.category,
            finding.severity,
            finding.object,
            finding.value,
            finding.unit,
            finding.threshold,
            finding.message,
            finding.remediation,
            finding.details,
        )
    });
    Ok(TableIterator::new(rows))
}
