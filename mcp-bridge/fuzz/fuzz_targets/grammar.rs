//! Statements of many forms, each with and without something hostile in it.

#![no_main]

libfuzzer_sys::fuzz_target!(|pair: guard_fuzz::grammar::Pair| guard_fuzz::on_a_deep_stack(|| {
    guard_fuzz::grammar::judged_apart(&pair);
}));
