//! What can go wrong between the driver and its encoder, in the words of the suite.

use lockport_sim_encoder::{Fault as SimFault, Leaves, Step, Tear, Then, What};
use lockport_wiegand::EncoderModel;

use super::{CardProfile, WiegandBench};
use crate::bench::{BenchError, Cut, Fault, FaultInjector};

impl FaultInjector for WiegandBench {
    fn order(&self, fault: Fault) -> Result<(), BenchError> {
        let next = |step, what| self.encoder.fault(SimFault::next(step, what));
        match fault {
            // Where nothing is written, what can be lost is what was read.
            Fault::LoseNextReply | Fault::LateEffect if self.profile == CardProfile::Csn => {
                next(Step::Find, What::UnplugAfter);
            }
            Fault::DropNextBeforeEffect if self.profile == CardProfile::Csn => next(Step::Find, What::Unplug),
            // It happens now or never: closing the port ends what was under way.
            Fault::LoseNextReply | Fault::LateEffect => self.watch.seen().cut_when_done = true,
            Fault::DropNextBeforeEffect => next(Step::Write, What::Unplug),
            Fault::RefuseAfter(calls) => {
                let skip = u32::try_from(calls).map_err(|error| BenchError::new(error.to_string()))?;
                let what = What::Refuse(self.words().wrong_key);
                self.encoder.fault(SimFault::after(Step::Authenticate, skip, what));
            }
            Fault::RefuseNextWithUnknownCode => next(Step::Write, What::Refuse(self.words().unknown)),
            Fault::RefuseNextWith(code) => {
                let status = u8::try_from(code).map_err(|error| BenchError::new(error.to_string()))?;
                next(Step::Write, What::Refuse(status));
            }
            Fault::CutWrite(writes, cut) => self.cut(writes, cut, Then::Gone)?,
            // A cell that is worn.
            Fault::LoseWritten(writes) => self.cut(writes, Cut::Midway, Then::Unnoticed)?,
            Fault::NeverSend => self.watch.seen().never_sent = true,
        }
        Ok(())
    }

    fn waiting(&self) -> usize {
        let seen = self.watch.seen();
        let own = usize::from(seen.never_sent).saturating_add(usize::from(seen.cut_when_done));
        own.saturating_add(usize::try_from(self.encoder.pending_faults()).unwrap_or(usize::MAX))
    }

    fn forget(&self) {
        let mut seen = self.watch.seen();
        (seen.never_sent, seen.cut_when_done) = (false, false);
        self.encoder.clear_faults();
    }

    fn documented_codes(&self) -> Vec<i64> {
        self.words().statuses.iter().copied().map(i64::from).collect()
    }
}

impl WiegandBench {
    /// The write after so many others is cut at its second byte, and this becomes of the card.
    fn cut(&self, writes: u64, cut: Cut, then: Then) -> Result<(), BenchError> {
        let leaves = match cut {
            Cut::Early => Leaves::Old,
            Cut::Midway => Leaves::OldTail,
            Cut::Late => Leaves::New,
        };
        let skip = u32::try_from(writes).map_err(|error| BenchError::new(error.to_string()))?;
        let tear = Tear { skip: 0, byte: 1, leaves, then };
        self.encoder.fault(SimFault::after(Step::Write, skip, What::Tear(tear)));
        Ok(())
    }
}

/// What an encoder says, typed from its section of the page.
struct Words {
    wrong_key: u8,
    unknown: u8,
    statuses: &'static [u8],
}

impl WiegandBench {
    const fn words(&self) -> Words {
        match self.model {
            // VENDOR: sections 5.1 and 5.2.
            EncoderModel::Stronglink => Words {
                wrong_key: 0x03,
                unknown: 0x77,
                statuses: &[0x01, 0x03, 0x04, 0x05, 0x06, 0x08, 0x09, 0x0D, 0x0E, 0xF0],
            },
            // VENDOR: section 6.1, one code for everything; the simulator says it whatever number is ordered.
            EncoderModel::Rrhfoem04 => Words { wrong_key: 0xFF, unknown: 0xFF, statuses: &[0xFF] },
            // VENDOR: section 7, by the first of two bytes.
            EncoderModel::Pcsc => Words { wrong_key: 0x63, unknown: 0x6F, statuses: &[0x63, 0x69, 0x6A] },
            // VENDOR: section 4.8.
            _ => Words {
                wrong_key: 0x14,
                unknown: 0x3E,
                statuses: &[
                    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0B, 0x13, 0x07, 0x09, 0x0E, 0x0A, 0x0D, 0x2D, 0x10,
                    0x26, 0x27, 0x14, 0x23, 0x29, 0x2B,
                ],
            },
        }
    }
}
