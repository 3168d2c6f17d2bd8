//! What the fuzz targets share: the guard itself, what must hold of it, and statements to try.

#[path = "../../src/error.rs"]
pub mod error;
#[path = "../../src/guard/mod.rs"]
pub mod guard;
#[path = "../../src/parser.rs"]
mod parser;

mod expressions;
pub mod grammar;
mod hostile;
pub mod properties;

use std::thread;

/// Runs `check` where recursion over a tree of 10,000 levels has room, as the guard itself does.
///
/// # Panics
/// As `check` does, and when no thread can be started.
pub fn on_a_deep_stack(check: impl FnOnce() + Send) {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(256 << 20).spawn_scoped(scope, check);
        thread.expect("a thread").join().expect("the property holds");
    });
}
