//! The signed record on a tag: one message from page 4 on, so there is no second place to write to first (section 9.5).

use lockport::Secret;

use super::Trouble;
use super::hand::Hand;
use super::place::MessagePage;
use super::record::Standing;
use crate::codec::ndef::{self, EMPTY_PAGE, HEAD_PAGE, MESSAGE_LEN};
use crate::codec::record::RECORD_LEN;

/// The bytes of GET_VERSION that say NTAG: vendor NXP, type NTAG.
const VENDOR_NXP: u8 = 0x04;
const TYPE_NTAG: u8 = 0x04;
/// Its size byte: 213, 215, 216.
const SIZES: [u8; 3] = [0x0F, 0x11, 0x13];

/// Whether the tag is one on which a message of ours fits; others of its family are refused.
pub(crate) async fn check(hand: &mut Hand<'_>) -> Result<(), Trouble> {
    let [_, vendor, kind, _, _, _, size, _] = hand.version().await?;
    let is_known = vendor == VENDOR_NXP && kind == TYPE_NTAG && SIZES.contains(&size);
    if is_known { Ok(()) } else { Err(Trouble::Unsupported) }
}

async fn memory(hand: &mut Hand<'_>) -> Result<Secret<[u8; MESSAGE_LEN]>, Trouble> {
    let mut memory = [0; MESSAGE_LEN];
    let pages = [MessagePage::HEAD].into_iter().chain(MessagePage::rest()).step_by(4);
    for (to, page) in memory.as_chunks_mut::<16>().0.iter_mut().zip(pages) {
        // EXPOSE: into the whole, which is a secret again.
        to.copy_from_slice(hand.read_pages(page).await?.expose());
    }
    Ok(Secret::new(memory))
}

/// What stands on the tag.
pub(crate) async fn read(hand: &mut Hand<'_>) -> Result<Standing, Trouble> {
    let memory = memory(hand).await?;
    // EXPOSE: to take the record out, which is a secret again.
    let bytes = memory.expose();
    Ok(match ndef::unwrap(bytes) {
        Some(record) => Standing::Begun(record),
        None if bytes.starts_with(&EMPTY_PAGE) => Standing::Nothing,
        None => Standing::Something,
    })
}

/// Takes the message away, and knows that it is gone.
async fn empty(hand: &mut Hand<'_>) -> Result<(), Trouble> {
    hand.write_page(MessagePage::HEAD, &Secret::new(EMPTY_PAGE)).await?;
    let head = hand.read_pages(MessagePage::HEAD).await?;
    // EXPOSE: compared with what every empty tag has.
    if head.expose().starts_with(&EMPTY_PAGE) { Ok(()) } else { Err(Trouble::Verify) }
}

/// Takes the message away with everything that it said.
pub(crate) async fn wipe(hand: &mut Hand<'_>) -> Result<(), Trouble> {
    empty(hand).await?;
    for page in MessagePage::rest() {
        hand.write_page(page, &Secret::new([0; 4])).await?;
    }
    Ok(())
}

/// Writes a message: what was there goes first, its head comes last.
pub(crate) async fn write(hand: &mut Hand<'_>, record: &Secret<[u8; RECORD_LEN]>) -> Result<(), Trouble> {
    empty(hand).await?;
    let message = ndef::wrap(record);
    for page in MessagePage::rest() {
        let bytes = ndef::page(&message, page.index()).ok_or(Trouble::Verify)?;
        hand.write_page(page, &bytes).await?;
    }
    let is_written = |memory: &Secret<[u8; MESSAGE_LEN]>, from: usize| {
        // EXPOSE: what was read back, compared with what was written.
        memory.expose().get(from..) == message.expose().get(from..)
    };
    if !is_written(&memory(hand).await?, HEAD_PAGE.len()) {
        return Err(Trouble::Verify);
    }
    hand.write_page(MessagePage::HEAD, &Secret::new(HEAD_PAGE)).await?;
    if is_written(&memory(hand).await?, 0) { Ok(()) } else { Err(Trouble::Verify) }
}
