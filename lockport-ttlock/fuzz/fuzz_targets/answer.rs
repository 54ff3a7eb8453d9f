#![no_main]

#[path = "../../tests/it/bodies.rs"]
#[expect(dead_code, reason = "each target plays one of them")]
mod bodies;
#[path = "../../tests/it/fake.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod fake;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime without a driver").block_on(bodies::answer(bytes));
});
