//! Type 2 tags (section 8.3): MIFARE Ultralight and NTAG213. Four-byte pages, lock bits that can only be set.

use super::wear::{Part, Wear};
use super::{Answer, Outcome};

type Page = [u8; 4];

/// Which chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Model {
    Ultralight,
    Ntag213,
}

impl Model {
    pub(super) fn pages(self) -> u8 {
        match self {
            Self::Ultralight => 16,
            Self::Ntag213 => 45,
        }
    }

    /// The last page of the user's memory.
    fn last_user_page(self) -> u8 {
        match self {
            Self::Ultralight => 15,
            Self::Ntag213 => 39,
        }
    }
}

/// NTAG213: dynamic lock bits and the configuration behind them.
const DYNAMIC_LOCK: u8 = 0x28;
const CFG0: u8 = 0x29;
const CFG1: u8 = 0x2A;
const PWD: u8 = 0x2B;
const PACK: u8 = 0x2C;

#[derive(Debug, Clone)]
pub(crate) struct Type2 {
    model: Model,
    pages: Vec<Page>,
    /// The page of a compatibility write whose data is still to come.
    pending: Option<u8>,
    authenticated: bool,
    /// Wrong passwords in a row; kept without power.
    wrong_passwords: u8,
    reads: u32,
    /// The counter moves with the first read after power came.
    read_since_power: bool,
}

impl Type2 {
    /// A tag as delivered.
    pub(super) fn delivered(model: Model, uid: [u8; 7]) -> Self {
        let [u0, u1, u2, u3, u4, u5, u6] = uid;
        let mut tag = Self::with_content(model, &[]);
        tag.set_page(0, [u0, u1, u2, 0x88 ^ u0 ^ u1 ^ u2]);
        tag.set_page(1, [u3, u4, u5, u6]);
        tag.set_page(2, [u3 ^ u4 ^ u5 ^ u6, 0x48, 0, 0]);
        if model == Model::Ntag213 {
            tag.set_page(3, [0xE1, 0x10, 0x12, 0x00]);
            tag.set_page(4, [0x01, 0x03, 0xA0, 0x0C]);
            tag.set_page(5, [0x34, 0x03, 0x00, 0xFE]);
            tag.set_page(DYNAMIC_LOCK, [0, 0, 0, 0xBD]);
            tag.set_page(CFG0, [0x04, 0, 0, 0xFF]);
            tag.set_page(CFG1, [0x00, 0x05, 0, 0]);
            tag.set_page(PWD, [0xFF; 4]);
        }
        tag
    }

    /// A tag with this content; missing pages are zeros.
    pub(super) fn with_content(model: Model, bytes: &[u8]) -> Self {
        let mut pages: Vec<Page> = bytes.as_chunks::<4>().0.to_vec();
        pages.resize(usize::from(model.pages()), [0; 4]);
        Self {
            model,
            pages,
            pending: None,
            authenticated: false,
            wrong_passwords: 0,
            reads: 0,
            read_since_power: false,
        }
    }

    pub(super) fn model(&self) -> Model {
        self.model
    }

    pub(super) fn content(&self) -> Vec<u8> {
        self.pages.concat()
    }

    /// The pages a host may write.
    pub(super) fn user_memory(&self) -> Vec<u8> {
        (4..=self.model.last_user_page()).filter_map(|page| self.page(page)).flatten().collect()
    }

    pub(super) fn page(&self, index: u8) -> Option<Page> {
        self.pages.get(usize::from(index)).copied()
    }

    pub(super) fn set_page(&mut self, index: u8, content: Page) {
        if let Some(page) = self.pages.get_mut(usize::from(index)) {
            *page = content;
        }
    }

    /// The card lost its power.
    pub(super) fn reset(&mut self) {
        self.pending = None;
        self.authenticated = false;
        self.read_since_power = false;
    }

    /// A command ended a session without taking the power away.
    pub(super) fn halt(&mut self) {
        self.pending = None;
        self.authenticated = false;
    }

