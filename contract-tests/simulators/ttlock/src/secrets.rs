//! What a lock and whoever administers it over Bluetooth share, as the cloud hands it out (VENDOR: section 11.10).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::prng::Prng;

/// The secrets of one lock.
#[derive(Clone)]
pub(crate) struct LockSecrets {
    aes_key: [u8; 16],
    admin_password: String,
    unlock_key: String,
    /// Seeds of the two obfuscated fields.
    seeds: [u8; 2],
}

impl std::fmt::Debug for LockSecrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("[secrets of a lock]")
    }
}

impl LockSecrets {
    pub(crate) fn new(prng: &mut Prng) -> Self {
        let mut byte = || u8::try_from(prng.below(256)).unwrap_or(0);
        Self {
            aes_key: std::array::from_fn(|_| byte()),
            seeds: [byte(), byte()],
            // VENDOR: section 11.5, ten digits of which the first is 0.
            admin_password: format!("0{}", prng.digits(9)),
            unlock_key: format!("0{}", prng.digits(9)),
        }
    }

    /// `aesKeyStr`: sixteen hex bytes with commas between.
    pub(crate) fn aes_key_text(&self) -> String {
        self.aes_key.map(|byte| format!("{byte:02x}")).join(",")
    }

    /// `adminPwd`.
    pub(crate) fn admin_password_text(&self) -> String {
        obfuscated(&self.admin_password, self.seeds[0])
    }

    /// `lockKey`.
    pub(crate) fn unlock_key_text(&self) -> String {
        obfuscated(&self.unlock_key, self.seeds[1])
    }
}

/// Decimals with commas between, each byte mixed with the seed and a table entry for their count, the seed last.
fn obfuscated(digits: &str, seed: u8) -> String {
    let mask = seed ^ table_entry(u8::try_from(digits.len()).unwrap_or(u8::MAX));
    let mixed = digits.bytes().map(|byte| byte ^ mask).chain([seed]);
    STANDARD.encode(mixed.map(|byte| byte.to_string()).collect::<Vec<_>>().join(","))
}

/// VENDOR: section 11.2, the entry of the checksum table; the odd one at 33 lies beyond any length used here.
fn table_entry(index: u8) -> u8 {
    (0..8).fold(index, |bits, _| if bits & 1 == 1 { (bits >> 1) ^ 0x8c } else { bits >> 1 })
}

#[cfg(test)]
mod tests {
    use super::obfuscated;

    #[test]
    fn the_vendors_examples_are_made() {
        for (digits, seed, field) in [
            ("0012345678", 42, "MTAwLDEwMCwxMDEsMTAyLDEwMyw5Niw5Nyw5OCw5OSwxMDgsNDI="),
            ("0418273645", 10, "NjgsNjQsNjksNzYsNzAsNjcsNzEsNjYsNjQsNjUsMTA="),
        ] {
            assert_eq!(obfuscated(digits, seed), field);
        }
    }
}
