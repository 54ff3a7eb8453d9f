//! An encoder at the desk: everything stands on the card that a person puts on it, and the doors are offline. The driver writes the
//! card itself, so nothing happens while no card lies there, and a card that is away is out of reach.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lockport::Operation;
use lockport::capability::LockCapabilities;
use lockport::credential::{KeyCredentialKind, Proof, Warning, WarningCode};
use lockport::driver::{
    AfterLost, Amend, Answer, ArtifactSource, Attempt, DriverDescriptor, Found, GrantOrder, Granted, Held,
    Kind, LatencyClass, LatencyProfile, LeaseKey, Pending, Per, Placement, Reach, Recovery, Suspend,
    WaitsFor, WhyWithdraw, Withdrawal, Withdrawn,
};
use lockport::id::LockDeviceId;
use lockport::{ErrorCode, LockError, RetryAdvice, Secret};

use super::{Nature, online};
use crate::desk::{Command, Entry};
use crate::vendor::MockVendor;
use crate::wire::NoAnswer;

/// The most doors of one key on a card.
const MAX_DOORS: u16 = 9;
/// When to look again whether a card lies there.
const LOOK: TimeDelta = TimeDelta::seconds(10);

pub(super) struct Card;

/// The encoder of an order, the card that lies on it, and what stands on that.
struct Lying<'a> {
    vendor: &'a MockVendor,
    encoder: LockDeviceId,
    card: String,
    entries: Vec<Entry>,
}

impl<'a> Lying<'a> {
    fn at(vendor: &'a MockVendor, encoder: LockDeviceId) -> Result<Option<Self>, LockError> {
        vendor.with(|state, _| {
            let no = |no: NoAnswer| no.into_error(ErrorCode::CardEncoderOffline);
            state.wire.read(None).map_err(no)?;
            let read = state.desk.read(encoder);
            Ok(read.map(|(card, entries)| Self { vendor, encoder, card, entries }))
        })
    }

    fn command(&self, operation: Operation, command: Command) -> Result<(), LockError> {
        self.vendor
            .with(|state, _| {
                state.desk.command(&mut state.wire, operation, self.encoder, &self.card, command)
            })
            .map_err(|no| no.into_error(operation.refusal_code()).at_device(self.encoder))
    }

    fn granted(&self, order: &GrantOrder) -> Granted {
        let card = Secret::new(self.card.clone());
        let proof = Some(Proof::AtLock);
        Granted {
            reference: Some(card.clone()),
            artifact: Some(card),
            proof,
            ..online::granted(order, None, None)
        }
    }
}

fn encoder_of(order: &GrantOrder) -> Result<LockDeviceId, LockError> {
    order.at.ok_or_else(|| LockError::unsupported("a card is written at an encoder, and none is named"))
}

fn to_entry(order: &GrantOrder) -> Entry {
    let GrantOrder { credential, marker, serial, doors, window, .. } = order.clone();
    Entry { credential, marker, serial, doors, window }
}

fn waits_for_card<T>(vendor: &MockVendor, encoder: LockDeviceId, order: &GrantOrder) -> Answer<T> {
    let (ask_after, _) = online::soon(vendor, LOOK, LOOK);
    let (waits_for, give_up_at) = (WaitsFor::CardAt(encoder), order.window.until());
    Answer::Pending(Pending { reference: None, waits_for, ask_after, give_up_at })
}

/// The number of the card that the grant is on, where anybody knows it.
fn card_of(held: &Held) -> Option<&str> {
    // EXPOSE: a card's number, to tell it from another card.
    held.reference.as_ref().map(|reference| reference.expose().as_str()).or(held.note.as_deref())
}

#[async_trait]
impl Nature for Card {
    fn describe(&self) -> DriverDescriptor {
        let kind = online::kind(KeyCredentialKind::RfidCard, ArtifactSource::Card, Suspend::Emulated);
        let recovery = Recovery {
            grant: AfterLost::Ask,
            amend: AfterLost::Ask,
            withdraw: online::RESEND,
            // Closing the port ends it.
            late_by: Duration::ZERO,
            notes_first: true,
        };
        let per = Per::Stay { max_doors: MAX_DOORS };
        let kinds = vec![Kind { per, amend_doors: Amend::Native, recovery, ..kind }];
        DriverDescriptor {
            runs_on: Placement::Desk,
            capabilities: LockCapabilities { scope_areas: true, joiner: true, ..LockCapabilities::NONE },
            latency: LatencyProfile::all(LatencyClass::Person),
            ..online::describe("Mock, on cards", kinds)
        }
    }

