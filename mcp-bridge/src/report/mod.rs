//! A report about one database, as a page for people or as JSON.
//!
//! What it holds comes from the same functions as the tools' answers; nothing is judged here but
//! which few things stand at the top.

pub(crate) mod collect;
pub(crate) mod file;
pub(crate) mod model;
pub(crate) mod page;
mod plan;
mod summary;
