//! What the guard asks the server: what a statement would call and read, and what functions are.

mod function;
mod relation;
mod statement;
mod tree;

pub(crate) use function::{function, signature};
pub(crate) use relation::Read;
pub(crate) use statement::{Sent, sent};
pub(crate) use tree::{Contents, contents};
