//! Every figure of this crate, with its reason.

use std::time::Duration;

use chrono::TimeDelta;

/// How long one exchange may take. A cloud-only call answers within a few hundred milliseconds; the whole operation has ten
/// seconds, so a call that hangs must end before the operation does.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(8);

/// How long a call without an answer can still take effect. The vendor's pages give no number; an eKey is a row in the cloud
/// and no gateway's queue is involved, so a minute is generous.
pub(crate) const LATE_BY: Duration = Duration::from_secs(60);

/// How long one instance keeps others from asking for a token: a refresh and a password grant, each at its time-out, and some.
pub(crate) const TOKEN_LEASE_SECONDS: i64 = 20;

/// How long a login that the vendor has turned down is not sent again, as long as it is the same: name, password and both parts of the
/// application. It is looked at every two minutes otherwise, and no page says after how many wrong passwords an account is locked.
pub(crate) const REFUSED_PAUSE: TimeDelta = TimeDelta::hours(1);

/// The part of a token's life, in percent, after which it is refreshed ahead of time.
pub(crate) const REFRESH_AFTER_PERCENT: i64 = 90;

/// The longest life of a token that is believed, in seconds. The vendor's default is 90 days.
pub(crate) const MAX_TOKEN_LIFE_SECONDS: i64 = 10 * 365 * 86_400;

/// Entries asked for at once. The current pages allow 200 and more, older ones 100.
pub(crate) const PAGE_SIZE: i64 = 100;

/// The most pages of one list: 5,000 locks, gateways or keys. A longer list is not believed.
pub(crate) const MAX_PAGES: i64 = 50;

/// The pause after "too many calls", doubled each time in a row. The vendor publishes no number.
pub(crate) const THROTTLE_PAUSE: Duration = Duration::from_secs(2);

/// The longest of those pauses. Chance at most doubles it.
pub(crate) const LONGEST_THROTTLE_PAUSE: Duration = Duration::from_secs(64);

/// The pause after "gateway busy" or "lock busy": one command takes a few seconds.
pub(crate) const BUSY_PAUSE: Duration = Duration::from_secs(3);

/// How long one exchange may take that waits for a lock behind a gateway. The cloud itself gives up on a gateway and says so, in
/// its own time; the vendor's clients wait half a minute and longer.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a call through a gateway that got no answer can still take effect. The vendor's pages give no number; a gateway does
/// one command at a time, each in seconds, and the cloud's own wait is over long before two minutes.
pub(crate) const LATE_BY_GATEWAY: Duration = Duration::from_secs(120);

/// Digits of a passcode that the core draws. The vendor takes 4 to 9.
pub(crate) const PIN_DIGITS: u8 = 6;

/// How long after its start a passcode of the vendor's choice has to be used for the first time.
pub(crate) const FIRST_USE_HOURS: i64 = 24;

/// The longest period of a passcode of the vendor's choice.
pub(crate) const LONGEST_RANDOM_DAYS: i64 = 365;

/// How far a lock's clock may be off before somebody is told (R123), in milliseconds.
pub(crate) const MAX_CLOCK_SKEW_MS: u64 = 300_000;

/// The longest body of a call of the vendor's that is read: a lock's whole log fits.
pub(crate) const MAX_CALLBACK_BYTES: usize = 256 * 1024;

/// The shortest secret segment of the callback's address.
pub(crate) const MIN_CALLBACK_SECRET: usize = 32;

/// How many calls one application makes in [`CALLS_PER`] at most (R45).
pub(crate) const CALLS: u32 = 100;

/// See [`CALLS`].
pub(crate) const CALLS_PER: Duration = Duration::from_secs(60);

/// How many entries that are over are deleted from a lock that is full, before what is new is added once more. Each is a command
/// through the gateway, a few seconds long, and the whole operation has forty.
pub(crate) const CLEARED_AT_ONCE: usize = 3;

/// How long an entry has to be over before it makes room: no lock's clock is that late.
pub(crate) const OVER_FOR: TimeDelta = TimeDelta::days(1);

/// For how long the cloud keeps a record: half a year, and a day for good measure.
pub(crate) const RECORDS_KEPT: TimeDelta = TimeDelta::days(184);

/// How far a round of the records goes back behind the one before, for locks that tell late. Each round reads it again, and calls are
/// counted; the core knows an attempt for thirty days.
pub(crate) const LATE_RECORDS: TimeDelta = TimeDelta::days(7);
