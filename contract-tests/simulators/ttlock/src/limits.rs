//! Every number of the simulation that comes from the vendor's page or stands in for one it leaves open.

/// VENDOR: section 2.1, `date` may differ from the server's clock by this much, either side.
pub(crate) const DATE_WINDOW_MS: i64 = 5 * 60 * 1000;

/// VENDOR: section 3, 90 days.
pub(crate) const ACCESS_TOKEN_LIFE_S: i64 = 7_776_000;

/// VENDOR: section 3, 10 years.
pub(crate) const REFRESH_TOKEN_LIFE_MS: i64 = 10 * 365 * 24 * 60 * 60 * 1000;

/// VENDOR: section 2.3, the page size when none is asked for.
pub(crate) const PAGE_SIZE_DEFAULT: i64 = 20;

/// VENDOR: section 2.3, the largest page of most lists.
pub(crate) const PAGE_SIZE_MAX: i64 = 200;

/// VENDOR: section 2.3, the largest page of `/v3/lock/list`.
pub(crate) const LOCK_PAGE_SIZE_MAX: i64 = 1000;

/// VENDOR: section 12, the free monthly quota users report; the vendor publishes none.
pub(crate) const MONTHLY_QUOTA: u64 = 30_000;

/// VENDOR: section 12, the quota's month turns at midnight UTC+8.
pub(crate) const QUOTA_ZONE_MS: i64 = 8 * 60 * 60 * 1000;

/// VENDOR: section 7, a gateway counts as online until its heartbeat runs out.
pub(crate) const GATEWAY_HEARTBEAT_MS: i64 = 8 * 60 * 1000;

/// VENDOR: section 7, how long the cloud remembers which locks a gateway heard.
pub(crate) const GATEWAY_LINK_MS: i64 = 30 * 60 * 1000;

/// VENDOR: section 4, `createUser` takes this many last characters of the address as the password.
pub(crate) const CREATED_PASSWORD_CHARS: usize = 6;

/// Length of an MD5 written in hex.
pub(crate) const MD5_HEX_CHARS: usize = 32;

/// Key ids start above 32 bits, so that a reader with a narrow integer is found out.
pub(crate) const FIRST_KEY_ID: i64 = 4_300_000_000;

/// Lock, gateway and user ids start here.
pub(crate) const FIRST_SMALL_ID: i64 = 1_000_000;

/// Ids grow by at most this much, so that the next one cannot be guessed by counting.
pub(crate) const ID_STEP_MAX: u64 = 97;

/// Battery of a lock that nobody set.
pub(crate) const BATTERY_DEFAULT: u8 = 95;

/// VENDOR: section 5.1, the grain of random passcodes.
pub(crate) const HOUR_MS: i64 = 60 * 60 * 1000;

/// The grain in which a lock keeps windows (VENDOR: section 11.6, no seconds).
pub(crate) const MINUTE_MS: i64 = 60 * 1000;

/// VENDOR: section 5.1, a period or permanent code that was not used this long after its start is dead.
pub(crate) const RANDOM_FIRST_USE_MS: i64 = 24 * HOUR_MS;

/// VENDOR: section 5.1, the same for a one-time code.
pub(crate) const ONE_TIME_FIRST_USE_MS: i64 = 6 * HOUR_MS;

/// VENDOR: section 5.1, one year; a leap year here.
pub(crate) const RANDOM_PERIOD_MAX_MS: i64 = 366 * 24 * HOUR_MS;

/// VENDOR: section 5.1, how many one-time codes a start time has.
pub(crate) const ONE_TIME_PER_START: usize = 200;

/// VENDOR: section 5.1, how many permanent codes a start time has.
pub(crate) const PERMANENT_PER_START: usize = 20;

/// VENDOR: section 5.1, custom passcodes a lock holds.
pub(crate) const CUSTOM_PASSCODES_MAX: usize = 250;

/// VENDOR: section 6, cards a lock holds.
pub(crate) const CARDS_MAX: usize = 1000;

/// VENDOR: section 8, records a lock keeps.
pub(crate) const LOG_MAX: usize = 500;

/// VENDOR: section 8, the cloud keeps records for six months.
pub(crate) const RECORD_LIFE_MS: i64 = 183 * 24 * HOUR_MS;

/// VENDOR: section 5, digits of a custom passcode.
pub(crate) const PASSCODE_DIGITS: std::ops::RangeInclusive<usize> = 4..=9;

/// VENDOR: section 5.1, the shortest random passcode; the longest has three digits more.
pub(crate) const RANDOM_DIGITS_MIN: usize = 6;

/// How many lengths random passcodes have.
pub(crate) const RANDOM_LENGTHS: u64 = 4;

/// VENDOR: section 7, `autoLockTime` of the simulated locks.
pub(crate) const AUTO_LOCK_S: i64 = 5;

/// VENDOR: section 9, "off" of a gateway comes about this late.
pub(crate) const GATEWAY_OFF_NOTICE_MS: i64 = 30 * 60 * 1000;

/// VENDOR: section 9, "off" of a WiFi lock comes about this late.
pub(crate) const WIFI_OFF_NOTICE_MS: i64 = 15 * 60 * 1000;

/// How long a receiver of callbacks may take, in real time; the vendor publishes no figure.
pub(crate) const CALLBACK_TIMEOUT_S: u64 = 5;
