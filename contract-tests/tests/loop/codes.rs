//! The digits that are drawn for a key.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lockport::LockPort as _;
use lockport::env::{Entropy, EntropyError, SeededEntropy};
use lockport_mock::Personality;

use crate::house::{House, text};

/// Draws the same code twice in a row, and once more, and then others.
#[derive(Debug)]
struct Stutters {
    drawn: AtomicUsize,
    then: SeededEntropy,
}

const CODE: [u8; 6] = [4, 7, 5, 9, 3, 5];

impl Entropy for Stutters {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        // A digit is drawn from a byte alone, everything else from several.
        let [digit] = buffer else { return self.then.fill(buffer) };
        let nth = self.drawn.fetch_add(1, Ordering::SeqCst);
        if nth >= 3 * CODE.len() {
            return self.then.fill(buffer);
        }
        *digit = CODE[nth % CODE.len()];
        Ok(())
    }
}

/// R122: whoever had a code may remember it, and come back: the next guest of the room gets another, also when it is drawn again.
#[tokio::test]
async fn a_code_is_not_given_again_while_its_holder_is_remembered() {
    for is_gone in [false, true] {
        let house = House::of(Personality::RoomWide);
        let entropy = Stutters { drawn: AtomicUsize::new(0), then: SeededEntropy::new(3) };
        let process = house.process_drawing("one", house.driver(), Arc::new(entropy));
        let former = process.issue_credential(house.issue("former", &[0])).await.unwrap().credential;
        assert_eq!(text(&former), "475935");
        if is_gone {
            process.revoke_credential(house.revoke(former.id, "gone")).await.unwrap();
            house.pass(3 * 86_400);
        }
        let calls = house.bench.vendor.calls();
        let next = process.issue_credential(house.issue("next", &[0])).await.unwrap().credential;
        assert_ne!(text(&next), "475935", "gone: {is_gone}");
        assert!(house.opens(&text(&next), 0));
        assert_eq!(house.opens("475935", 0), !is_gone);
        assert_eq!(house.bench.vendor.calls() - calls, 1, "no vendor had to refuse it");
    }
}
