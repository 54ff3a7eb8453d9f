//! PINs: drawn from real randomness, evenly, and never one that a stranger would try first (R98, R122).

use crate::env::{Entropy, EntropyError};
use crate::secret::Secret;

/// The fewest and the most digits of a PIN anywhere.
pub const PIN_DIGITS: std::ops::RangeInclusive<u8> = 4..=9;

/// Draws a PIN of so many digits; fewer or more than [`PIN_DIGITS`] are taken as the nearest of them.
///
/// # Errors
/// [`EntropyError`] when no random bytes were to be had.
pub fn draw(entropy: &dyn Entropy, digits: u8) -> Result<Secret, EntropyError> {
    let digits = usize::from(digits.clamp(*PIN_DIGITS.start(), *PIN_DIGITS.end()));
    loop {
        let mut text = String::with_capacity(digits);
        while text.len() < digits {
            let mut byte = [0_u8; 1];
            entropy.fill(&mut byte)?;
            // 250 is the largest multiple of ten in a byte: what is above would make low digits likelier.
            if let [byte @ 0..250] = byte {
                text.push(char::from(b'0' + byte % 10));
            }
        }
        let pin = Secret::new(text);
        // EXPOSE: to judge the digits before anybody gets them.
        if !is_guessable(pin.expose().as_bytes()) {
            return Ok(pin);
        }
    }
}

/// How often digits are drawn before some are taken that somebody had: with nearly all of them given out once, there are no others.
const MOST_DRAWS: usize = 20;

/// Draws digits that none of these is.
pub(crate) fn draw_other(
    entropy: &dyn Entropy,
    digits: u8,
    given: &[Secret],
) -> Result<Secret, EntropyError> {
    let mut pin = draw(entropy, digits)?;
    for _ in 1..MOST_DRAWS {
        // EXPOSE: to give nobody the digits of another; all of them stay in custody.
        if given.iter().all(|given| given.expose() != pin.expose()) {
            break;
        }
        pin = draw(entropy, digits)?;
    }
    Ok(pin)
}

/// One digit over and over, or a run up or down.
fn is_guessable(digits: &[u8]) -> bool {
    [0_i16, 1, -1].iter().any(|step| {
        digits.windows(2).all(|pair| matches!(pair, [a, b] if i16::from(*b) - i16::from(*a) == *step))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::SeededEntropy;

    #[test]
    fn pins_have_their_length_and_are_not_the_first_guess() {
        let entropy = SeededEntropy::new(7);
        let mut counts = [0_u32; 10];
        for _ in 0..2_000 {
            let pin = draw(&entropy, 6).unwrap();
            let text = pin.expose().as_bytes();
            assert_eq!(text.len(), 6);
            for digit in text {
                counts[usize::from(digit - b'0')] += 1;
            }
        }
        assert!(counts.iter().all(|n| (1_000..1_400).contains(n)), "uneven digits: {counts:?}");
        for guess in ["0000", "1234", "9876", "456789"] {
            assert!(is_guessable(guess.as_bytes()));
        }
        assert!(!is_guessable(b"1235"));
    }
}
