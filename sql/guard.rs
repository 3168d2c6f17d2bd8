//! What the bridge's parser and the extension's guard both go by: functions whose effect or
//! disclosure a READ ONLY transaction does not stop, and where secrets are.

mod functions;
mod judge;
mod secrets;

pub use functions::{Group, known, refused};
pub use judge::{Allowed, Function, Home, Moment, Refused, judge};
pub use secrets::{CATALOG_SECRETS, CatalogSecret, is_secret_setting, is_statement_text, secret};

/// What a statement may call and read, of all that its names can stand for. `$1` are the names and
/// `$2` the schemas of the search path, both as JSON; see the text for its rows.
pub const REACH: &str = include_str!("guard/reach.sql");
