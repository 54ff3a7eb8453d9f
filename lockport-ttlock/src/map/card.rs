//! Cards: their numbers in both orders of bytes, and which of a lock's list are an order's.

use lockport::driver::GrantOrder;
use lockport::{ErrorCode, FailureReason, LockError, RetryAdvice, Secret, Timestamp};

use super::{Handle, Listed, is_window};
use crate::config::CardOrder;
use crate::wire::{CardItem, Loose};

/// The most digits of a number that a lock keeps in four bytes.
const SHORT_DIGITS: usize = 10;

/// The number of an order's card.
pub(crate) fn number(order: &GrantOrder) -> Result<&Secret, LockError> {
    order.artifact.as_ref().ok_or_else(|| {
        let (code, reason) = (ErrorCode::KeyIssueFailed, FailureReason::NoCard);
        LockError::new(code, reason, RetryAdvice::Never, "no card was read at the desk")
    })
}

/// The number under which the lock and the cloud's list have a card that a desk's reader read as `read`.
// VENDOR: a number of up to ten digits is kept in four bytes, and one that does not fit them is cut (docs/vendor.md#cards); so it
// is refused here. Only four bytes are reversed.
pub(crate) fn stored(read: &Secret, order: CardOrder) -> Result<u64, LockError> {
    // EXPOSE: read as a number; it stays in this crate.
    let digits = read.expose();
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse::<u64>().ok().filter(|_| is_plain);
    let number = number.ok_or_else(|| LockError::invalid_input("a card's number is decimal digits"))?;
    let short = u32::try_from(number).ok();
    match (order, short) {
        (CardOrder::AsRead, None) if digits.len() <= SHORT_DIGITS => {
            Err(LockError::invalid_input("a card's number of ten digits has to fit four bytes"))
        }
        (CardOrder::AsRead, _) => Ok(number),
        (CardOrder::Reversed, Some(short)) => Ok(short.swap_bytes().into()),
        (CardOrder::Reversed, None) => {
            Err(LockError::invalid_input("a card's number that is reversed has to fit four bytes"))
        }
    }
}

/// The number that the desk's reader reads off a card that the lock knows by this one.
pub(crate) fn as_read(in_lock: &str, order: Option<CardOrder>) -> Option<String> {
    let number: u64 = in_lock.trim().parse().ok()?;
    match order {
        None | Some(CardOrder::AsRead) => Some(number.to_string()),
        Some(CardOrder::Reversed) => Some(u32::try_from(number).ok()?.swap_bytes().to_string()),
    }
}

/// Whether an entry of the list has this number.
fn has_number(item: &CardItem, number: u64) -> bool {
    item.card_number.as_ref().is_some_and(|listed| listed.trim().parse() == Ok(number))
}

/// Those of a lock's cards that bear the marker. The vendor's own search is fuzzy.
pub(crate) fn bearing(
    items: &[CardItem],
    lock: i64,
    marker: &str,
    order: &GrantOrder,
    reader: Option<CardOrder>,
) -> Vec<Listed> {
    let number = order.artifact.as_ref().zip(reader).and_then(|(read, reader)| stored(read, reader).ok());
    let bears = |item: &&CardItem| item.lock_id == Loose(lock) && item.card_name.as_deref() == Some(marker);
    let listed = |item: &CardItem| Listed {
        handle: Handle::in_lock(lock, item.card_id.0),
        is_target: number.is_some_and(|number| has_number(item, number))
            && is_window((item.start_date, item.end_date), order.window),
        artifact: None,
        window: None,
    };
    items.iter().filter(bears).map(listed).collect()
}

/// Whether this card opens the lock under another name, now or later. Added again, it would take that key's place.
pub(crate) fn is_anothers(items: &[CardItem], lock: i64, number: u64, marker: &str, now: Timestamp) -> bool {
    let is_over = |item: &CardItem| {
        // Both dates 0 are for ever.
        item.end_date.is_some_and(|end| end.0 != 0 && end.0 <= now.timestamp_millis())
    };
    items.iter().any(|item| {
        item.lock_id == Loose(lock)
            && has_number(item, number)
            && item.card_name.as_deref() != Some(marker)
            && !is_over(item)
    })
}

/// Those cards whose time was over by then: when, and the vendor's number. A lock deletes by a card's own number, so one that is listed
/// a second time stays.
pub(crate) fn over(items: &[CardItem], lock: i64, by: Timestamp) -> Vec<(i64, i64)> {
    let is_alone =
        |item: &CardItem| items.iter().filter(|other| other.card_number == item.card_number).count() == 1;
    let here = items.iter().filter(|item| item.lock_id == Loose(lock) && is_alone(item));
    here.filter_map(|item| Some((super::over(item.end_date, by)?, item.card_id.0))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str, order: CardOrder) -> Option<u64> {
        stored(&Secret::new(text.to_owned()), order).ok()
    }

    /// The vendor's own example: `da 3c bc 66` is listed as `66 bc 3c da`.
    #[test]
    fn a_number_is_kept_as_it_was_read_or_with_its_four_bytes_reversed() {
        use CardOrder::{AsRead, Reversed};
        assert_eq!(number("3661413478", Reversed), Some(1_723_612_378));
        assert_eq!(number("3661413478", AsRead), Some(3_661_413_478));
        assert_eq!(number("0000000001", Reversed), Some(16_777_216));
        assert_eq!(number("36614134780000", AsRead), Some(36_614_134_780_000));
        assert_eq!(number("4294967295", AsRead), Some(4_294_967_295));
        assert_eq!(as_read("1723612378", Some(Reversed)).as_deref(), Some("3661413478"));
        assert_eq!(as_read("3661413478", Some(AsRead)).as_deref(), Some("3661413478"));
        assert_eq!(as_read("36614134780000", Some(Reversed)), None);
        for cut in ["4294967296", "9999999999"] {
            assert_eq!((number(cut, AsRead), number(cut, Reversed)), (None, None), "{cut}");
        }
        for bad in ["", "da3cbc66", "+1", "-1", "1 2", "18446744073709551616", "\u{661}"] {
            assert_eq!((number(bad, AsRead), number(bad, Reversed)), (None, None), "{bad}");
        }
    }
}
