//! Every write of every operation, cut short: at every place in the order, with everything that a chip could leave, and with the
//! card away, the card still there, or the cable out.
//!
//! `LOCKPORT_TEARS=all` cuts at every byte and, on a tag, at each of its pages: minutes instead of seconds.

use lockport::credential::KeyCredentialKind;
use lockport_sim_encoder::{Fault, Leaves, Step, Tear, Then, What};
use lockport_wiegand::EncoderModel;

use crate::scene::{Scene, Verb};

/// What happens with the cut.
#[derive(Clone, Copy, Debug)]
enum With {
    /// The card is out of the field until it is put there again.
    CardAway,
    /// The card is there, and has lost its power once.
    CardReset,
    /// The cable comes out.
    CableOut,
}

fn is_all() -> bool {
    std::env::var("LOCKPORT_TEARS").is_ok_and(|which| which == "all")
}

/// The writes that are cut: the pages in the middle of a tag's message are all alike.
fn cuts(writes: u32) -> Vec<u32> {
    let is_cut = |write: &u32| {
        let is_at_an_end = |of: u32| write % of < 2 || write % of == of - 1;
        is_all() || writes < 8 || is_at_an_end(16) || *write == writes - 1
    };
    (0..writes).filter(is_cut).collect()
}

/// What a chip could leave in a block or a page of so many bytes.
fn leavings(bytes: usize) -> Vec<(usize, Leaves)> {
    let inside = match (is_all(), bytes) {
        (true, bytes) => (1..bytes).collect(),
        (false, 16) => vec![2, 12],
        (false, _) => vec![2],
    };
    let cut = inside.into_iter().flat_map(|byte| {
        [(byte, Leaves::OldTail), (byte, Leaves::Erased), (byte, Leaves::Garbage(byte as u64))]
    });
    let at_once = [(0, Leaves::Erased), (0, Leaves::Garbage(7))];
    [(0, Leaves::Old), (bytes, Leaves::New)].into_iter().chain(at_once).chain(cut).collect()
}

/// The writes of an untroubled call.
async fn writes(kind: KeyCredentialKind, verb: Verb) -> u32 {
    let scene = Scene::set(EncoderModel::Pn532Serial, kind, verb).await;
    scene.come();
    let before = scene.card().tally().writes;
    assert!(scene.call().await.unwrap(), "{verb:?}");
    scene.opens_just_the_new(&format!("{verb:?}, untroubled"));
    scene.bench.check_profile().unwrap();
    scene.card().tally().writes - before
}

async fn torn(kind: KeyCredentialKind, verb: Verb, skip: u32, (byte, leaves): (usize, Leaves), with: With) {
    let told = format!("{kind}, {verb:?}, write {skip} cut at byte {byte}, {leaves:?}, {with:?}");
    let scene = Scene::set(EncoderModel::Pn532Serial, kind, verb).await;
    scene.come();
    let then = if matches!(with, With::CardReset) { Then::Reset } else { Then::Gone };
    match with {
        With::CableOut => {
            let tear = Tear { skip: 0, byte, leaves, then: Then::Reset };
            scene.bench.encoder.fault(Fault::after(Step::Write, skip, What::TearAndUnplug(tear)));
        }
        With::CardAway | With::CardReset => scene.card().tear(Tear { skip, byte, leaves, then }),
    }
    let answer = scene.call().await;
    assert_eq!(scene.card().tally().torn, 1, "{told}: nothing was torn");
    scene.opens_at_most_either(&told);
    if verb.narrows() && skip > 0 {
        // The first write took the wider record away.
        scene.opens_at_most_the_new(&told);
    }
    if verb == Verb::Issue && leaves == Leaves::Old && kind == KeyCredentialKind::RfidCard {
        // The first block of a slot comes last: without it there is nothing that begins as a record.
        let begun = [8, 12].iter().filter(|block| scene.card().block(**block).unwrap().starts_with(b"LK"));
        assert!(begun.count() == 0 || answer.is_ok(), "{told}: a record begins that is not whole");
    }
    match &answer {
        Ok(is_done) => assert!(*is_done, "{told}: it waits for something"),
        Err(error) => assert!(error.is_retriable(), "{told}: {error:?}"),
    }
    if answer.is_ok() {
        scene.opens_just_the_new(&told);
    }
    scene.repeat().await;
    scene.opens_just_the_new(&format!("{told}, repeated"));
    let records = scene.bench.records_on(&scene.card());
    assert_eq!(records, usize::from(scene.after.is_some()), "{told}, repeated: so many records are left");
    scene.leave().await;
    scene.opens_nothing(&format!("{told}, repeated, revoked"));
    scene.bench.check_profile().unwrap();
    assert_eq!(scene.bench.records_on(&scene.card()), 0, "{told}: a record is left");
}

async fn tear_everything(kind: KeyCredentialKind, bytes: usize) {
    let mut runs = 0;
    for verb in Verb::ALL {
        let writes = writes(kind, verb).await;
        assert!(writes > 0, "{verb:?} writes nothing");
        let mut of_verb = 0;
        for skip in cuts(writes) {
            for leaving in leavings(bytes) {
                for with in [With::CardAway, With::CardReset, With::CableOut] {
                    torn(kind, verb, skip, leaving, with).await;
                    of_verb += 1;
                }
            }
        }
        println!("{kind} {verb:?}: {writes} writes, {of_verb} tears");
        runs += of_verb;
    }
    println!("{kind}: {runs} tears in all");
}

/// R62 and section 10: after a tear the card opens nothing beyond the old or the new record, and a repeat with the same key ends
/// right; block 0, trailers and foreign blocks are never touched.
#[tokio::test]
async fn a_card_torn_at_any_write_opens_no_more_than_before_or_after() {
    tear_everything(KeyCredentialKind::RfidCard, 16).await;
}

/// The same for a tag, which has one place for a record only.
#[tokio::test]
async fn a_tag_torn_at_any_write_opens_no_more_than_before_or_after() {
    tear_everything(KeyCredentialKind::NfcTag, 4).await;
}
