//! A person's word on a change whose answer is lost at a vendor that cannot be asked.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::adapter::Adapter;
use lockport::credential::{SettleInput, Verdict};
use lockport::driver::{AfterLost, Amend, Attempt, DriverDescriptor, Found, GrantOrder, VendorDriver};
use lockport::id::{KeyCredentialId, UserId};
use lockport::port::Settle as _;
use lockport::{FailureReason, LockError, LockPort as _, RetryAdvice};
use lockport_mock::{Fault, Personality};

use crate::bent::{Bend, Bent};
use crate::house::{House, text};

/// Longer than any call of this vendor is on its way.
const LATE: i64 = 45;

/// Tells nobody what it has, and takes nothing twice: no change, or no new key for an old one where there are no changes.
#[derive(Clone, Copy, Debug)]
enum Mute {
    Amends,
    Replaces,
}

#[async_trait]
impl Bend for Mute {
    fn describe(&self, inner: &dyn VendorDriver) -> DriverDescriptor {
        let mut descriptor = inner.describe();
        for kind in &mut descriptor.kinds {
            (kind.recovery.grant, kind.recovery.amend) = (AfterLost::Declare, AfterLost::Declare);
            if matches!(self, Self::Replaces) {
                (kind.amend_window, kind.amend_doors) = (Amend::Replace, Amend::Replace);
            }
        }
        descriptor
    }

    async fn find(&self, _: &dyn VendorDriver, _: &GrantOrder, _: &Attempt<'_>) -> Result<Found, LockError> {
        Ok(Found::CannotTell)
    }
}

/// Two doors are to open for longer, and nobody knows whether the second does: what happened counts for both, what did not for neither.
/// The same change, asked for once more, is made either way, and a revoke takes everything.
#[tokio::test]
async fn a_word_on_a_change_holds_at_every_door() {
    for bend in [Mute::Amends, Mute::Replaces] {
        for (fault, verdict) in
            [(Fault::LoseReply, Verdict::Happened), (Fault::LoseCall, Verdict::DidNotHappen)]
        {
            let house = House::of(Personality::PerDoor);
            let process = house.process("one", Bent { inner: Arc::new(house.driver()), bend });
            a_word_holds(&house, &process, fault, verdict).await;
        }
    }
}

/// An issue of which nobody knows whether it came about is a key like any other once somebody has found it: it is changed and taken away.
#[tokio::test]
async fn a_word_on_an_issue_makes_it_a_key() {
    let house = House::of(Personality::PerDoor);
    let process = house.process("one", Bent { inner: Arc::new(house.driver()), bend: Mute::Amends });
    house.bench.vendor.push_fault(Fault::LoseReply);
    let wanted = house.issue("ada", &[0]);
    let (id, ends) = (wanted.resulting_id(), wanted.validity.until());
    let declared = process.issue_credential(wanted).await.unwrap_err();
    assert_eq!((declared.reason(), declared.advice()), (FailureReason::OutcomeUnknown, RetryAdvice::Never));
    house.pass(LATE);
    let told = process.settle(word(&house, id, Verdict::Happened)).await.unwrap().unwrap();
    assert!(house.opens(&text(&told), 0));
    let longer = house.update(id, "longer").with_valid_until(ends + TimeDelta::hours(10));
    let updated = process.update_credential(longer).await.unwrap().credential;
    let later = ends + TimeDelta::hours(5);
    assert!(house.bench.vendor.door(house.door(0)).try_open(&text(&updated), later));
    process.revoke_credential(house.revoke(id, "revoke")).await.unwrap();
    assert_eq!(house.bench.vendor.live_grants(house.door(0)), 0);
}

/// A word is on the change whose answer was lost, and on none that was refused after it.
#[tokio::test]
async fn a_word_on_a_lost_change_is_no_word_on_one_that_was_refused_since() {
    let house = House::of(Personality::PerDoor);
    let process = house.process("one", Bent { inner: Arc::new(house.driver()), bend: Mute::Amends });
    let issued = process.issue_credential(house.issue("ada", &[0])).await.unwrap().credential;
    let (id, ends) = (issued.id, issued.validity.until());
    let until = |name, hours| house.update(id, name).with_valid_until(ends + TimeDelta::hours(hours));
    house.bench.vendor.push_fault(Fault::LoseReply);
    let declared = process.update_credential(until("longer", 10)).await.unwrap_err();
    assert_eq!((declared.reason(), declared.advice()), (FailureReason::OutcomeUnknown, RetryAdvice::Never));
    house.pass(LATE);
    house.bench.vendor.push_fault(Fault::Code(4003));
    let refused = process.update_credential(until("longest", 20)).await.unwrap_err();
    assert_ne!(refused.reason(), FailureReason::OutcomeUnknown);
    assert_eq!(house.bench.vendor.faults_waiting(), 0);
    let told = process.settle(word(&house, id, Verdict::Happened)).await.unwrap().unwrap();
    assert_eq!(told.validity.until(), ends + TimeDelta::hours(10));
}

fn word(house: &House, id: KeyCredentialId, verdict: Verdict) -> SettleInput {
    let operator = UserId::derived("test", &[b"operator"]);
    SettleInput::new(house.bench.site.tenant, id, verdict, operator, "word".parse().unwrap())
}

async fn a_word_holds(house: &House, process: &Adapter<Bent<Mute>>, fault: Fault, verdict: Verdict) {
    let issued = process.issue_credential(house.issue("ada", &[0, 1])).await.unwrap().credential;
    let (id, key, ends) = (issued.id, text(&issued), issued.validity.until());
    let longer = |name| house.update(id, name).with_valid_until(ends + TimeDelta::hours(10));
    house.bench.vendor.push_fault_after(1, fault);
    let declared = process.update_credential(longer("longer")).await.unwrap_err();
    assert_eq!((declared.reason(), declared.advice()), (FailureReason::OutcomeUnknown, RetryAdvice::Never));
    // Before that, it may happen still.
    house.pass(LATE);
    let told = process.settle(word(house, id, verdict)).await.unwrap().unwrap();
    let happened = verdict == Verdict::Happened;
    assert_eq!(told.validity.until(), ends + TimeDelta::hours(if happened { 10 } else { 0 }));
    let later = ends + TimeDelta::hours(5);
    let opens = |room: usize| house.bench.vendor.door(house.door(room)).try_open(&key, later);
    assert_eq!([opens(0), opens(1)], [happened; 2], "{verdict:?}");
    let updated = process.update_credential(longer("again")).await.unwrap().credential;
    assert_eq!((updated.validity.until(), opens(0), opens(1)), (ends + TimeDelta::hours(10), true, true));
    process.revoke_credential(house.revoke(id, "revoke")).await.unwrap();
    assert_eq!([0, 1].map(|room| house.bench.vendor.live_grants(house.door(room))), [0, 0]);
}
