//! Every figure of this crate, with its reason. Section numbers are those of the project's page on encoders.

use std::time::Duration;

/// How long a job waits for the encoder while another has it (section 12).
pub(crate) const QUEUE: Duration = Duration::from_secs(30);

/// How many jobs may wait for one encoder: more than a desk has people. Whoever comes then is told that it is busy, at once.
pub(crate) const WAITING: usize = 8;

/// How long a whole job may take once the card is seen (section 13): then it stops where it is, which the order of writes allows.
pub(crate) const JOB: Duration = Duration::from_millis(2_400);

/// How often a block or a page is written before it counts as not writable: once, and twice again (section 10).
pub(crate) const WRITES: usize = 3;

/// When to look again whether a card lies on the encoder: somebody stands there.
pub(crate) const LOOK: Duration = Duration::from_secs(1);

/// The doors of one record (section 9.1), and so of one key: a card holds one record.
pub(crate) const MAX_DOORS: u16 = 9;

/// How often the next serial is asked for while other processes ask too.
pub(crate) const SERIAL_TRIES: usize = 8;
