//! A byte stream inside HID reports, for a PN532 behind a bridge (section 6.2): a count of 1 to 63, so many bytes of the stream,
//! zeros. A frame may go over several reports, and several frames may share one.

use lockport::Secret;

/// The most bytes of the stream that one report carries.
pub const MOST: usize = 63;
/// A report as it is written: its number, which is 0, before it.
pub const WRITTEN_LEN: usize = 65;

/// The reports that carry these bytes. They may hold a key, so each is a secret.
pub fn reports(stream: &[u8]) -> impl Iterator<Item = Secret<Vec<u8>>> + '_ {
    stream.chunks(MOST).map(|part| {
        let mut report = Vec::with_capacity(WRITTEN_LEN);
        report.extend_from_slice(&[0, part.len() as u8]);
        report.extend_from_slice(part);
        report.resize(WRITTEN_LEN, 0);
        Secret::new(report)
    })
}

/// The stream's bytes in a report; empty in a keep-alive. Nothing where the count says more than a report holds: then the stream
/// is broken.
#[must_use]
pub fn content(report: &[u8]) -> Option<&[u8]> {
    let (count, rest) = report.split_first()?;
    let count = usize::from(*count);
    rest.get(..count).filter(|_| count <= MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_frame_goes_over_several_reports() {
        let stream: Vec<u8> = (0..130).collect();
        let sent: Vec<Vec<u8>> = reports(&stream).map(|report| report.expose().clone()).collect();
        assert_eq!(
            sent.iter().map(|report| (report.len(), report[0], report[1])).collect::<Vec<_>>(),
            [(65, 0, 63), (65, 0, 63), (65, 0, 4)]
        );
        let back: Vec<u8> = sent.iter().flat_map(|report| content(&report[1..]).unwrap()).copied().collect();
        assert_eq!(back, stream);
    }

    #[test]
    fn a_keep_alive_is_empty_and_too_much_is_broken() {
        assert_eq!(content(&[0; 64]), Some(&[][..]));
        assert_eq!(content(&[63; 64]), Some(&[63; 63][..]));
        assert_eq!(content(&[64; 80]), None);
        assert_eq!(content(&[5, 1, 2]), None);
        assert_eq!(content(&[]), None);
    }
}
