//! What holds for whatever bytes come in the vendor's name. Played over drawn ones, over a kept corpus, and by the fuzzer.

use lockport::driver::{
    AccessFeed as _, ClockSync as _, Found, GrantOrder, Page, VendorCall, VendorDriver, Webhook as _,
};
use lockport_ttlock::{Passcodes, TtlockConfig, TtlockDriver};

use crate::fake::{self, FIRST, Host, Reply, Vendor, good};

/// Who reads answers, by number: four sorts of keys, each looked for, granted, changed and taken back; then everything else.
pub(crate) const READERS: u8 = 21;

/// An answer, read by whoever its first byte chooses, while the vendor answers everything else as it should.
pub(crate) async fn answer(bytes: &[u8]) {
    let Some((choice, body)) = bytes.split_first() else { return };
    let is_token = choice / READERS == 1;
    let body = body.to_vec();
    let vendor = Vendor::new(move |_, path, _| {
        if (path == "/oauth2/token") == is_token {
            Reply::Bytes(body.clone())
        } else {
            Reply::Json(good(path))
        }
    });
    let passcodes = if choice % 2 == 0 { Passcodes::Custom } else { Passcodes::Random };
    let config = TtlockConfig { passcodes, ..fake::config() };
    read(&Host::new().instance_with(config, "one", &vendor), choice % READERS).await;
}

/// A call of the vendor's, and what it leads to.
pub(crate) async fn callback(body: &[u8]) {
    let vendor = Vendor::new(|_, path, _| Reply::Json(good(path)));
    let driver = fake::driver(&vendor);
    let call = VendorCall { segment: fake::SEGMENT, ..VendorCall::with_body(body) };
    if driver.check(&call).await.is_ok() {
        driver.news(&call).await.unwrap();
    }
}

/// Asks for something, in order to see what its reader makes of the answer.
pub(crate) async fn read(driver: &TtlockDriver, reader: u8) {
    let device = fake::DOOR.parse().unwrap();
    let order = match reader % 4 {
        0 => fake::order(),
        1 => fake::random(),
        2 => fake::passcode(),
        _ => fake::card(),
    };
    match reader {
        0..4 => find(driver, &order).await,
        4..8 => drop(driver.grant(&order, &FIRST).await),
        8..12 => {
            let later = fake::until(order.clone(), "2026-05-04T10:00:00Z");
            drop(driver.amend(&fake::held(order, None), &later, &FIRST).await);
        }
        12..16 => drop(driver.withdraw(&fake::withdrawal(fake::held(order, None)), &FIRST).await),
        16 => drop(driver.devices().await),
        17 => drop(driver.health(device).await),
        18 => drop(driver.set_clock(device, order.window.from()).await),
        19 => drop(driver.monthly_calls().await),
        _ => {
            let first = driver.attempts(None).await;
            if let Ok(Page { next: Some(next), .. }) = first {
                drop(driver.attempts(Some(&next)).await);
            }
        }
    }
}

/// What is found is never wider than what was asked for, whatever the vendor says.
async fn find(driver: &TtlockDriver, order: &GrantOrder) {
    let found = driver.find(order, &FIRST).await;
    if let Ok(Found::Present(all)) = &found {
        assert!(all.iter().all(|granted| order.window.covers(&granted.effective)), "{found:?}");
    }
}
