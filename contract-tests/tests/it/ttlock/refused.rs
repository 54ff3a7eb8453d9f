//! What the driver does about a refusal that calling again does not mend.

use std::sync::Arc;

use chrono::TimeDelta;
use lockport::credential::{
    Artifact, IssuedCredential, KeyCredentialKind, SuspendInput, SuspendReason, UpdateInput,
};
use lockport::driver::VendorDriver as _;
use lockport::store::MemoryStore;
use lockport::{FailureReason, RetryAdvice, Timestamp};
use lockport_sim_ttlock::{Answered, Fault, Presented, Throttle, What};
use lockport_ttlock::{ACCOUNT_PASSWORD, CLIENT_SECRET};

use super::house::{DOOR, House, Plan, Secrets, instance};

const PHONE: KeyCredentialKind = KeyCredentialKind::MobileApp;
const LOGIN: &str = "/oauth2/token";
/// "The account is bound elsewhere and receives nothing"; "the period cannot be changed now".
const BOUND: i64 = -1027;
const STANDS: i64 = -2023;

/// What the guest's phone logs in with.
fn phone(credential: &IssuedCredential) -> Presented {
    let Artifact::MobileToken(login) = &credential.delivery[0].artifact else { panic!("no mobile key") };
    // EXPOSE: the guest's phone logs in with it.
    let (username, password) = login.expose().split_once(':').unwrap();
    Presented::EKey { username: username.to_owned(), password: password.to_owned() }
}

fn until(house: &House, credential: &IssuedCredential, until: Timestamp, key: &str) -> UpdateInput {
    UpdateInput::new(house.site.tenant, credential.id, key.parse().unwrap()).with_valid_until(until)
}

fn refuse(house: &House, path: &str, code: i64) {
    house.sim.faults().push(Fault::once(path, What::Refuse(code)));
}

/// An account that the vendor lets receive nothing (-1027) makes room for another, and its key is moved, found again and taken away as
/// any other's.
#[tokio::test]
async fn a_guest_whose_account_receives_nothing_gets_another() {
    let house = House::of(Plan::usual()).await;
    let window = house.minutes(60, 600);
    for (key, is_lost) in [("k-1", false), ("k-2", true)] {
        let input = house.input(PHONE, window, key);
        refuse(&house, "/v3/key/send", BOUND);
        if is_lost {
            house.sim.faults().push(Fault::once("/v3/key/send", What::DropAfter));
            house.port.issue_credential(input.clone()).await.unwrap_err();
            house.pass(TimeDelta::seconds(61));
        }
        let issued = house.port.issue_credential(input).await.unwrap().credential;
        let held = phone(&issued);
        let later = window.until() + TimeDelta::hours(1);
        assert!(house.opens(&held, window.from()) && !house.opens(&held, window.until()), "{key}");
        house.port.update_credential(until(&house, &issued, later, &format!("{key}-longer"))).await.unwrap();
        assert!(house.opens(&held, window.until()) && !house.opens(&held, later), "{key}");
        assert_eq!(house.sim.live_ekeys(DOOR).len(), 1, "{key}");
        house.port.revoke_credential(house.revoke(&issued, &format!("{key}-gone"))).await.unwrap();
        assert!(house.sim.live_ekeys(DOOR).is_empty() && !house.opens(&held, window.from()), "{key}");
    }
    // One that receives nothing either is the end of it.
    refuse(&house, "/v3/key/send", BOUND);
    refuse(&house, "/v3/key/send", BOUND);
    let error = house.port.issue_credential(house.input(PHONE, window, "k-3")).await.unwrap_err();
    assert_eq!((error.reason(), error.advice()), (FailureReason::Refused, RetryAdvice::Never), "{error:?}");
    assert!(house.sim.live_ekeys(DOOR).is_empty());
}

/// A period that the vendor does not change (-2023) comes with a key that is sent anew: the same login, one key, whatever is lost.
#[tokio::test]
async fn a_key_whose_period_stands_is_sent_anew() {
    let house = House::of(Plan::usual()).await;
    let window = house.minutes(60, 600);
    let later = window.until() + TimeDelta::hours(1);
    // Told at once; lost and called again, followed by another change, or by nothing but the end of the stay.
    for (key, is_lost, then) in
        [("k-1", false, "again"), ("k-2", true, "again"), ("k-3", true, "other"), ("k-4", true, "")]
    {
        let issued = house.port.issue_credential(house.input(PHONE, window, key)).await.unwrap().credential;
        let held = phone(&issued);
        let longer = until(&house, &issued, later, &format!("{key}-longer"));
        refuse(&house, "/v3/key/changePeriod", STANDS);
        if is_lost {
            house.sim.faults().push(Fault::once("/v3/key/send", What::DropAfter));
            house.port.update_credential(longer.clone()).await.unwrap_err();
            house.pass(TimeDelta::seconds(61));
        }
        let other = until(&house, &issued, later, &format!("{key}-other"));
        let other = other.with_valid_from(window.from() + TimeDelta::minutes(5));
        let call = [("again", longer), ("other", other)].into_iter().find(|(word, _)| *word == then);
        if let Some((_, input)) = call {
            house.port.update_credential(input).await.unwrap();
        }
        let inside = later - TimeDelta::seconds(1);
        assert!(house.opens(&held, inside) && !house.opens(&held, later), "{key}");
        assert_eq!(house.opens(&held, window.from()), then != "other", "{key}");
        assert_eq!(house.sim.live_ekeys(DOOR).len(), 1, "{key}");
        house.port.revoke_credential(house.revoke(&issued, &format!("{key}-gone"))).await.unwrap();
        assert!(house.sim.live_ekeys(DOOR).is_empty() && !house.opens(&held, inside), "{key}");
    }
}

