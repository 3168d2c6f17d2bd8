//! What the guard asks the server: what a statement would call and read, and what functions are;
//! and the latch that holds a session to reading.

pub(super) mod answer;
mod body;
mod clock;
mod function;
mod latch;
mod memory;
mod relation;
mod statement;
mod tree;
mod types;
mod undisturbed;
mod utility;
pub(super) mod watch;

pub(crate) use body::{body, defaults, enter, expressions};
pub(crate) use function::{function, signature};
pub(crate) use latch::{Ceilings, Until, latch};
pub(crate) use relation::Read;
pub(crate) use statement::{Sent, sent};
pub(crate) use tree::{Call, Contents, contents};
pub(super) use types::calls_when_made;
pub(crate) use watch::{Judges, Refusal, install, waiting};
