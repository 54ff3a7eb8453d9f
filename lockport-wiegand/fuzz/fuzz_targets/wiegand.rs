#![no_main]

#[path = "../../tests/it/parsers.rs"]
#[expect(dead_code, reason = "each target plays one of them")]
mod parsers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| parsers::wiegand(bytes));
