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