    pub(super) fn send(&mut self, frame: &[u8], wear: &mut Wear) -> Outcome {
        if let Some(page) = self.pending.take() {
            return match *frame {
                [a, b, c, d, ..] if frame.len() == 16 => self.write(page, [a, b, c, d], wear),
                _ => Outcome::refused(),
            };
        }
        let ntag = self.model == Model::Ntag213;
        match *frame {
            [0x30, page] => self.read(page),
            [0xA2, page, a, b, c, d] => {
                wear.tried(page, self.part(page));
                self.write(page, [a, b, c, d], wear)
            }
            [0xA0, page] => {
                wear.tried(page, self.part(page));
                if !self.may_write(page) {
                    return Outcome::refused();
                }
                self.pending = Some(page);
                Answer::Ack.into()
            }
            [0x60] if ntag => Answer::Data(vec![0x00, 0x04, 0x04, 0x02, 0x01, 0x00, 0x0F, 0x03]).into(),
            [0x3A, first, last] if ntag => self.fast_read(first, last),
            [0x39, 0x02] if ntag => self.read_counter(),
            [0x3C, 0x00] if ntag => Answer::Data(vec![0; 32]).into(),
            [0x1B, a, b, c, d] if ntag => self.password([a, b, c, d]),
            // VENDOR: an Ultralight falls silent at what it does not know (proxmark3 client/src/cmdhfmfu.c tells the
            // types apart by it), an NTAG refuses aloud.
            _ if ntag => Outcome::refused(),
            _ => Outcome::ignored(),
        }
    }

    fn part(&self, page: u8) -> Part {
        match page {
            0..4 => Part::Manufacturer,
            _ if page <= self.model.last_user_page() => Part::User,
            _ => Part::Trailer,
        }
    }

    /// One byte of the configuration; zeros on a chip that has none.
    fn config(&self, page: u8, byte: usize) -> u8 {
        match self.model {
            Model::Ultralight => 0,
            Model::Ntag213 => self.page(page).and_then(|page| page.get(byte).copied()).unwrap_or(0),
        }
    }

    /// From here on a password is asked for; past the end when none is.
    fn first_protected(&self) -> u8 {
        match self.model {
            Model::Ultralight => u8::MAX,
            Model::Ntag213 => self.config(CFG0, 3),
        }
    }

    fn reading_is_protected(&self) -> bool {
        self.config(CFG1, 0) & 0x80 != 0 && !self.authenticated
    }

    /// What a reader gets to see of a page.
    fn shown(&self, page: u8) -> Page {
        match page {
            PWD | PACK if self.model == Model::Ntag213 => [0; 4],
            _ => self.page(page).unwrap_or_default(),
        }
    }

    fn read(&mut self, first: u8) -> Outcome {
        let end = match self.reading_is_protected() {
            true => self.first_protected().min(self.model.pages()),
            false => self.model.pages(),
        };
        if first >= end {
            return Outcome::refused();
        }
        self.count_read();
        // Past the end it goes on at page 0.
        let data = (0..4).flat_map(|offset| self.shown((first + offset) % end)).collect();
        Answer::Data(data).into()
    }

    fn fast_read(&mut self, first: u8, last: u8) -> Outcome {
        let hidden = self.reading_is_protected() && last >= self.first_protected();
        if first > last || last >= self.model.pages() || hidden {
            return Outcome::refused();
        }
        self.count_read();
        Answer::Data((first..=last).flat_map(|page| self.shown(page)).collect()).into()
    }

    fn count_read(&mut self) {
        if !self.read_since_power && self.config(CFG1, 0) & 0x10 != 0 {
            self.reads = (self.reads + 1).min(0x00FF_FFFF);
        }
        self.read_since_power = true;
    }

