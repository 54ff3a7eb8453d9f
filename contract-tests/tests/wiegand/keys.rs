//! Keys of a card's own that are cut while they are written: at every byte of both trailers, with everything that a chip could leave.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use lockport::credential::{IssueInput, KeyCredentialKind, Progress, Proof, RevokeInput, RevokeReason};
use lockport::{FailureReason, LockPort, RetryAdvice};
use lockport_contract::Presence as _;
use lockport_sim_encoder::{Door, Leaves, Place, SectorKeys, Tear, Then};
use lockport_wiegand::EncoderModel;

use crate::desk::adapter;
use crate::scene::{Scene, Verb};

/// The writes of a fresh card before its trailers: the three blocks of the record.
const BEFORE_TRAILERS: u32 = 3;
/// How often a desk tries the same card.
const TRIES: usize = 4;
/// The data blocks and the trailers of the profile's two sectors.
const PROFILE: std::ops::RangeInclusive<u8> = 8..=15;

/// What became of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Became {
    /// The key is on it, and it has its own keys.
    Whole,
    /// It is refused by its word, each time.
    Damaged,
}

struct Torn {
    scene: Scene,
    input: IssueInput,
    told: String,
}

impl Torn {
    /// Fails where a door of the property, which knows the card's own keys, opens to what was not asked for.
    fn opens(&self, is_right: impl Fn(bool, bool) -> bool) {
        let bench = &self.scene.bench;
        let property = bench.property().with_sector_keys(SectorKeys::Personal { otherwise: [0xFF; 6] });
        let second = TimeDelta::seconds(1);
        let window = self.input.validity;
        for room in &bench.site.rooms {
            for door in &room.doors {
                let lock = Door::signed_record(&property, Place::Room(bench.number_of(*door)));
                for at in [window.from() - second, window.from(), window.until() - second, window.until()] {
                    let should = self.input.rooms.contains(&room.id) && window.contains(at);
                    let does = lock.try_open(&self.scene.card().copy(), at.timestamp_millis()).opened;
                    assert!(is_right(does, should), "{}: {door} at {at} opens: {does}", self.told);
                }
            }
        }
    }

    fn revoke(&self, key: &str) -> RevokeInput {
        let (tenant, id) = (self.input.tenant_id, self.input.resulting_id());
        RevokeInput::new(tenant, id, RevokeReason::Lost, key.parse().unwrap())
            .with_place(self.input.place.clone())
    }

    fn only_the_profile_was_written(&self) {
        let tally = self.scene.card().tally();
        assert_eq!((tally.manufacturer, tally.foreign), (0, 0), "{}: {tally:?}", self.told);
    }

    /// The same call under the same key, with the card there, until it is done or the card is given up.
    async fn end(&self, port: &dyn LockPort) -> Became {
        for _ in 0..TRIES {
            self.scene.come();
            match port.issue_credential(self.input.clone()).await {
                Ok(answer) => {
                    assert_eq!(answer.state, Progress::Active, "{}", self.told);
                    return Became::Whole;
                }
                Err(error) => {
                    assert_ne!(error.advice(), RetryAdvice::Never, "{}: {error:?}", self.told);
                    assert_eq!(error.reason(), FailureReason::CardDamaged, "{}: {error:?}", self.told);
                }
            }
            self.opens(|does, should| should || !does);
            self.scene.bench.clock.advance(TimeDelta::seconds(10));
        }
        Became::Damaged
    }
}

async fn torn(trailer: u32, byte: usize, leaves: Leaves, then: Then) -> Became {
    let told = format!("trailer {trailer} cut at byte {byte}, {leaves:?}, {then:?}");
    let scene = Scene::set(EncoderModel::Pn532Serial, KeyCredentialKind::RfidCard, Verb::Issue).await;
    let adapter = adapter(&scene.bench, |config| config.personalise = true).await;
    scene.come();
    let card = scene.card();
    card.allow_only(PROFILE);
    card.tear(Tear { skip: BEFORE_TRAILERS + trailer, byte, leaves, then });
    let torn = Torn { input: scene.stay_input(), scene, told };
    let first = adapter.issue_credential(torn.input.clone()).await;
    assert_eq!(card.tally().torn, 1, "{}: nothing was torn", torn.told);
    torn.opens(|does, should| should || !does);
    if let Err(error) = &first {
        assert_eq!(error.advice(), RetryAdvice::OutcomeUnknown, "{}: {error:?}", torn.told);
    }
    let became = torn.end(&adapter).await;
    torn.only_the_profile_was_written();
    match became {
        Became::Whole => {
            torn.opens(|does, should| does == should);
            for trailer in [11, 15] {
                assert_eq!(card.block(trailer).unwrap()[6..9], [0x78, 0x77, 0x88], "{}", torn.told);
            }
            torn.scene.come();
            let outcome = adapter.revoke_credential(torn.revoke("gone")).await.unwrap();
            assert_eq!(outcome.proof, Proof::AtLock, "{}", torn.told);
            torn.opens(|does, _| !does);
        }
        // Out of use: given up as lost, which says that it may open until its window ends.
        Became::Damaged => {
            assert!(first.is_err(), "{}: it was told as done", torn.told);
            torn.scene.bench.go();
            let outcome = adapter.revoke_credential(torn.revoke("lost")).await.unwrap();
            assert_eq!(outcome.proof, Proof::ExpiresOnly, "{}", torn.told);
        }
    }
    torn.only_the_profile_was_written();
    became
}

/// Section 10: a trailer that is cut leaves a card that the same call finishes, or one that is refused by its word from then on;
/// never one that is told as done and is not, and nothing outside the profile is ever written.
#[tokio::test]
async fn a_card_cut_at_any_byte_of_its_keys_is_finished_or_refused() {
    let mut became = BTreeMap::<(u32, Became), u32>::new();
    for trailer in [0, 1] {
        let inside = (1..16).flat_map(|byte| {
            [(byte, Leaves::OldTail), (byte, Leaves::Erased), (byte, Leaves::Garbage(byte as u64))]
        });
        let whole = [(0, Leaves::Old), (16, Leaves::New), (0, Leaves::Erased), (0, Leaves::Garbage(7))];
        for (byte, leaves) in whole.into_iter().chain(inside) {
            for then in [Then::Gone, Then::Reset] {
                *became.entry((trailer, torn(trailer, byte, leaves, then).await)).or_default() += 1;
            }
        }
    }
    println!("{became:?}");
    for trailer in [0, 1] {
        // Before the first byte, after the last, and where what is left happens to be one of the two.
        assert!(became.get(&(trailer, Became::Whole)).is_some_and(|count| *count >= 4), "{became:?}");
        assert!(became.contains_key(&(trailer, Became::Damaged)), "{became:?}");
    }
}
