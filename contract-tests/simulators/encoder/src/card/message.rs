//! The NDEF message of a Type 2 tag: a list of tagged parts from page 4 on, of which part 03 is the message.

use super::Card;
use super::chip::Memory;
use super::type2::Type2;

const FIRST_PAGE: u8 = 4;
const NOTHING: u8 = 0x00;
const MESSAGE: u8 = 0x03;
const END: u8 = 0xFE;
/// A length of this is followed by one of two bytes.
const LONG: u8 = 0xFF;

impl Card {
    /// The NDEF message of a tag; `None` when there is none that a phone would find.
    #[must_use]
    pub fn message(&self) -> Option<Vec<u8>> {
        let chip = self.chip();
        let Memory::Type2(tag) = &chip.memory else { return None };
        let memory = tag.user_memory();
        let mut rest = memory.as_slice();
        loop {
            let (part, length, following) = match *rest {
                [NOTHING, ref following @ ..] => {
                    rest = following;
                    continue;
                }
                [END, ..] => return None,
                [part, LONG, high, low, ref following @ ..] => {
                    (part, u16::from_be_bytes([high, low]), following)
                }
                [part, length, ref following @ ..] => (part, u16::from(length), following),
                _ => return None,
            };
            let (content, following) = following.split_at_checked(usize::from(length))?;
            if part == MESSAGE {
                return Some(content.to_vec());
            }
            rest = following;
        }
    }

    /// Puts an NDEF message on a tag, as its maker could: nothing else stays in the user's memory, nothing is counted.
    /// False when it does not fit or the card is no tag; nothing changes then.
    #[must_use]
    pub fn set_message(&self, message: &[u8]) -> bool {
        let mut chip = self.chip();
        let Memory::Type2(tag) = &mut chip.memory else { return false };
        let mut content = vec![MESSAGE];
        match (u8::try_from(message.len()), u16::try_from(message.len())) {
            (Ok(length), _) if length < LONG => content.push(length),
            (_, Ok(length)) => {
                content.push(LONG);
                content.extend(length.to_be_bytes());
            }
            _ => return false,
        }
        content.extend(message);
        content.push(END);
        let room = tag.user_memory().len();
        if content.len() > room {
            return false;
        }
        content.resize(room, 0);
        fill(tag, &content);
        true
    }
}

fn fill(tag: &mut Type2, content: &[u8]) {
    for (page, bytes) in (FIRST_PAGE..).zip(content.as_chunks::<4>().0) {
        tag.set_page(page, *bytes);
    }
}
