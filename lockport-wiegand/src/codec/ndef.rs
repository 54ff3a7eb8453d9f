//! The record as an NDEF message on a type 2 tag (section 9.5): TLV `03 3D`, one short record of the external type
//! `lockport:k`, TLV `FE`; 64 bytes, pages 4 to 19.

use lockport::Secret;

use super::record::RECORD_LEN;

/// The first page of the message.
pub const FIRST_PAGE: u8 = 4;
/// How many pages it fills.
pub const PAGES: u8 = 16;
/// How many bytes that are.
pub const MESSAGE_LEN: usize = 64;
/// The first page of a message of ours; written last, it is what makes the message there.
pub const HEAD_PAGE: [u8; 4] = [0x03, 0x3D, 0xD4, 0x0A];
/// The first page of a tag without a message: an empty one, then the end.
pub const EMPTY_PAGE: [u8; 4] = [0x03, 0x00, 0xFE, 0x00];

/// Flags and length of type, length of payload, type: what stands before the record.
const RECORD_HEAD: &[u8; 13] = b"\xD4\x0A\x30lockport:k";

const NULL: u8 = 0x00;
const MESSAGE: u8 = 0x03;
const END: u8 = 0xFE;

/// The 64 bytes of pages 4 to 19 around a record.
#[must_use]
pub fn wrap(record: &Secret<[u8; RECORD_LEN]>) -> Secret<[u8; MESSAGE_LEN]> {
    let mut memory = [END; MESSAGE_LEN];
    let (tlv, rest) = memory.split_at_mut(2);
    let (head, rest) = rest.split_at_mut(RECORD_HEAD.len());
    let (payload, _end) = rest.split_at_mut(RECORD_LEN);
    tlv.copy_from_slice(&[MESSAGE, (RECORD_HEAD.len() + RECORD_LEN) as u8]);
    head.copy_from_slice(RECORD_HEAD);
    // EXPOSE: into the message that goes to the card, which is a secret again.
    payload.copy_from_slice(record.expose());
    Secret::new(memory)
}

/// The record in a tag's user memory from page 4 on: the payload of the first message, where that message is one record of our
/// type and nothing else. Lock and memory control blocks before it are stepped over, as a reader has to.
#[must_use]
pub fn unwrap(memory: &[u8]) -> Option<Secret<[u8; RECORD_LEN]>> {
    let payload = first_message(memory)?.strip_prefix(RECORD_HEAD)?;
    Some(Secret::new(payload.try_into().ok()?))
}

/// The value of the first TLV of type 03.
fn first_message(mut memory: &[u8]) -> Option<&[u8]> {
    loop {
        let (&kind, rest) = memory.split_first()?;
        let (length, rest) = match (kind, rest) {
            (NULL, rest) => (0, rest),
            (END, _) => return None,
            (_, [0xFF, high, low, rest @ ..]) => (usize::from(u16::from_be_bytes([*high, *low])), rest),
            (_, [length, rest @ ..]) => (usize::from(*length), rest),
            (_, []) => return None,
        };
        let (value, after) = rest.split_at_checked(length)?;
        if kind == MESSAGE {
            return Some(value);
        }
        memory = after;
    }
}

/// One of the message's pages, counted from [`FIRST_PAGE`].
#[must_use]
pub fn page(message: &Secret<[u8; MESSAGE_LEN]>, index: u8) -> Option<Secret<[u8; 4]>> {
    // EXPOSE: four of its bytes go to the card, as a secret again.
    let (pages, _) = message.expose().as_chunks::<4>();
    pages.get(usize::from(index)).copied().map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Secret<[u8; RECORD_LEN]> {
        Secret::new(std::array::from_fn(|index| index as u8))
    }

    #[test]
    fn a_message_fills_sixteen_pages() {
        let message = wrap(&record());
        let bytes = message.expose();
        assert_eq!(bytes[..15], *b"\x03\x3D\xD4\x0A\x30lockport:k");
        assert_eq!(bytes[15..63], record().expose()[..]);
        assert_eq!(bytes[63], 0xFE);
        assert_eq!(page(&message, 0).unwrap().expose(), &HEAD_PAGE);
        assert_eq!(page(&message, PAGES - 1).unwrap().expose(), &[45, 46, 47, 0xFE]);
        assert!(page(&message, PAGES).is_none());
    }

    #[test]
    fn the_record_is_found_behind_what_a_factory_put_there() {
        let message = wrap(&record());
        let found = |memory: &[u8]| unwrap(memory).map(|record| *record.expose());
        assert_eq!(found(message.expose()), Some(*record().expose()));
        let lock_control = [0x00, 0x01, 0x03, 0xA0, 0x0C, 0x34];
        assert_eq!(found(&[&lock_control, &message.expose()[..]].concat()), Some(*record().expose()));
        let long_form = [&[0x03, 0xFF, 0x00, 0x3D], &message.expose()[2..]].concat();
        assert_eq!(found(&long_form), Some(*record().expose()));
    }

    #[test]
    fn anything_else_is_not_a_record_of_ours() {
        let message = *wrap(&record()).expose();
        let bent = |at: usize, to: u8| {
            let mut memory = message;
            memory[at] = to;
            unwrap(&memory).is_none()
        };
        assert!(bent(0, 0xFE) && bent(1, 0x3C) && bent(2, 0x54) && bent(4, 0x31) && bent(5, b'L'));
        assert!(unwrap(&message[..62]).is_none());
        assert!(unwrap(&EMPTY_PAGE).is_none());
        assert!(unwrap(&[]).is_none());
    }
}
