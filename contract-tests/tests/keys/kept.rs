use chrono::TimeDelta;
use lockport::credential::RevokeReason;
use lockport::keys::{BulkRevoke, BulkTarget};
use lockport::store::Table;

use crate::rig::{Hotel, booking, confirmed, name, partition, stay, user};
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

/// R183: so it is with an order to take keys away: known, and not given twice, for thirty days.
#[test]
fn an_order_is_remembered_for_thirty_days() {
    let hotel = Hotel::simple();
    let service = hotel.service("a");
    let rows = || run(hotel.store.find(partition(), Table::Bulk, "")).unwrap().len();
    run(service.deliver(&confirmed("one", 1, &["101"], 24))).unwrap();
    hotel.live(&service, TimeDelta::minutes(1));
    let target = BulkTarget::Owner(stay("one").into());
    run(service.revoke_all(BulkRevoke::new(target, RevokeReason::Security, user("boss"), name("out"))))
        .unwrap();
    hotel.live(&service, TimeDelta::days(29));
    assert_eq!((hotel.held(), rows()), (0, 1));
    hotel.live(&service, TimeDelta::days(2));
    assert_eq!(rows(), 0);
}
