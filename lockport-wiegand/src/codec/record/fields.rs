//! What a record is made of: whose it is, its flags, its places (section 9.1).

use sha2::{Digest as _, Sha256};

/// The most doors that one record names.
pub const MAX_DOORS: usize = 9;

/// Whose record it is: the first four bytes of SHA-256 over `tenantId/propertyId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PropertyTag(pub(super) [u8; 4]);

impl PropertyTag {
    /// The tag of a property, by the ids as they are written.
    #[must_use]
    pub fn of(tenant: &str, property: &str) -> Self {
        let hash = Sha256::new().chain_update(tenant).chain_update("/").chain_update(property).finalize();
        let [a, b, c, d, ..]: [u8; 32] = hash.into();
        Self([a, b, c, d])
    }
}

/// A set of bits of which only some have a meaning. A record with another bit is none.
macro_rules! bits {
    ($(#[$doc:meta])* $name:ident: $($(#[$bit_doc:meta])* $bit:ident = $value:literal),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name(u8);

        impl $name {
            /// None of them.
            pub const NONE: Self = Self(0);
            $($(#[$bit_doc])* pub const $bit: Self = Self($value);)+

            /// The set that this byte says; nothing where a bit has no meaning.
            #[must_use]
            pub const fn from_bits(bits: u8) -> Option<Self> {
                if bits & !(0 $(| $value)+) == 0 { Some(Self(bits)) } else { None }
            }

            /// The byte.
            #[must_use]
            pub const fn bits(self) -> u8 {
                self.0
            }

            /// Both sets together.
            #[must_use]
            pub const fn and(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// Whether all of another set is in this one.
            #[must_use]
            pub const fn has(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }
        }
    };
}

bits! {
    /// What a door makes of a record besides its doors and times.
    Flags:
        /// Issued offline, not reconciled yet.
        PROVISIONAL = 0b001,
        /// A staff card: it neither raises a door's floor nor is judged by it.
        STAFF = 0b010,
        /// The first key of a stay: a door that accepts it refuses lower serials from then on.
        OVERRIDE = 0b100,
}

bits! {
    /// The shared places that a record opens.
    Areas:
        /// The lobby.
        LOBBY = 0b0_0001,
        /// The gym.
        GYM = 0b0_0010,
        /// The pool.
        POOL = 0b0_0100,
        /// The spa.
        SPA = 0b0_1000,
        /// The car park.
        PARKING = 0b1_0000,
}

/// The doors that a record names: at most nine numbers, rising.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DoorNumbers {
    pub(super) numbers: [u16; MAX_DOORS],
    pub(super) count: u8,
}

impl DoorNumbers {
    /// These doors, in whatever order; one named twice counts once.
    ///
    /// # Errors
    /// [`InvalidRecord::TooManyDoors`] for more than nine: nothing is cut.
    pub fn new(doors: &[u16]) -> Result<Self, InvalidRecord> {
        let mut sorted = doors.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let mut numbers = [0; MAX_DOORS];
        let (used, _) = numbers.split_at_mut_checked(sorted.len()).ok_or(InvalidRecord::TooManyDoors)?;
        used.copy_from_slice(&sorted);
        Ok(Self { numbers, count: sorted.len() as u8 })
    }

    /// The numbers, rising.
    #[must_use]
    pub fn as_slice(&self) -> &[u16] {
        self.numbers.get(..usize::from(self.count)).unwrap_or_default()
    }

    /// What stands on a card: a count, then nine numbers of which the rest is zero.
    pub(super) fn parse(count: u8, field: &[u8]) -> Option<Self> {
        let mut numbers = [0; MAX_DOORS];
        for (number, bytes) in numbers.iter_mut().zip(field.as_chunks::<2>().0) {
            *number = u16::from_be_bytes(*bytes);
        }
        let (used, rest) = numbers.split_at_checked(usize::from(count))?;
        let sound = used.is_sorted_by(|one, next| one < next) && rest.iter().all(|number| *number == 0);
        sound.then_some(Self { numbers, count })
    }
}

/// Why there can be no such record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRecord {
    /// Serial 0 is no serial.
    #[error("a record's serial is never 0")]
    ZeroSerial,
    /// The end is not after the start.
    #[error("a record ends after it starts")]
    Window,
    /// More than nine doors.
    #[error("a record names at most nine doors")]
    TooManyDoors,
}
