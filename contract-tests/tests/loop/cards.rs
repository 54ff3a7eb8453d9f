//! Cards on simulated encoders: a call is cut between two frames on the cable, and the card is pulled away there.

use std::sync::Arc;

use async_trait::async_trait;
use lockport::LockError;
use lockport::credential::KeyCredentialKind;
use lockport::driver::{Answer, Attempt, Found, GrantOrder, Granted, Held, VendorDriver};
use lockport_contract::fault_loop::{
    InMemory, LoopPlan, LoopReport, Rig, WiegandPoints, WiegandRig, play_all,
};
use lockport_contract::harness::CardProfile;
use lockport_wiegand::EncoderModel;

use crate::bent::{Bend, Bent};
use crate::singles::play;
use crate::teeth::caught;

const CARD: KeyCredentialKind = KeyCredentialKind::RfidCard;
const TAG: KeyCredentialKind = KeyCredentialKind::NfcTag;

fn rig(model: EncoderModel, at: WiegandPoints, kind: KeyCredentialKind) -> Box<dyn Rig> {
    Box::new(WiegandRig::of(model, at, kind))
}

/// R59, R61, R78: whatever call of the driver fails, the card ends as the repeat asks for, on every encoder.
#[test]
fn every_call_of_the_driver_fails_once() {
    let rigs = EncoderModel::ALL.map(|model| rig(model, WiegandPoints::Driver, CARD));
    play(&rigs, &InMemory, &["issue-three", "shorten-then-lengthen"]);
}

/// R62, R120, R151: the cable comes out at every frame and at every wait for an answer.
#[test]
fn the_cable_comes_out_at_every_exchange() {
    let at = WiegandPoints::Cable;
    let rigs = [
        rig(EncoderModel::Pn532Serial, at, CARD),
        rig(EncoderModel::Stronglink, at, CARD),
        rig(EncoderModel::Rrhfoem04, at, CARD),
    ];
    play(&rigs, &InMemory, &["issue-three", "shorten"]);
    play(&[rig(EncoderModel::Pn532Serial, at, TAG)], &InMemory, &["issue"]);
}

/// R62: the card is pulled away at the same places.
#[test]
fn the_card_is_pulled_away_at_every_exchange() {
    let at = WiegandPoints::Card;
    let card = [rig(EncoderModel::Rrhfoem04, at, CARD)];
    play(&card, &InMemory, &["lengthen", "move-and-shorten", "suspend", "unsuspend", "replace"]);
    play(&[rig(EncoderModel::Pn532Serial, at, TAG)], &InMemory, &["shorten"]);
}

/// Sections 3.1 to 3.3, R62, R78: cards that are no more than a number, cut in the same ways. What was taken away for a while and is given
/// back stands on its card again.
#[test]
fn numbers_for_a_panel_survive_every_exchange() {
    let rig = |model, at, cards| Box::new(WiegandRig::of(model, at, CARD).with_cards(cards)) as Box<dyn Rig>;
    let bits = CardProfile::WiegandBits;
    let written = [
        rig(EncoderModel::Pn532Serial, WiegandPoints::Cable, bits),
        rig(EncoderModel::Stronglink, WiegandPoints::Card, bits),
    ];
    play(&written, &InMemory, &["issue-three", "move-and-shorten", "suspend-five", "revoke-mid-issue"]);
    let read = [
        rig(EncoderModel::Rrhfoem04, WiegandPoints::Cable, CardProfile::Csn),
        rig(EncoderModel::Pn532Serial, WiegandPoints::Driver, CardProfile::Csn),
    ];
    play(&read, &InMemory, &["issue-three", "move-and-shorten", "replace"]);
}

fn bent(bend: fn(Arc<dyn VendorDriver>) -> Arc<dyn VendorDriver>, scenario: &str) -> LoopReport {
    let rig = WiegandRig::of(EncoderModel::Stronglink, WiegandPoints::Cable, CARD).bent(bend);
    let rigs: [Box<dyn Rig>; 1] = [Box::new(rig)];
    let plan = LoopPlan::singles(0).with_some_ways().with_scenarios(&[scenario]);
    play_all(&rigs, &InMemory, &plan).unwrap()
}

/// Forgets which card it was writing, and with which serial.
#[derive(Debug)]
struct Forgets;

#[async_trait]
impl Bend for Forgets {
    async fn grant(
        &self,
        inner: &dyn VendorDriver,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        inner.grant(order, &Attempt { noted: None, ..*attempt }).await
    }

    async fn find(&self, _: &dyn VendorDriver, _: &GrantOrder, _: &Attempt<'_>) -> Result<Found, LockError> {
        Ok(Found::Absent)
    }
}

/// Takes a change that was cut for one that was made.
#[derive(Debug)]
struct TakesCutForDone;

#[async_trait]
impl Bend for TakesCutForDone {
    async fn amend(
        &self,
        inner: &dyn VendorDriver,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        inner.amend(held, target, attempt).await.or_else(|_| {
            Ok(Answer::Done(Granted {
                reference: held.reference.clone(),
                artifact: target.artifact.clone(),
                effective: target.window,
                proof: None,
                dies_unless_used_by: None,
                warnings: Vec::new(),
            }))
        })
    }
}

#[test]
fn a_driver_that_forgets_what_it_began_is_caught() {
    let report = bent(|inner| Arc::new(Bent { inner, bend: Forgets }), "issue");
    caught(&report, "made 2 permissions");
}

#[test]
fn a_driver_that_takes_a_cut_change_for_made_is_caught() {
    let report = bent(|inner| Arc::new(Bent { inner, bend: TakesCutForDone }), "shorten");
    caught(&report, "is shut to ada");
}
