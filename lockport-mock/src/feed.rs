//! What the vendor tells of its doors beside its grants: who tried them, and that their clocks were set.

use async_trait::async_trait;
use lockport::driver::{AccessFeed, ClockSync, Cursor, DoorAttempt, Page, Shown, VendorEventId};
use lockport::id::LockDeviceId;
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice, Timestamp};

use crate::driver::MockDriver;
use crate::personality::Personality;
use crate::wire::NoAnswer;

/// How many attempts stand on a page.
const PAGE: usize = 100;

fn is_away(device: LockDeviceId) -> LockError {
    let (code, reason) = (ErrorCode::VendorUnreachable, FailureReason::DeviceOffline);
    LockError::new(code, reason, RetryAdvice::NotApplied, "the lock does not answer").at_device(device)
}

/// A cursor is the place of the last attempt that was told. Locks for cards have no line, and tell nothing.
#[async_trait]
impl AccessFeed for MockDriver {
    async fn attempts(&self, after: Option<&Cursor>) -> Result<Page<DoorAttempt>, LockError> {
        if self.vendor().personality() == Personality::SilentAck {
            return Err(LockError::unsupported("this vendor tells nothing"));
        }
        let place = after.map_or(Ok(0), |cursor| cursor.as_str().parse());
        let place: u64 = place.map_err(|_| LockError::invalid_input("no cursor of this vendor"))?;
        let has_line = self.has_line();
        self.vendor().travel().await;
        let page = self.vendor().with(|state, _| {
            state.wire.read(None)?;
            let line: Vec<LockDeviceId> = state
                .cloud
                .doors
                .keys()
                .copied()
                .filter(|door| has_line && state.lock(*door).is_online)
                .collect();
            state.records.collect(|door| line.contains(&door));
            let records = state.records.after(place, PAGE);
            let end = records.last().map_or(place, |(place, _)| *place);
            let told = records.into_iter().map(|(_, record)| DoorAttempt {
                event: VendorEventId::of(&format!("rec-{}", record.number)),
                device: record.device,
                at: record.at,
                outcome: record.outcome,
                shown: record.marker.map(Shown::Marker),
            });
            let told = told.collect();
            Ok(Page { told, next: Some(Cursor::new(end.to_string())), more: state.records.has_more(end) })
        });
        self.vendor().travel().await;
        page.map_err(|no: NoAnswer| no.into_error(ErrorCode::VendorUnreachable))
    }
}

#[async_trait]
impl ClockSync for MockDriver {
    async fn set_clock(&self, device: LockDeviceId, now: Timestamp) -> Result<(), LockError> {
        let (has_line, true_time) = (self.has_line(), self.vendor().host_now());
        self.vendor().travel().await;
        let set = self.vendor().with(|state, _| {
            let read = state.wire.read(None);
            read.map_err(|no| no.into_error(ErrorCode::VendorUnreachable))?;
            if !state.cloud.doors.contains_key(&device) {
                return Err(LockError::device_not_paired(device));
            }
            if !has_line || !state.lock(device).is_online {
                return Err(is_away(device));
            }
            state.lock_mut(device).ahead = now.signed_duration_since(true_time);
            Ok(())
        });
        self.vendor().travel().await;
        set
    }
}
