//! The transports around a handler that needs no database: what clients send, what they get, and
//! what is left when they go.

#[path = "../fixture/mod.rs"]
mod fixture;

mod access;
mod client;
mod fuzz;
mod limits;
mod sse;
mod stdio;
mod streamable;
