//! Who tried a door, how much of the month is used, and the clock of a lock.

use crate::fake::{self, Host, NOW_MS, Reply, Vendor, good, page, record};
use lockport::Timestamp;
use lockport::driver::{
    AccessFeed as _, AttemptOutcome, ClockSync as _, Cursor, DenyReason, DoorAttempt, Shown,
};
use lockport_ttlock::{CardOrder, TtlockConfig};
use serde_json::{Value, json};

/// Every page of the feed from its beginning, with the form of each call.
async fn read(
    config: TtlockConfig,
    answer: impl Fn(&str) -> Value + Send + Sync + 'static,
) -> (Vec<DoorAttempt>, Vec<String>) {
    let vendor = Vendor::new(move |_, path, form| match path {
        "/v3/lockRecord/list" => Reply::Json(answer(form)),
        path => Reply::Json(good(path)),
    });
    let driver = Host::new().instance_with(config, "one", &vendor);
    let (mut told, mut cursor) = (Vec::new(), None);
    for _ in 0..20 {
        let page = driver.attempts(cursor.as_ref()).await.unwrap();
        told.extend(page.told);
        cursor = page.next;
        if !page.more {
            let forms = vendor.seen().into_iter().filter(|(path, _)| path == "/v3/lockRecord/list");
            return (told, forms.map(|(_, form)| form).collect());
        }
    }
    panic!("the feed has no end")
}

/// R108: attempts, the oldest first, each once, with what was shown as the desk knows it.
#[tokio::test]
async fn the_attempts_at_a_door_are_told_once_and_in_order() {
    let config = TtlockConfig { cards: Some(CardOrder::Reversed), ..fake::config() };
    let (all, forms) = read(config, |_| {
        let mut phone = record(4, 1, 1, "");
        phone["keyboardPwd"] = json!(null);
        let mut elsewhere = record(6, 4, 1, fake::DIGITS);
        elsewhere["lockId"] = json!(8);
        // The number under which the lock has the card 3661413478: its bytes the other way round.
        let card = record(3, 17, 1, "1723612378");
        page(&[record(5, 30, 1, ""), phone, card.clone(), card, elsewhere, record(2, 7, 0, "777777")])
    })
    .await;
    let told: Vec<_> = all
        .iter()
        .map(|one| {
            let shown = match &one.shown {
                Some(Shown::Artifact(text)) => text.expose().clone(),
                Some(Shown::Beginning(name)) => format!("account {}", name.expose()),
                _ => String::new(),
            };
            (one.event.as_str().to_owned(), one.at.timestamp_millis() - NOW_MS, one.outcome, shown)
        })
        .collect();
    let want = [
        ("record-2".to_owned(), 2, AttemptOutcome::Denied(DenyReason::UnknownKey), "777777".to_owned()),
        ("record-3".to_owned(), 3, AttemptOutcome::Granted, fake::CARD.to_owned()),
        ("record-4".to_owned(), 4, AttemptOutcome::Granted, format!("account {}:", fake::username())),
    ];
    assert_eq!(told, want);
    let text = format!("{all:?}");
    assert!(!text.contains("777777") && !text.contains(fake::CARD) && !text.contains(fake::username()));
    let half_a_year = 184 * 86_400_000;
    let want = format!("lockId=7&startDate={}&endDate={NOW_MS}&pageSize=100&pageNo=1", NOW_MS - half_a_year);
    assert!(forms.len() == 1 && forms[0].ends_with(&want), "{forms:?}");
}

/// R108: face, palm, fingerprint and mechanical key are attempts, and what stands in their records is nobody's passcode.
#[tokio::test]
async fn what_is_nobodys_key_is_an_attempt_without_one() {
    let (all, _) = read(fake::config(), |_| {
        let mut key = record(1, 27, 1, "");
        key["username"] = json!("");
        page(&[
            key,
            record(2, 67, 1, "50432139"),
            record(3, 88, 0, "50432140"),
            record(4, 20, 1, fake::DIGITS),
        ])
    })
    .await;
    let told: Vec<_> = all.iter().map(|one| (one.outcome, one.shown.is_some())).collect();
    let outside = AttemptOutcome::Denied(DenyReason::OutsideWindow);
    let granted = AttemptOutcome::Granted;
    assert_eq!(told, [(granted, false), (granted, false), (outside, false), (granted, false)]);
}