    fn read_counter(&self) -> Outcome {
        let access = self.config(CFG1, 0);
        let enabled = access & 0x10 != 0;
        if !enabled || (access & 0x08 != 0 && !self.authenticated) {
            return Outcome::refused();
        }
        let [low, middle, high, _] = self.reads.to_le_bytes();
        Answer::Data(vec![low, middle, high]).into()
    }

    fn password(&mut self, given: Page) -> Outcome {
        let limit = self.config(CFG1, 0) & 0x07;
        if limit != 0 && self.wrong_passwords >= limit {
            return Outcome::refused();
        }
        if self.page(PWD) != Some(given) {
            self.wrong_passwords = self.wrong_passwords.saturating_add(1);
            return Outcome::refused();
        }
        self.wrong_passwords = 0;
        self.authenticated = true;
        let [a, b, ..] = self.page(PACK).unwrap_or_default();
        Answer::Data(vec![a, b]).into()
    }

    /// Whether a lock bit covers this page of the user's memory, or the capability container.
    fn is_locked(&self, page: u8) -> bool {
        let [_, _, low, high] = self.page(2).unwrap_or_default();
        let fixed = u16::from_le_bytes([low, high]);
        match page {
            3..=15 => fixed >> page & 1 == 1,
            16..=39 if self.model == Model::Ntag213 => {
                let [low, high, ..] = self.page(DYNAMIC_LOCK).unwrap_or_default();
                u16::from_le_bytes([low, high]) >> ((page - 16) / 2) & 1 == 1
            }
            CFG0 | CFG1 => self.config(CFG1, 0) & 0x40 != 0,
            _ => false,
        }
    }

    fn may_write(&self, page: u8) -> bool {
        let guarded = page >= self.first_protected() && !self.authenticated;
        (2..self.model.pages()).contains(&page) && !guarded && !self.is_locked(page)
    }

    fn write(&mut self, page: u8, data: Page, wear: &mut Wear) -> Outcome {
        let Some(old) = self.page(page).filter(|_| self.may_write(page)) else {
            return Outcome::refused();
        };
        let new = match page {
            2 => self.with_locks(old, data),
            3 => or(old, data),
            DYNAMIC_LOCK if self.model == Model::Ntag213 => self.with_dynamic_locks(old, data),
            _ => data,
        };
        let (left, cut) = wear.carry_out(&old, &new);
        if let Ok(left) = Page::try_from(left.as_slice()) {
            self.set_page(page, left);
        }
        Outcome::written(cut)
    }

    /// Page 2: two bytes are the serial number's, two are lock bits; the lowest three bits freeze the others.
    fn with_locks(&self, old: Page, data: Page) -> Page {
        let [s0, s1, low, high] = old;
        let [_, _, new_low, new_high] = data;
        let mut free = 0xFFFF_u16;
        for (bit, frozen) in [(0, 0x0008_u16), (1, 0x03F0), (2, 0xFC00)] {
            if low >> bit & 1 == 1 {
                free &= !frozen;
            }
        }
        let bits = u16::from_le_bytes([low, high]) | (u16::from_le_bytes([new_low, new_high]) & free);
        let [low, high] = bits.to_le_bytes();
        [s0, s1, low, high]
    }

    /// Page 28: two bytes of lock bits, one that freezes them in groups of two, one that stays.
    fn with_dynamic_locks(&self, old: Page, data: Page) -> Page {
        let [low, high, freeze, last] = old;
        let [new_low, new_high, new_freeze, _] = data;
        let mut free = 0x0FFF_u16;
        for group in 0..6 {
            if freeze >> group & 1 == 1 {
                free &= !(0b11 << (2 * group));
            }
        }
        let bits = u16::from_le_bytes([low, high]) | (u16::from_le_bytes([new_low, new_high]) & free);
        let [low, high] = bits.to_le_bytes();
        [low, high, freeze | (new_freeze & 0x3F), last]
    }
}

fn or(mut old: Page, data: Page) -> Page {
    for (to, from) in old.iter_mut().zip(data) {
        *to |= from;
    }
    old
}
