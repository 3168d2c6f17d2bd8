//! Any text at all.

#![no_main]

libfuzzer_sys::fuzz_target!(|sql: &str| guard_fuzz::on_a_deep_stack(|| {
    guard_fuzz::properties::hold(sql);
}));
