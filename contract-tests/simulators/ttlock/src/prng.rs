//! Ids, tokens and names from one seed.

use crate::limits::{FIRST_KEY_ID, FIRST_SMALL_ID, ID_STEP_MAX};

/// `splitmix64` with the id counters it feeds.
#[derive(Debug)]
pub(crate) struct Prng {
    seed: u64,
    key_id: i64,
    small_id: i64,
}

impl Prng {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, key_id: FIRST_KEY_ID, small_id: FIRST_SMALL_ID }
    }

    fn next(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn step(&mut self) -> i64 {
        1 + i64::try_from(self.below(ID_STEP_MAX)).unwrap_or(0)
    }

    /// A fresh eKey id.
    pub(crate) fn key_id(&mut self) -> i64 {
        self.key_id += self.step();
        self.key_id
    }

    /// A fresh id for a lock, gateway or user.
    pub(crate) fn small_id(&mut self) -> i64 {
        self.small_id += self.step();
        self.small_id
    }

    /// 32 hex digits, the shape of both tokens.
    pub(crate) fn hex32(&mut self) -> String {
        format!("{:016x}{:016x}", self.next(), self.next())
    }

    /// A radio address.
    pub(crate) fn mac(&mut self) -> String {
        let bits = self.next();
        let octets: Vec<String> = (0..6).map(|n| format!("{:02X}", (bits >> (8 * n)) & 0xff)).collect();
        octets.join(":")
    }

    /// `len` decimal digits.
    pub(crate) fn digits(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from(b'0' + u8::try_from(self.below(10)).unwrap_or(0))).collect()
    }

    /// `len` lower-case letters.
    pub(crate) fn letters(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from(b'a' + u8::try_from(self.below(26)).unwrap_or(0))).collect()
    }
}
