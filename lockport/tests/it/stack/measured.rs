//! R197: every attempt at a vendor's adapter is counted and timed, under the retries and above the time-out.

use std::sync::Arc;
use std::time::Duration;

use lockport::stack::RetryPolicy;
use lockport::telemetry::Registry;

use super::bench::{Bench, issue};
use crate::keys::unreachable;
use crate::rig::partition;

#[test]
fn each_attempt_is_counted_and_timed() {
    let registry = Arc::new(Registry::new().unwrap());
    let bench =
        Bench::new(|call| (Duration::from_millis(300), if call == 0 { Err(unreachable()) } else { Ok(()) }));
    let port = bench.stack().retry(RetryPolicy::default()).metrics(registry.clone()).build();
    bench.drive(async {
        port.issue_credential(issue("k-1")).await.unwrap();
        port.list_devices(partition("other").property).await.unwrap_err();
    });
    let text = registry.expose().unwrap();
    let tenant = partition("a").tenant;
    let calls = |operation: &str, outcome: &str, count: u8| {
        let head = "melmastoon_lock_vendor_call_total";
        format!(
            "{head}{{operation=\"{operation}\",outcome=\"{outcome}\",tenant_id=\"{tenant}\",vendor=\"mock\"}} {count}\n"
        )
    };
    assert!(text.contains(&calls("issue_credential", "error", 1)), "{text}");
    assert!(text.contains(&calls("issue_credential", "ok", 1)), "{text}");
    let timed = format!(
        "vendor_call_duration_seconds_sum{{operation=\"issue_credential\",tenant_id=\"{tenant}\",vendor=\"mock\"}} 0.6\n"
    );
    assert!(text.contains(&timed), "{text}");
    // What the guard refuses is no vendor's call.
    assert!(!text.contains("list_devices"), "{text}");
}
