//! A card's own keys, out of the property's one key (section 9.3; NXP AN10922 rev 2.2 for AES-128).

use aes::Aes128;
use cmac::{Cmac, KeyInit as _, Mac as _};
use lockport::Secret;

use crate::encoder::{KeyName, SectorKey, Uid};

/// What is diversified: the system's name and the purpose, behind the card's number.
const MAC_PURPOSE: &[u8] = b"\x4C\x4B\x01lockport-mac";
const SECTOR_PURPOSE: &[u8] = b"\x4C\x4B\x02lockport-key";

/// AN10922's constant for a 128-bit key.
const DIVERSIFY_AES_128: &[u8] = &[0x01];

/// The key from which all keys of one property's cards come: 16 random bytes, kept where the host keeps its secrets.
#[derive(Clone, Debug)]
pub struct PropertyKey(Secret<[u8; 16]>);

impl PropertyKey {
    /// Takes the key into custody.
    #[must_use]
    pub const fn new(key: Secret<[u8; 16]>) -> Self {
        Self(key)
    }

    /// The key that signs this card's records: `derive(K, UID ‖ 4C4B01 ‖ "lockport-mac")`.
    #[must_use]
    pub fn mac_key(&self, uid: &Uid) -> Secret<[u8; 16]> {
        derive(&self.0, &[uid.bytes(), MAC_PURPOSE])
    }

    /// This card's own key of a sector: the first six bytes of
    /// `derive(K, UID ‖ 4C4B02 ‖ "lockport-key" ‖ "A" or "B" ‖ sector)`.
    #[must_use]
    pub fn sector_key(&self, uid: &Uid, name: KeyName, sector: u8) -> SectorKey {
        let name = match name {
            KeyName::A => b'A',
            KeyName::B => b'B',
        };
        let derived = derive(&self.0, &[uid.bytes(), SECTOR_PURPOSE, &[name, sector]]);
        // EXPOSE: its first six bytes are the sector key, which is a secret again.
        let [a, b, c, d, e, f, ..] = *derived.expose();
        Secret::new([a, b, c, d, e, f])
    }
}

/// The key that AN10922 derives for a diversification input of 16 to 31 bytes; the input is the card's number, the system's
/// and the purpose's. A shorter one is padded by rules that plain CMAC does not have and is refused, as is a longer one.
#[must_use]
pub fn diversified(master: &Secret<[u8; 16]>, input: &[u8]) -> Option<Secret<[u8; 16]>> {
    (16..=31).contains(&input.len()).then(|| derive(master, &[input]))
}

/// AES-128-CMAC over the constant and these parts, which together are 16 to 31 bytes here.
fn derive(master: &Secret<[u8; 16]>, parts: &[&[u8]]) -> Secret<[u8; 16]> {
    let mut mac = mac_under(master);
    mac.update(DIVERSIFY_AES_128);
    parts.iter().for_each(|part| mac.update(part));
    Secret::new(mac.finalize().into_bytes().into())
}

/// A CMAC that has eaten nothing yet.
pub(super) fn mac_under(key: &Secret<[u8; 16]>) -> Cmac<Aes128> {
    // EXPOSE: into the cipher's schedule, which wipes itself.
    Cmac::new(key.expose().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::hex::bytes;

    fn property_key(text: &str) -> PropertyKey {
        PropertyKey::new(Secret::new(bytes(text)))
    }

    /// The publisher's own example for AES-128.
    #[test]
    fn the_application_note_gives_its_own_answer() {
        let master = Secret::new(bytes("00112233445566778899AABBCCDDEEFF"));
        let input: [u8; 17] = bytes("04782E21801D80 3042F5 4E585020416275");
        let derived = diversified(&master, &input).unwrap();
        assert_eq!(*derived.expose(), bytes("A8DD63A3B89D54B37CA802473FDA9175"));
        assert!(diversified(&master, &input[..15]).is_none());
        assert!(diversified(&master, &[7; 32]).is_none());
    }

    /// Section 9.4, and a card of another property.
    #[test]
    fn a_card_has_keys_of_its_own() {
        let key = property_key("000102030405060708090A0B0C0D0E0F");
        let uid = Uid::new(&[0xA1, 0xB2, 0xC3, 0xD4]).unwrap();
        assert_eq!(*key.mac_key(&uid).expose(), bytes("86F15481F9CBDECC3BE64537141C6EE6"));
        assert_eq!(*key.sector_key(&uid, KeyName::A, 2).expose(), bytes("C8BE0013B0E3"));
        assert_eq!(*key.sector_key(&uid, KeyName::B, 2).expose(), bytes("DC024A40B491"));

        let other = property_key("5C0D3E91A7F2488B9E6114D05B7A2CE3");
        let uid = Uid::new(&[0x7F, 0x31, 0xE0, 0x5C]).unwrap();
        assert_eq!(*other.mac_key(&uid).expose(), bytes("45AAE3EBB1BA0BC7DA3665C9E92448C2"));
    }
}