    /// One conversation at a time with an encoder.
    fn lease_keys(&self, reach: &Reach<'_>) -> Vec<LeaseKey> {
        reach.at.iter().map(|encoder| LeaseKey::while_worked_on(format!("encoder:{encoder}"))).collect()
    }

    async fn grant(
        &self,
        vendor: &MockVendor,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let encoder = encoder_of(order)?;
        // EXPOSE: a card's number, to tell it from another card.
        let wanted = order.artifact.as_ref().map(|card| card.expose().as_str());
        let is_meant = |lying: &Lying<'_>| {
            [wanted, attempt.noted].iter().flatten().all(|card| *card == lying.card)
                && attempt.beside.iter().all(|other| card_of(other) != Some(&lying.card))
        };
        let Some(lying) = Lying::at(vendor, encoder)?.filter(is_meant) else {
            return Ok(waits_for_card(vendor, encoder, order));
        };
        attempt.note(&lying.card).await?;
        lying.command(Operation::IssueCredential, Command::Write(to_entry(order)))?;
        Ok(Answer::Done(lying.granted(order)))
    }

    async fn find(
        &self,
        vendor: &MockVendor,
        order: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Found, LockError> {
        // Without a note nothing was begun: whatever was there before is there still.
        let unseen = if attempt.noted.is_some() { Found::CannotTell } else { Found::Otherwise };
        let Some(lying) = Lying::at(vendor, encoder_of(order)?)? else { return Ok(unseen) };
        let bearing: Vec<&Entry> =
            lying.entries.iter().filter(|entry| entry.marker == order.marker).collect();
        Ok(match bearing.as_slice() {
            [] if attempt.noted == Some(lying.card.as_str()) => Found::Absent,
            [] => unseen,
            [only] if **only == to_entry(order) => Found::Present(vec![lying.granted(order)]),
            _ => Found::Otherwise,
        })
    }

    /// Two commands, so that a card which is pulled away in between opens no more than the target.
    async fn amend(
        &self,
        vendor: &MockVendor,
        held: &Held,
        target: &GrantOrder,
        attempt: &Attempt<'_>,
    ) -> Result<Answer<Granted>, LockError> {
        let encoder = encoder_of(target)?;
        let is_meant = |lying: &Lying<'_>| card_of(held) == Some(lying.card.as_str());
        let Some(lying) = Lying::at(vendor, encoder)?.filter(is_meant) else {
            return Ok(waits_for_card(vendor, encoder, target));
        };
        attempt.note(&lying.card).await?;
        let on_it = lying.entries.iter().filter(|entry| entry.marker == target.marker);
        let widens = on_it.into_iter().all(|entry| {
            target.window.covers(&entry.window) && entry.doors.iter().all(|door| target.doors.contains(door))
        });
        let write = Command::Write(to_entry(target));
        let (first, second) = if widens {
            (write, Command::Wipe(target.marker.clone(), Some(target.serial)))
        } else {
            (Command::Wipe(target.marker.clone(), None), write)
        };
        lying.command(Operation::UpdateCredential, first)?;
        // Whatever is said to the second, the first is done: nobody may take the whole for refused.
        let second = lying.command(Operation::UpdateCredential, second);
        second.map_err(|error| error.with_advice(RetryAdvice::OutcomeUnknown))?;
        Ok(Answer::Done(lying.granted(target)))
    }

    async fn withdraw(
        &self,
        vendor: &MockVendor,
        withdrawal: &Withdrawal,
        _attempt: &Attempt<'_>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        let held = &withdrawal.held;
        // No number was ever noted: nothing was ever written.
        let Some(card) = card_of(held) else { return Ok(Answer::Done(online::gone())) };
        let encoder = withdrawal.at.or(held.order.at);
        let lying = match encoder {
            Some(encoder) => Lying::at(vendor, encoder)?,
            None => None,
        };
        let Some(lying) = lying.filter(|lying| lying.card == card) else {
            // Who has other doors now has lost these when the card says so: as any change, that waits for it.
            if let (WhyWithdraw::Moved, Some(encoder)) = (withdrawal.why, encoder) {
                return Ok(waits_for_card(vendor, encoder, &held.order));
            }
            let detail = "the card is away".to_owned();
            let warnings = vec![Warning { code: WarningCode::ExpiresOnly, detail }];
            return Ok(Answer::Done(Withdrawn { proof: Proof::ExpiresOnly, warnings }));
        };
        let operation = match withdrawal.why {
            WhyWithdraw::Suspend => Operation::SuspendCredential,
            _ => Operation::RevokeCredential,
        };
        lying.command(operation, Command::Wipe(held.order.marker.clone(), None))?;
        Ok(Answer::Done(online::gone()))
    }
}
