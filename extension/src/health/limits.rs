//! The limits in force, for what is judged here and not in a check's SQL.

use std::time::Duration;

use crate::error::AdvisorError;
use crate::query;
use crate::settings;

const NUMBER: &str = "select pg_catalog.current_setting('mcp_advisor.health_' || $1)\
    ::double precision";
const SECONDS: &str = "select extract(epoch from \
    pg_catalog.current_setting('mcp_advisor.health_' || $1)::interval)::double precision";

/// A number, or a count.
///
/// # Errors
/// What SPI says.
pub(super) fn number(name: &str) -> Result<f64, AdvisorError> {
    Ok(query::one(NUMBER, &[name.into()])?.unwrap_or_default())
}

/// A time.
///
/// # Errors
/// What SPI says.
pub(super) fn time(name: &str) -> Result<Duration, AdvisorError> {
    let seconds: f64 = query::one(SECONDS, &[name.into()])?.unwrap_or_default();
    Ok(Duration::from_secs_f64(seconds.max(0.0)))
}

/// The time for a search that this setting bounds: less than the check's own, so that it ends with
/// what it has and is not cancelled.
///
/// # Errors
/// What SPI says.
pub(super) fn time_for_search(name: &str) -> Result<Duration, AdvisorError> {
    const SHARE: f64 = 0.6;
    Ok(time(name)?.min(settings::health_time_limit().mul_f64(SHARE)))
}
