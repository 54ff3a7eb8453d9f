//! Where the points are: around a driver, or around what it speaks through.

use std::sync::Arc;
use std::time::Duration;

use lockport::credential::KeyCredentialKind;
use lockport::driver::VendorDriver;
use lockport::env::{ByteLink, HttpTransport, ManualClock, ReportLink};
use lockport::store::Store;

use super::driver::FaultyDriver;
use super::http::FaultyHttp;
use super::late::Late;
use super::link::{FaultyLink, Pulled};
use super::points::Points;
use super::ring::Ring;
use super::store::FaultyStore;

/// What an effect that is cut in its middle leaves of a key that is being changed. It never leaves more than before or after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Torn {
    /// It has no middle.
    #[default]
    Never,
    /// The old key or the new one; nothing, where something is taken from it: what is wider goes first.
    WhereNarrower,
    /// Nothing: there is one place for a key, which is cleared first.
    Always,
}

/// The place through which every call of one stand goes. A rig puts it around its driver, or, to see the driver itself lose
/// calls, around the driver's line.
#[derive(Clone, Debug)]
pub struct Choke {
    pub(crate) torn: Torn,
    pub(crate) points: Arc<Points>,
    pub(crate) late: Arc<Late>,
    pub(crate) ring: Arc<Ring>,
    pub(crate) latest: Duration,
}

impl Choke {
    /// For a stand with this clock, whose vendor lets a call without an answer take effect so late at most: as the vendor is,
    /// not as its descriptor says. Zero where closing the line ends the call.
    #[must_use]
    pub fn new(clock: &Arc<ManualClock>, latest: Duration) -> Self {
        Self {
            points: Arc::new(Points::new(Arc::clone(clock), !latest.is_zero())),
            late: Arc::new(Late::new(Arc::clone(clock), latest)),
            ring: Arc::default(),
            latest,
            torn: Torn::Never,
        }
    }

    /// With points in the middle of an effect: this is what its holder may be left with until it is repeated.
    #[must_use]
    pub fn with_torn(self, torn: Torn) -> Self {
        Self { torn, ..self }
    }

    /// With calls about this kind taking effect sooner than that, at a vendor with ways of different length.
    #[must_use]
    pub fn with_sooner(self, kind: KeyCredentialKind, latest: Duration) -> Self {
        Self { late: Arc::new(self.late.with_sooner(kind, latest)), ..self }
    }

    /// The driver with a point at every call that it gets.
    #[must_use]
    pub fn driver(&self, inner: Arc<dyn VendorDriver>) -> Arc<dyn VendorDriver> {
        let Self { points, late, ring, .. } = self.clone();
        Arc::new(FaultyDriver { inner, points, late, ring })
    }

    /// The store with a point at every call. The ledger's own has it without anybody's doing.
    #[must_use]
    pub fn store(&self, inner: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(FaultyStore { inner, points: Arc::clone(&self.points) })
    }

    /// The transport with a point at every request: for a driver that is to lose its calls itself.
    #[must_use]
    pub fn http(&self, inner: Arc<dyn HttpTransport>) -> Arc<dyn HttpTransport> {
        let Self { points, late, .. } = self.clone();
        Arc::new(FaultyHttp { inner, points, late })
    }
    /// The serial line with a point at every exchange, where this is pulled.
    #[must_use]
    pub fn bytes(&self, cable: Box<dyn ByteLink>, pulled: Pulled) -> Box<dyn ByteLink> {
        Box::new(FaultyLink::new(cable, Arc::clone(&self.points), pulled))
    }

    /// The HID line with a point at every exchange, where this is pulled.
    #[must_use]
    pub fn reports(&self, cable: Box<dyn ReportLink>, pulled: Pulled) -> Box<dyn ReportLink> {
        Box::new(FaultyLink::new(cable, Arc::clone(&self.points), pulled))
    }
}