/// A key that is sent is not frozen: one that is stays as it is, and the change is for later.
#[tokio::test]
async fn a_frozen_key_whose_period_stands_opens_nothing_in_between() {
    let house = House::of(Plan::usual()).await;
    let window = house.minutes(60, 600);
    let issued = house.port.issue_credential(house.input(PHONE, window, "k-1")).await.unwrap().credential;
    let key = "k-2".parse().unwrap();
    let suspend = SuspendInput::new(house.site.tenant, issued.id, SuspendReason::NoShow, key);
    house.port.suspend_credential(suspend).await.unwrap();
    refuse(&house, "/v3/key/changePeriod", STANDS);
    let later = until(&house, &issued, window.until() + TimeDelta::hours(1), "k-3");
    let error = house.port.update_credential(later.clone()).await.unwrap_err();
    assert_eq!(error.reason(), FailureReason::WrongState, "{error:?}");
    assert!(error.is_retriable() && house.sim.requests("/v3/key/send") == 1, "{error:?}");
    house.port.update_credential(later).await.unwrap();
    assert!(!house.opens(&phone(&issued), window.from()));
}

/// A wrong password (10007) is sent once an hour, by however many instances, however often somebody looks; another one at once.
#[tokio::test]
async fn a_login_that_was_turned_down_is_left_alone() {
    for (name, reason) in [(ACCOUNT_PASSWORD, "10007"), (CLIENT_SECRET, "10001")] {
        let house = House::of(Plan::usual()).await;
        let (store, secrets) = (Arc::new(MemoryStore::new()), Secrets::default());
        let right = secrets.rotate(name, "the one of last year");
        let instances =
            ["one", "two"].map(|own| instance(&house.config, &house.clock, &store, own, &secrets));
        for _ in 0..30 {
            for driver in &instances {
                let error = driver.devices().await.unwrap_err();
                let is = (error.reason(), error.advice());
                assert_eq!(is, (FailureReason::AuthRejected, RetryAdvice::Never), "{error:?}");
                assert!(error.message().contains(reason), "{error:?}");
            }
            assert_eq!(house.sim.requests(LOGIN), 1, "every two minutes somebody looks");
            house.pass(TimeDelta::minutes(2));
        }
        instances[0].devices().await.unwrap_err();
        assert_eq!(house.sim.requests(LOGIN), 2, "an hour later it is tried once more");
        secrets.rotate(name, right);
        for driver in &instances {
            driver.devices().await.unwrap();
        }
        assert_eq!(house.sim.requests(LOGIN), 3, "another one is tried at once, and once for all");
    }
}

/// A call that is refused because of the application (10000) makes its token worthless: it is not sent again, and the next one logs in.
#[tokio::test]
async fn what_is_refused_to_the_application_is_not_repeated() {
    let house = House::of(Plan::usual()).await;
    house.driver.devices().await.unwrap();
    let lists = house.sim.requests("/v3/lock/list");
    refuse(&house, "/v3/lock/list", 10_000);
    let error = house.driver.devices().await.unwrap_err();
    assert_eq!(
        (error.reason(), error.advice()),
        (FailureReason::AuthRejected, RetryAdvice::Never),
        "{error:?}"
    );
    assert_eq!((house.sim.requests("/v3/lock/list"), house.sim.requests(LOGIN)), (lists + 1, 1));
    // As long as the login is refused too, nothing else is sent.
    refuse(&house, LOGIN, 10_000);
    for _ in 0..5 {
        house.driver.devices().await.unwrap_err();
        house.pass(TimeDelta::minutes(2));
    }
    assert_eq!((house.sim.requests("/v3/lock/list"), house.sim.requests(LOGIN)), (lists + 1, 2));
    house.pass(TimeDelta::hours(1));
    house.driver.devices().await.unwrap();
    assert_eq!(house.sim.requests(LOGIN), 3);
}

/// R45: who is told that there are too many calls (30006) keeps still, and longer each time; what he says of when to come is true.
#[tokio::test]
async fn too_many_calls_are_followed_by_few() {
    let house = House::of(Plan::usual()).await;
    house.sim.set_throttle(Some(Throttle { calls: 6, per_ms: 300_000 }));
    let mut pauses = Vec::new();
    let mut not_before = house.now();
    for _ in 0..600 {
        if let Err(error) = house.driver.devices().await {
            assert_eq!(error.reason(), FailureReason::Throttled, "{error:?}");
            let RetryAdvice::After(pause) = error.advice() else { panic!("{error:?}") };
            if house.now() >= not_before {
                pauses.push(pause);
                not_before = house.now() + TimeDelta::from_std(pause).unwrap();
            }
        }
        house.pass(TimeDelta::seconds(1));
    }
    let told = house.sim.seen().iter().filter(|seen| seen.answered == Answered::Errcode(30_006)).count();
    assert_eq!(told, pauses.len(), "each time it was told it kept still as long as it said");
    assert!((5..20).contains(&told), "{told} of 600 calls were too many: {pauses:?}");
    assert!(pauses.windows(2).any(|pair| pair[1] > pair[0]), "{pauses:?}");
}