/// The vendor lists the newest first, so the last page is read first. Records that come or go between two pages stand on other pages
/// then: the lock is read anew, and what is told twice has the same name.
#[tokio::test]
async fn a_page_that_moved_is_read_again() {
    let asked = std::sync::atomic::AtomicI64::new(0);
    let (all, forms) = read(fake::config(), move |form| {
        let nth = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let number: i64 = form.rsplit("pageNo=").next().unwrap().parse().unwrap();
        // After the second call one more has come.
        let newest = if nth < 2 { 5 } else { 6 };
        let on_it = (1..=newest).rev().skip(usize::try_from(2 * (number - 1)).unwrap()).take(2);
        let list: Vec<Value> = on_it.map(|id| record(id, 4, 1, fake::DIGITS)).collect();
        json!({"list": list, "pageNo": number, "pageSize": 2, "pages": (newest + 1) / 2, "total": newest})
    })
    .await;
    let pages: Vec<_> = forms.iter().map(|form| form.rsplit("pageNo=").next().unwrap()).collect();
    assert_eq!(pages, ["1", "3", "2", "3", "2", "1"]);
    let told: Vec<_> = all.iter().map(|one| one.event.as_str()).collect();
    let record = |id: i64| format!("record-{id}");
    assert_eq!(told, [1, 1, 2, 3, 4, 5, 6].map(record));
}

/// A cursor of nobody's, and what is behind one that ends a round: the week before it.
#[tokio::test]
async fn a_round_goes_back_behind_the_one_before() {
    let vendor = Vendor::new(|_, path, _| match path {
        "/v3/lockRecord/list" => Reply::Json(page(&[])),
        path => Reply::Json(good(path)),
    });
    let driver = fake::driver(&vendor);
    for bad in ["", "x", "1:2", "1:2:3:4", "1:2:3:4:5:6", "1:2:3:4:x"] {
        let error = driver.attempts(Some(&Cursor::new(bad))).await.unwrap_err();
        assert_eq!(error.code(), lockport::ErrorCode::InvalidInput, "{bad}");
    }
    assert!(vendor.seen().is_empty());
    let before = Cursor::new((NOW_MS - 3_600_000).to_string());
    let first = driver.attempts(Some(&before)).await.unwrap();
    let (_, form) = vendor.seen().pop().unwrap();
    let week = 7 * 86_400_000;
    assert!(form.contains(&format!("startDate={}&endDate={NOW_MS}&", NOW_MS - 3_600_000 - week)), "{form}");
    let last = driver.attempts(first.next.as_ref()).await.unwrap();
    assert_eq!((last.next, last.more), (Some(Cursor::new(NOW_MS.to_string())), false));
}

/// A lock that the vendor has lost tells nothing, and the feed goes on behind it.
#[tokio::test]
async fn a_lock_that_is_lost_does_not_end_the_feed() {
    let (told, forms) = read(fake::config(), |_| fake::refused(-1003)).await;
    assert!(told.is_empty());
    assert_eq!(forms.len(), 1);
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

/// R148: the vendor sets a clock to its own time, whatever ours is.
#[tokio::test]
async fn a_clock_is_set() {
    let vendor = Vendor::new(|_, path, _| match path {
        "/v3/lock/updateDate" => Reply::Json(json!({"date": NOW_MS + 400})),
        path => Reply::Json(good(path)),
    });
    let driver = fake::driver(&vendor);
    let now = fake::NOW.parse().unwrap();
    driver.set_clock(fake::DOOR.parse().unwrap(), now).await.unwrap();
    let (_, form) = vendor.seen().pop().unwrap();
    assert!(form.ends_with("&date=1777539600000&lockId=7"), "{form}");
    let nowhere = "lck_01STPS8FNWQ9SP6SX84512QPKQ".parse().unwrap();
    let error = driver.set_clock(nowhere, now).await.unwrap_err();
    assert_eq!(error.code(), lockport::ErrorCode::DeviceNotPaired);
}
