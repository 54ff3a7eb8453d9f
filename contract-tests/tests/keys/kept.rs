use chrono::TimeDelta;
use lockport::store::Table;

use crate::rig::{Hotel, booking, confirmed, partition};
use crate::yielding::run;

/// R79: what was done stands in the ledger for thirty days after the window, and no longer; a second stay takes along what the
/// first one left a little later than its own rows.
#[test]
fn a_ledger_forgets_what_nobody_may_ask_for() {
    let hotel = Hotel::of(&[("main", "mock://", &["101", "102"])]);
    let service = hotel.service("a");
    let rows = || {
        [Table::Operation, Table::Grant, Table::Credential, Table::Lock]
            .map(|table| run(hotel.store.find(partition(), table, "")).unwrap().len())
    };
    run(service.deliver(&confirmed("one", 1, &["101"], 24))).unwrap();
    run(service.deliver(&confirmed("two", 1, &["102"], 48))).unwrap();
    hotel.live(&service, TimeDelta::hours(2));
    run(service.deliver(&booking("fraud_flagged", "one", 2))).unwrap();
    hotel.live(&service, TimeDelta::hours(70));
    let [operations, grants, credentials, locks] = rows();
    assert!(operations >= 3 && grants >= 2 && credentials == 2 && locks >= 2, "{:?}", rows());
    hotel.live(&service, TimeDelta::days(27));
    assert_eq!(rows(), [operations, grants, credentials, locks], "forgotten too early");
    hotel.live(&service, TimeDelta::days(4));
    let [operations, grants, credentials, locks] = rows();
    assert_eq!([grants, credentials, locks], [0, 0, 0], "and {operations} operations");
    assert_eq!(operations, 0);
}
