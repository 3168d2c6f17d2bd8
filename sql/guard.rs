//! What the bridge's parser and the extension's guard both go by: functions whose effect or
//! disclosure a READ ONLY transaction does not stop, and where secrets are.

mod functions;
mod secrets;

pub use functions::{Group, known, refused};
pub use secrets::{is_secret_setting, secret};
