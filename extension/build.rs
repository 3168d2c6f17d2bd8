//! Keeps the section that holds the SQL entities: the linker would drop it as unreferenced.
//!
//! cargo-pgrx injects the same flag through `--config rustflags`, which would build every
//! dependency a second time; `CARGO_PGRX_DISABLE_GC_SECTIONS_WORKAROUND=1` switches that off.

fn main() {
    println!("cargo::rustc-link-arg-cdylib=-Wl,--no-gc-sections");
}
