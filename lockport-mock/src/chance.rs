//! The vendor's own chance: the same for the same seed.

use lockport::id::LockDeviceId;

/// SplitMix64: <https://prng.di.unimi.it/splitmix64.c> (public domain, the constants are the algorithm).
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// That of the vendor behind these doors. No other vendor has it, nor a host of the same seed: a token of one that is drawn by
    /// another too would open where it must not.
    pub(crate) fn behind<'a>(seed: u64, doors: impl Iterator<Item = &'a LockDeviceId>) -> Self {
        let halves = doors.flat_map(|door| {
            let all = u128::from_be_bytes(door.to_bytes());
            let low = u64::try_from(all & u128::from(u64::MAX)).unwrap_or_default();
            [u64::try_from(all >> 64).unwrap_or_default(), low]
        });
        halves.fold(Self(!seed), |mut mixed, half| Self(mixed.draw() ^ half))
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = self.0;
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Evenly enough for small bounds; 0 for an empty range.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.draw().checked_rem(bound).unwrap_or(0)
    }

    /// A text that nobody guesses.
    pub(crate) fn token(&mut self) -> String {
        format!("{:016x}{:016x}", self.draw(), self.draw())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two vendors of one seed, and a host of that seed, draw nothing alike.
    #[test]
    fn no_two_draw_the_same() {
        let door = |name: &[u8]| LockDeviceId::derived("t", &[name]);
        let (one, other) = (door(b"one"), door(b"other"));
        let drawn = |mut chance: Chance| (0..64).map(|_| chance.draw()).collect::<Vec<_>>();
        let mut all = [
            drawn(Chance::new(1)),
            drawn(Chance::behind(1, [one].iter())),
            drawn(Chance::behind(1, [other].iter())),
            drawn(Chance::behind(1, [one, other].iter())),
            drawn(Chance::behind(2, [one].iter())),
        ]
        .concat();
        assert_eq!(drawn(Chance::behind(1, [one].iter())), drawn(Chance::behind(1, [one].iter())));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 5 * 64);
    }
}
