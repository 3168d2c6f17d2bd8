//! What the tests of robustness share: statements made up or mangled, the calls that each is sent
//! through, one backend under watch, and the server's log.

pub mod backend;
pub mod calls;
pub mod chance;
pub mod grammar;
pub mod log;
pub mod mangle;
