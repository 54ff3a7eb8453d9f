//! The body of a call of the vendor's: a form, with JSON in one of its fields.

use serde::Deserialize;
use zeroize::Zeroizing;

use super::Loose;

/// As much of it as is needed. Digits that were typed stand in it in clear: they are not taken over.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Notice {
    /// `notifyType`
    pub(crate) kind: Option<i64>,
    pub(crate) lock: Option<i64>,
    pub(crate) mac: Option<String>,
    pub(crate) admin: Option<String>,
    pub(crate) gateway: Option<i64>,
    /// The `lockDate` of every record.
    pub(crate) times: Vec<i64>,
}

/// One record of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    #[serde(default)]
    lock_date: Option<Loose>,
}

impl Notice {
    /// Reads a body; `None` when it is no such form.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let mut notice = Self::default();
        for field in body.split(|byte| *byte == b'&').filter(|field| !field.is_empty()) {
            let cut = field.iter().position(|byte| *byte == b'=');
            let (name, value) = match cut.and_then(|cut| field.split_at_checked(cut)) {
                Some((name, value)) => (decoded(name)?, decoded(value.get(1..).unwrap_or_default())?),
                None => (decoded(field)?, Zeroizing::default()),
            };
            let number = || value.trim().parse::<i64>().ok();
            match name.as_str() {
                "notifyType" => notice.kind = number(),
                "lockId" => notice.lock = number(),
                "lockMac" => notice.mac = Some(value.to_string()),
                "admin" => notice.admin = Some(value.to_string()),
                "gatewayId" => notice.gateway = number(),
                "records" => {
                    let told: Vec<Told> = serde_json::from_str(&value).ok()?;
                    notice.times = told.iter().filter_map(|told| Some(told.lock_date?.0)).collect();
                }
                _ => {}
            }
        }
        Some(notice)
    }
}

/// A name or a value of a form, as it was before it was encoded.
fn decoded(text: &[u8]) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut nibble = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (nibble()?, nibble()?);
                u8::try_from(high << 4 | low).ok()?
            }
            byte => byte,
        });
    }
    Some(Zeroizing::new(std::str::from_utf8(&bytes).ok()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_read_as_forms_are_written() {
        let body = b"lockId=7&notifyType=1&lockMac=C0%3aFF%3AEE%3a00%3a12%3a34&admin=locks%40hotel.example&other&\
                     records=%5B%7B%22lockDate%22%3A1777539600000%2C%22keyboardPwd%22%3A%22048263%22%7D%2C%7B%7D%5D";
        let notice = Notice::read(body).unwrap();
        let mac = notice.mac.as_deref();
        assert_eq!((notice.kind, notice.lock, mac), (Some(1), Some(7), Some("C0:FF:EE:00:12:34")));
        assert_eq!(notice.admin.as_deref(), Some("locks@hotel.example"));
        assert_eq!(notice.times, [1_777_539_600_000]);
        assert!(!format!("{notice:?}").contains("048263"), "what was typed is not kept");
        let gone = Notice::read(b"notifyType=2&gatewayId=5&isOnline=0").unwrap();
        assert_eq!((gone.kind, gone.gateway), (Some(2), Some(5)));
        assert_eq!(Notice::read(b""), Some(Notice::default()));
        for bad in [&b"records=x"[..], b"records=%7B%7D", b"a=%", b"a=%4", b"a=%zz", b"a=%ff", b"%ff"] {
            assert_eq!(Notice::read(bad), None, "{bad:?}");
        }
    }
}
