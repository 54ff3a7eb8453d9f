//! One vendor with three doors, and a driver without the core's engine in between.

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use lockport::credential::KeyCredentialKind;
use lockport::device::DoorMap;
use lockport::driver::{
    Answer, Attempt, Found, GrantOrder, Granted, Held, Journal, Pending, Relation, VendorDriver as _,
    WhyWithdraw, Withdrawal, Withdrawn,
};
use lockport::env::{Clock as _, ManualClock};
use lockport::id::{GrantId, KeyCredentialId, LockDeviceId, PropertyId, RoomId};
use lockport::{LockError, Secret, Timestamp, Validity};
use lockport_mock::{MockDriver, MockUrlError, MockVendor, Personality};

/// Keeps the last note.
#[derive(Debug, Default)]
pub(crate) struct Notes(pub(crate) Mutex<Option<String>>);

#[async_trait::async_trait]
impl Journal for Notes {
    async fn write(&self, note: &str) -> Result<(), LockError> {
        *self.0.lock().unwrap() = Some(note.to_owned());
        Ok(())
    }
}

pub(crate) struct Stand {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) vendor: MockVendor,
    pub(crate) driver: MockDriver,
    /// 201, 202, 203.
    pub(crate) doors: [LockDeviceId; 3],
    pub(crate) door: LockDeviceId,
    pub(crate) encoder: LockDeviceId,
    pub(crate) notes: Notes,
}

impl Stand {
    pub(crate) fn of(personality: Personality) -> Self {
        Self::at(&format!("mock://?personality={personality}")).unwrap()
    }

    pub(crate) fn at(url: &str) -> Result<Self, MockUrlError> {
        let doors = ["201", "202", "203"].map(|name| LockDeviceId::derived("door", &[name.as_bytes()]));
        let clock = Arc::new(ManualClock::new(Timestamp::from_timestamp(1_772_452_800, 0).unwrap()));
        let map = doors.iter().fold(DoorMap::default(), |map, door| {
            map.with_room(RoomId::derived("room", &[door.to_string().as_bytes()]), None, vec![*door])
        });
        let vendor = MockVendor::from_url(url, PropertyId::derived("property", &[]), map, clock.clone())?;
        let encoder = LockDeviceId::derived("encoder", &[]);
        let driver = MockDriver::new(vendor.clone());
        let [door, ..] = doors;
        Ok(Self { driver, vendor, clock, doors, door, encoder, notes: Notes::default() })
    }

    pub(crate) fn attempt<'a>(&'a self, call_key: &'a str, noted: Option<&'a str>) -> Attempt<'a> {
        Attempt { noted, ..Attempt::first(call_key, &self.notes) }
    }

    /// An order for the first door and the next hour; `text` as the artifact, where the core has one.
    pub(crate) fn order(&self, kind: KeyCredentialKind, text: Option<&str>, marker: &str) -> GrantOrder {
        let now = self.clock.now();
        GrantOrder {
            grant: GrantId::derived("grant", &[marker.as_bytes()]),
            credential: KeyCredentialId::derived("credential", &[marker.as_bytes()]),
            kind,
            doors: vec![self.door],
            window: Validity::new(now, now + TimeDelta::hours(1)).unwrap(),
            blocked: false,
            artifact: text.map(|text| Secret::new(text.to_owned())),
            serial: 1,
            marker: marker.to_owned(),
            relation: Relation::Override,
            at: Some(self.encoder),
            already: false,
        }
    }

    pub(crate) fn pin(&self, digits: &str, marker: &str) -> GrantOrder {
        self.order(KeyCredentialKind::PinCode, Some(digits), marker)
    }

    pub(crate) fn phone(&self, token: &str, marker: &str) -> GrantOrder {
        self.order(KeyCredentialKind::MobileApp, Some(token), marker)
    }

    pub(crate) async fn ask(&self, order: &GrantOrder) -> Result<Answer<Granted>, LockError> {
        self.driver.grant(order, &self.attempt(&order.marker, None)).await
    }

    pub(crate) async fn grant(&self, order: &GrantOrder) -> Result<Granted, LockError> {
        match self.ask(order).await? {
            Answer::Done(granted) => Ok(granted),
            Answer::Pending(pending) => panic!("{pending:?}"),
        }
    }

    pub(crate) async fn wait_for(&self, order: &GrantOrder) -> Pending {
        match self.ask(order).await.unwrap() {
            Answer::Done(granted) => panic!("{granted:?}"),
            Answer::Pending(pending) => pending,
        }
    }

    pub(crate) async fn find(&self, order: &GrantOrder) -> Found {
        self.driver.find(order, &self.attempt(&order.marker, None)).await.unwrap()
    }

    pub(crate) async fn found(&self, order: &GrantOrder) -> Option<Granted> {
        match self.find(order).await {
            Found::Present(all) if all.len() == 1 => all.into_iter().next(),
            _ => None,
        }
    }

    pub(crate) async fn amend(
        &self,
        held: &GrantOrder,
        reference: Option<Secret>,
        target: &GrantOrder,
    ) -> Result<Answer<Granted>, LockError> {
        self.driver.amend(&held_by(held, reference), target, &self.attempt("amend", None)).await
    }

    /// Takes it away; `shared` where others need its door.
    pub(crate) async fn take(
        &self,
        order: &GrantOrder,
        reference: Option<Secret>,
        shared: Vec<LockDeviceId>,
    ) -> Result<Answer<Withdrawn>, LockError> {
        let held = held_by(order, reference);
        let withdrawal = Withdrawal { held, why: WhyWithdraw::Revoke, shared, at: None };
        self.driver.withdraw(&withdrawal, &self.attempt("withdraw", None)).await
    }

    pub(crate) async fn withdraw(
        &self,
        order: &GrantOrder,
        reference: Option<Secret>,
    ) -> Result<(), LockError> {
        self.take(order, reference, Vec::new()).await.map(drop)
    }

    pub(crate) fn opens(&self, text: &str) -> bool {
        self.opens_at(self.door, text)
    }

    pub(crate) fn opens_at(&self, door: LockDeviceId, text: &str) -> bool {
        self.vendor.door(door).try_open(text, self.clock.now())
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }
}

fn held_by(order: &GrantOrder, reference: Option<Secret>) -> Held {
    Held { reference, ..Held::by(order.clone()) }
}
