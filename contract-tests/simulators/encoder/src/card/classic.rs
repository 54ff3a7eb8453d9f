//! A MIFARE Classic 1K (section 8.1): sectors, keys, access bits, value blocks.
//!
//! The cipher is left out: on the host's side of a reader it does not show. An authentication compares keys.

use super::access::{AccessBits, KeySlot, Who};
use super::wear::{Part, Wear};
use super::{Answer, Outcome};

pub(super) const BLOCKS: usize = 64;
type Block = [u8; 16];

/// The trailer of a card as delivered.
const DELIVERY: Block =
    [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x80, 0x69, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];

/// What the card waits for after the first half of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pending {
    Write(u8),
    Value(ValueOp, u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValueOp {
    Increment,
    Decrement,
    Restore,
}

#[derive(Debug, Clone)]
pub(crate) struct Classic {
    blocks: Vec<Block>,
    /// The open sector and the key it was opened with.
    session: Option<(u8, KeySlot)>,
    pending: Option<Pending>,
    /// The transfer buffer: a value and its address byte.
    buffer: Option<(i32, u8)>,
}

fn is_trailer(block: u8) -> bool {
    block % 4 == 3
}

fn part(block: u8) -> Part {
    match block {
        0 => Part::Manufacturer,
        _ if is_trailer(block) => Part::Trailer,
        _ => Part::User,
    }
}

/// A value block: the value three times, once inverted, and its address four times likewise.
pub(crate) fn value_of(block: &Block) -> Option<(i32, u8)> {
    let [v0, v1, v2, v3, i0, i1, i2, i3, w0, w1, w2, w3, a, b, c, d] = *block;
    let (value, inverse, again) = (
        i32::from_le_bytes([v0, v1, v2, v3]),
        i32::from_le_bytes([i0, i1, i2, i3]),
        i32::from_le_bytes([w0, w1, w2, w3]),
    );
    (value == again && inverse == !value && a == c && b == d && b == !a).then_some((value, a))
}

pub(crate) fn value_block(value: i32, address: u8) -> Block {
    let mut block = [0; 16];
    let fields = value.to_le_bytes().into_iter().chain((!value).to_le_bytes()).chain(value.to_le_bytes());
    let all = fields.chain([address, !address, address, !address]);
    for (to, from) in block.iter_mut().zip(all) {
        *to = from;
    }
    block
}

impl Classic {
    /// A card as delivered, with this manufacturer block.
    pub(super) fn delivered(manufacturer: Block) -> Self {
        let blocks = (0..BLOCKS)
            .map(|index| match index {
                0 => manufacturer,
                _ if index % 4 == 3 => DELIVERY,
                _ => [0; 16],
            })
            .collect();
        Self { blocks, session: None, pending: None, buffer: None }
    }

    /// A card with this content; missing blocks are zeros.
    pub(super) fn with_content(bytes: &[u8]) -> Self {
        let mut blocks: Vec<Block> = bytes.as_chunks::<16>().0.to_vec();
        blocks.resize(BLOCKS, [0; 16]);
        Self { blocks, session: None, pending: None, buffer: None }
    }

    pub(super) fn content(&self) -> Vec<u8> {
        self.blocks.concat()
    }

    pub(super) fn block(&self, index: u8) -> Option<Block> {
        self.blocks.get(usize::from(index)).copied()
    }

    pub(super) fn set_block(&mut self, index: u8, content: Block) {
        if let Some(block) = self.blocks.get_mut(usize::from(index)) {
            *block = content;
        }
    }

    pub(super) fn reset(&mut self) {
        self.session = None;
        self.pending = None;
        self.buffer = None;
    }

    /// The sector's trailer and its access bits; `None` for a sector that is dead or not there.
    fn trailer(&self, sector: u8) -> Option<(Block, AccessBits)> {
        let trailer = self.block(sector.checked_mul(4)?.checked_add(3)?)?;
        let [_, _, _, _, _, _, b6, b7, b8, ..] = trailer;
        Some((trailer, AccessBits::parse([b6, b7, b8])?))
    }

    pub(super) fn authenticate(&mut self, slot: KeySlot, block: u8, key: [u8; 6]) -> bool {
        self.reset();
        let sector = block / 4;
        let Some((trailer, _)) = self.trailer(sector) else { return false };
        let stored = match slot {
            KeySlot::A => trailer.first_chunk::<6>(),
            KeySlot::B => trailer.last_chunk::<6>(),
        };
        if stored != Some(&key) {
            return false;
        }
        self.session = Some((sector, slot));
        true
    }

    pub(super) fn send(&mut self, frame: &[u8], wear: &mut Wear) -> Outcome {
        if let Some(pending) = self.pending.take() {
            return match pending {
                Pending::Write(block) => self.write(block, frame, wear),
                Pending::Value(op, block) => self.value(op, block, frame),
            };
        }
        match *frame {
            [0x30, block] => self.read(block),
            [0xA0, block] => self.begin_write(block, wear),
            [0xC0, block] => self.begin_value(ValueOp::Decrement, block),
            [0xC1, block] => self.begin_value(ValueOp::Increment, block),
            [0xC2, block] => self.begin_value(ValueOp::Restore, block),
            [0xB0, block] => self.transfer(block, wear),
            _ => Outcome::refused(),
        }
    }

    /// The key the sector of `block` is open with, if it is open and the key is of use.
    fn key_for(&self, block: u8) -> Option<(KeySlot, AccessBits, Block)> {
        let (sector, key) = self.session?;
        if sector != block / 4 || usize::from(block) >= BLOCKS {
            return None;
        }
        let (trailer, bits) = self.trailer(sector)?;
        // Data sheet 8.7.3: after an authentication with a readable key B every memory access is refused.
        (key == KeySlot::A || !bits.key_b_is_data()).then_some((key, bits, trailer))
    }

    fn read(&self, block: u8) -> Outcome {
        let Some((key, bits, _)) = self.key_for(block) else { return Outcome::refused() };
        let Some(mut content) = self.block(block) else { return Outcome::refused() };
        if !is_trailer(block) {
            return match bits.data(block % 4).read.lets(key) {
                true => Answer::Data(content.to_vec()).into(),
                false => Outcome::refused(),
            };
        }
        let rights = bits.trailer();
        if !rights.read_bits.lets(key) {
            return Outcome::refused();
        }
        for (index, byte) in content.iter_mut().enumerate() {
            if index < 6 || (index >= 10 && !rights.read_b.lets(key)) {
                *byte = 0;
            }
        }
        Answer::Data(content.to_vec()).into()
    }

    fn begin_write(&mut self, block: u8, wear: &mut Wear) -> Outcome {
        wear.tried(block, part(block));
        let Some((key, bits, _)) = self.key_for(block) else { return Outcome::refused() };
        let may = match part(block) {
            Part::Manufacturer => false,
            Part::User => bits.data(block % 4).write.lets(key),
            Part::Trailer => {
                let rights = bits.trailer();
                [rights.write_a, rights.write_bits, rights.write_b].into_iter().any(|who| who.lets(key))
            }
        };
        if !may {
            return Outcome::refused();
        }
        self.pending = Some(Pending::Write(block));
        Answer::Ack.into()
    }

    fn write(&mut self, block: u8, data: &[u8], wear: &mut Wear) -> Outcome {
        let (Ok(data), Some((key, bits, old))) = (Block::try_from(data), self.key_for(block)) else {
            return Outcome::refused();
        };
        let new = match is_trailer(block) {
            true => merged(&old, &data, key, bits),
            false => data,
        };
        self.put(block, &new, wear)
    }

    /// Writes for good, through the tear on order.
    fn put(&mut self, block: u8, new: &Block, wear: &mut Wear) -> Outcome {
        let Some(old) = self.block(block) else { return Outcome::refused() };
        let (left, cut) = wear.carry_out(&old, new);
        if let Ok(left) = Block::try_from(left.as_slice()) {
            self.set_block(block, left);
        }
        Outcome::written(cut)
    }

    fn begin_value(&mut self, op: ValueOp, block: u8) -> Outcome {
        let allowed = self.key_for(block).is_some_and(|(key, bits, _)| {
            let rights = bits.data(block % 4);
            let who = if op == ValueOp::Increment { rights.increment } else { rights.decrement };
            !is_trailer(block) && block != 0 && who.lets(key)
        });
        if !allowed || self.block(block).as_ref().and_then(value_of).is_none() {
            return Outcome::refused();
        }
        self.pending = Some(Pending::Value(op, block));
        Answer::Ack.into()
    }

    /// The second half of increment, decrement and restore. Success is silence.
    fn value(&mut self, op: ValueOp, block: u8, operand: &[u8]) -> Outcome {
        let (Ok(operand), Some((value, address))) =
            (<[u8; 4]>::try_from(operand), self.block(block).as_ref().and_then(value_of))
        else {
            return Outcome::refused();
        };
        let operand = i32::from_le_bytes(operand);
        let result = match op {
            ValueOp::Increment => value.checked_add(operand),
            ValueOp::Decrement => value.checked_sub(operand),
            ValueOp::Restore => Some(value),
        };
        match result {
            Some(result) => {
                self.buffer = Some((result, address));
                Answer::Silence.into()
            }
            None => Outcome::refused(),
        }
    }

    fn transfer(&mut self, block: u8, wear: &mut Wear) -> Outcome {
        wear.tried(block, part(block));
        let who = self.key_for(block).map(|(key, bits, _)| bits.data(block % 4).decrement.lets(key));
        let (Some(true), Part::User, Some((value, address))) = (who, part(block), self.buffer) else {
            return Outcome::refused();
        };
        self.put(block, &value_block(value, address), wear)
    }
}

/// A trailer after a write that may change only some of its parts. The free byte goes with the access bits.
fn merged(old: &Block, new: &Block, key: KeySlot, bits: AccessBits) -> Block {
    let rights = bits.trailer();
    let mut result = *old;
    for (index, (to, from)) in result.iter_mut().zip(new).enumerate() {
        let who = match index {
            0..6 => rights.write_a,
            6..10 => rights.write_bits,
            10..16 => rights.write_b,
            _ => Who::Nobody,
        };
        if who.lets(key) {
            *to = *from;
        }
    }
    result
}
