//! Who tried a door, how much of the month is used, and the clock of a lock.

use crate::fake::{self, Host, NOW_MS, Reply, Vendor, good, page, record};
use lockport::Timestamp;
use lockport_ttlock::{CardOrder, Denied, Outcome, Shown, TtlockConfig};
use serde_json::json;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_timestamp_millis(ms).unwrap()
}

/// R108: attempts, the oldest first, each once, with what was shown as the desk knows it.
#[tokio::test]
async fn the_attempts_at_a_door_are_told_once_and_in_order() {
    let vendor = Vendor::new(|_, path, _| match path {
        "/v3/lockRecord/list" => {
            let mut phone = record(4, 1, 1, "");
            phone["keyboardPwd"] = json!(null);
            let mut elsewhere = record(6, 4, 1, fake::DIGITS);
            elsewhere["lockId"] = json!(8);
            // The number under which the lock has the card 3661413478: its bytes the other way round.
            let card = record(3, 17, 1, "1723612378");
            let all = [record(5, 30, 1, ""), phone, card.clone(), card, elsewhere, record(2, 7, 0, "777777")];
            Reply::Json(page(&all))
        }
        path => Reply::Json(good(path)),
    });
    let config = TtlockConfig { cards: Some(CardOrder::Reversed), ..fake::config() };
    let driver = Host::new().instance_with(config, "one", &vendor);
    let all = driver.attempts_at(fake::DOOR.parse().unwrap(), at(NOW_MS), at(NOW_MS + 60_000)).await.unwrap();
    let told: Vec<_> = all
        .iter()
        .map(|one| {
            let shown = match &one.shown {
                Some(Shown::Artifact(text)) => text.expose().clone(),
                Some(Shown::Account(name)) => format!("account {}", name.expose()),
                _ => String::new(),
            };
            (one.record, one.at.timestamp_millis() - NOW_MS, one.outcome, shown)
        })
        .collect();
    let want = [
        (2, 2, Outcome::Denied(Denied::Unknown), "777777".to_owned()),
        (3, 3, Outcome::Granted, fake::CARD.to_owned()),
        (4, 4, Outcome::Granted, format!("account {}", fake::username())),
    ];
    assert_eq!(told, want);
    assert_eq!(all[0].told_at, Some(at(NOW_MS + 5_000)));
    let text = format!("{all:?}");
    assert!(!text.contains("777777") && !text.contains(fake::CARD) && !text.contains(fake::username()));
}

/// The month ends at midnight in Beijing.
#[tokio::test]
async fn the_months_calls_are_the_vendors_own_count() {
    let vendor = Vendor::new(|_, path, _| Reply::Json(good(path)));
    let driver = Host::new().instance("one", &vendor);
    let quota = driver.monthly_calls().await.unwrap();
    assert_eq!((quota.used, quota.of, quota.left()), (12_345, 30_000, 17_655));
    assert_eq!(quota.anew, "2026-04-30T16:00:00Z".parse::<Timestamp>().unwrap());
    let (path, form) = vendor.seen().pop().unwrap();
    assert_eq!(path, "/app/getMonthRequestCount");
    let secret = format!("clientId=d4444444444444444444444444444444&clientSecret={}&", fake::SECRET);
    assert!(form.starts_with(&secret), "{form}");
}

/// R148
#[tokio::test]
async fn a_clock_is_set_and_what_it_shows_then_is_told() {
    let vendor = Vendor::new(|_, path, _| match path {
        "/v3/lock/updateDate" => Reply::Json(json!({"date": NOW_MS + 400})),
        path => Reply::Json(good(path)),
    });
    let driver = fake::driver(&vendor);
    assert_eq!(driver.set_lock_clock(fake::DOOR.parse().unwrap()).await.unwrap(), 400);
    let (_, form) = vendor.seen().pop().unwrap();
    assert!(form.ends_with("&date=1777539600000&lockId=7"), "{form}");
    let nowhere = "lck_01STPS8FNWQ9SP6SX84512QPKQ".parse().unwrap();
    assert_eq!(
        driver.set_lock_clock(nowhere).await.unwrap_err().code(),
        lockport::ErrorCode::DeviceNotPaired
    );
}
