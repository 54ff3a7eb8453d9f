//! Bytes as the page prints them, for tests.

/// The bytes of a hex string; blanks between them do not count.
pub(crate) fn bytes<const N: usize>(text: &str) -> [u8; N] {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    bytes.try_into().unwrap()
}
