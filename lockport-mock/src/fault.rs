//! What can go wrong between a driver and its vendor, as a queue that writes use up.

use std::time::Duration;

use lockport::LockError;

/// What happens to one write. Reads are never caught.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The driver fails with exactly this error; nothing is applied. For answers that no code of this vendor stands for.
    Refuse(LockError),
    /// The call never leaves: nothing is applied, and the driver knows it.
    NotSent,
    /// The call is lost on its way: nothing is applied, and the driver does not know it.
    LoseCall,
    /// The call is applied, and its answer is lost.
    LoseReply,
    /// The answer is lost, and the call is applied once the clock is so much further; judged as the vendor stands then.
    LateEffect(Duration),
    /// The card is pulled away in the middle of what is written on it: nothing of that is whole, and there is no answer. Where
    /// nothing is written on cards, the call is lost.
    Tear,
    /// The card does not keep what is written on it, and the encoder finds that out. Where nothing is written on cards, nothing is
    /// applied.
    Miswrite,
    /// The vendor says no with this code; nothing is applied. See [`DOCUMENTED_CODES`](crate::DOCUMENTED_CODES).
    Code(u16),
    /// The vendor says no with a code that is documented nowhere; nothing is applied.
    UnknownCode,
}
