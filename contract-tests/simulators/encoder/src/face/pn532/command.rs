//! The commands of a PN532 that are about the chip itself (sections 4.4 and 4.9), and where the others go.

use std::time::Duration;

use super::{ATTEMPT, Pn532, Power, Reply, Search, status};
use crate::desk::{Desk, Plan};
use crate::field::Found;

/// CIU registers of which the chip's own behaviour here depends: whether it adds and checks the card's checksum.
const TX_MODE: u16 = 0x6302;
const RX_MODE: u16 = 0x6303;
const CRC_ENABLED: u8 = 0x80;

/// What SetSerialBaudRate can be asked for.
const SPEEDS: [u32; 9] = [9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600, 1_288_000];

fn done(data: &[u8]) -> Reply {
    Reply::Done(data.to_vec(), Duration::ZERO)
}

fn status_only(status: u8) -> Reply {
    Reply::Status(status, Vec::new(), Duration::ZERO)
}

impl Pn532 {
    pub(super) fn run(&mut self, command: u8, parameters: &[u8], at: Duration, desk: &mut Desk) -> Reply {
        match (command, parameters) {
            (0x00, _) => diagnose(parameters),
            (0x02, []) => done(&[0x32, 0x01, 0x06, 0x07]),
            (0x04, []) => self.general_status(desk),
            (0x06, _) => self.read_registers(parameters),
            (0x08, _) => self.write_registers(parameters),
            (0x10, [rate]) => match SPEEDS.get(usize::from(*rate)) {
                Some(speed) => {
                    desk.next_speed = Some(*speed);
                    done(&[])
                }
                None => Reply::Syntax,
            },
            (0x12, [flags]) => {
                self.automatic_rats = flags & 0x10 != 0;
                done(&[])
            }
            (0x14, [1..=4] | [1..=4, _] | [1..=4, _, 0 | 1]) => {
                self.power = Power::Normal;
                done(&[])
            }
            (0x16, [_] | [_, _]) => {
                self.power = Power::Asleep { low_battery: false };
                desk.field.power(false);
                self.forget_targets();
                status_only(status::DONE)
            }
            (0x32, [item, data @ ..]) => self.configure_radio(*item, data, desk),
            (0x40, [target, card @ ..]) => self.data_exchange(*target, card, desk),
            (0x42, _) => self.through(parameters, desk),
            (0x44, [target]) => self.deselect(*target, desk),
            (0x4A, [most @ 1..=2, kind, rest @ ..]) => self.list(usize::from(*most), *kind, rest, at, desk),
            (0x52, [target]) => self.release(*target, desk),
            (0x54, [target]) => self.select(*target, desk),
            _ => Reply::Syntax,
        }
    }

    fn general_status(&self, desk: &Desk) -> Reply {
        let mut data = vec![0x00, u8::from(desk.field.is_on())];
        let listed: Vec<u8> =
            (1_u8..).zip(&self.targets).filter(|(_, found)| found.is_some()).map(|(tg, _)| tg).collect();
        data.push(u8::try_from(listed.len()).unwrap_or(u8::MAX));
        for target in listed {
            // 106 kbit/s both ways, ISO 14443-3 type A.
            data.extend([target, 0x00, 0x00, 0x10]);
        }
        data.push(0x00);
        done(&data)
    }

    fn read_registers(&self, parameters: &[u8]) -> Reply {
        let (pairs, []) = parameters.as_chunks::<2>() else { return Reply::Syntax };
        if pairs.is_empty() {
            return Reply::Syntax;
        }
        let values: Vec<u8> = pairs.iter().map(|pair| self.register(u16::from_be_bytes(*pair))).collect();
        done(&values)
    }

    fn write_registers(&mut self, parameters: &[u8]) -> Reply {
        let (triples, []) = parameters.as_chunks::<3>() else { return Reply::Syntax };
        if triples.is_empty() {
            return Reply::Syntax;
        }
        for [high, low, value] in triples {
            self.registers.insert(u16::from_be_bytes([*high, *low]), *value);
        }
        done(&[])
    }

    fn register(&self, address: u16) -> u8 {
        let preset = if matches!(address, TX_MODE | RX_MODE) { CRC_ENABLED } else { 0 };
        self.registers.get(&address).copied().unwrap_or(preset)
    }

    pub(super) fn adds_checksum(&self) -> bool {
        self.register(TX_MODE) & CRC_ENABLED != 0
    }

    pub(super) fn checks_checksum(&self) -> bool {
        self.register(RX_MODE) & CRC_ENABLED != 0
    }

    /// RFConfiguration: items with the lengths they must have.
    fn configure_radio(&mut self, item: u8, data: &[u8], desk: &mut Desk) -> Reply {
        match (item, data) {
            (0x01, [field]) => {
                desk.field.power(field & 1 == 1);
                self.selected = None;
            }
            (0x05, [_, _, passive]) => self.passive_retries = *passive,
            (0x02, [_, _, _]) | (0x04, [_]) => {}
            (0x0A, _) if data.len() == 11 => {}
            (0x0B, _) if data.len() == 8 => {}
            (0x0C, _) if data.len() == 3 => {}
            (0x0D, _) if data.len() == 9 => {}
            _ => return Reply::Syntax,
        }
        done(&[])
    }

    /// InListPassiveTarget: kind 0 is type A at 106 kbit/s, the others are not among our cards.
    fn list(&mut self, most: usize, kind: u8, rest: &[u8], at: Duration, desk: &mut Desk) -> Reply {
        let uid = match (kind, rest) {
            (0, []) => None,
            (0, uid) => match without_cascade_tags(uid) {
                Some(uid) => Some(uid),
                None => return Reply::Syntax,
            },
            (1 | 2, [_, _, _, _, _]) | (3, [_] | [_, _]) | (4, []) => {
                self.forget_targets();
                if !desk.field.is_on() {
                    desk.field.power(true);
                }
                let took = ATTEMPT * u32::from(self.passive_retries.min(2) + 1);
                return Reply::Done(vec![0], took);
            }
            _ => return Reply::Syntax,
        };
        self.registers.remove(&TX_MODE);
        self.registers.remove(&RX_MODE);
        let (found, took) = self.look(most, uid.as_deref(), desk);
        let left = match self.passive_retries {
            0xFF => None,
            retries => Some(retries),
        };
        if found.is_empty() && left != Some(0) {
            let left = left.map(|left| left - 1);
            let plan = Plan::default();
            return Reply::Searching(Search { most, uid, left, next: at + ATTEMPT, plan });
        }
        self.listed(found, took, desk)
    }

    /// Looks for cards once.
    pub(super) fn look(&self, most: usize, uid: Option<&[u8]>, desk: &mut Desk) -> (Vec<Found>, Duration) {
        let mut found = desk.field.find(self.finds_halted);
        found.retain(|card| uid.is_none_or(|uid| card.uid == uid));
        found.truncate(most);
        let took = found.iter().map(|card| desk.times.find(&card.uid)).sum();
        (found, took)
    }

    /// The answer to a list, with its cards as the new targets; the last one stays selected.
    pub(super) fn listed(&mut self, found: Vec<Found>, took: Duration, desk: &mut Desk) -> Reply {
        let mut data = vec![u8::try_from(found.len()).unwrap_or(u8::MAX)];
        self.forget_targets();
        for (target, card) in (1_u8..).zip(&found) {
            desk.field.select(&card.uid);
            self.selected = Some(target);
            data.push(target);
            data.extend(card.sens_res);
            data.push(card.sel_res);
            data.push(u8::try_from(card.uid.len()).unwrap_or(u8::MAX));
            data.extend(&card.uid);
            if card.sel_res & 0x20 != 0 && self.automatic_rats {
                // The shortest answer to select: its own length and a format byte.
                data.extend([0x02, 0x00]);
            }
        }
        self.targets = found.into_iter().map(Some).collect();
        Reply::Done(data, took)
    }

    pub(super) fn forget_targets(&mut self) {
        self.targets.clear();
        self.selected = None;
    }

    fn deselect(&mut self, target: u8, desk: &mut Desk) -> Reply {
        if target != 0 && self.target(target).is_none() {
            return status_only(status::CONTEXT);
        }
        if target == 0 || self.selected == Some(target) {
            desk.field.halt();
            self.selected = None;
        }
        status_only(status::DONE)
    }

    fn release(&mut self, target: u8, desk: &mut Desk) -> Reply {
        if target == 0 {
            desk.field.halt();
            self.forget_targets();
            return status_only(status::DONE);
        }
        let Reply::Status(status::DONE, ..) = self.deselect(target, desk) else {
            return status_only(status::CONTEXT);
        };
        if let Some(found) = self.targets.get_mut(usize::from(target) - 1) {
            *found = None;
        }
        status_only(status::DONE)
    }

    fn select(&mut self, target: u8, desk: &mut Desk) -> Reply {
        match self.bring_up(target, desk) {
            Ok(()) => status_only(status::DONE),
            Err(status) => status_only(status),
        }
    }

    pub(super) fn target(&self, target: u8) -> Option<&Found> {
        self.targets.get(usize::from(target).checked_sub(1)?)?.as_ref()
    }

    /// Makes a listed card the selected one.
    pub(super) fn bring_up(&mut self, target: u8, desk: &mut Desk) -> Result<(), u8> {
        let uid = self.target(target).ok_or(status::CONTEXT)?.uid.clone();
        if self.selected == Some(target) {
            return Ok(());
        }
        if !desk.field.select(&uid) {
            return Err(status::CARD_GONE);
        }
        self.selected = Some(target);
        Ok(())
    }
}

/// The serial number a host asks for. A longer one comes with the cascade tag 88 before each of its parts but the last;
/// `None` when it does not.
// VENDOR: the page does not say so; libnfc `iso14443_cascade_uid` and nfcpy `pn53x.py` both send the tags.
fn without_cascade_tags(uid: &[u8]) -> Option<Vec<u8>> {
    match *uid {
        [_, _, _, _] => Some(uid.to_vec()),
        [0x88, a, b, c, d, e, f, g] => Some(vec![a, b, c, d, e, f, g]),
        [0x88, a, b, c, 0x88, d, e, f, g, h, i, j] => Some(vec![a, b, c, d, e, f, g, h, i, j]),
        _ => None,
    }
}

fn diagnose(parameters: &[u8]) -> Reply {
    match parameters {
        // Communication line: the same again.
        [0x00, ..] => done(parameters),
        // ROM and RAM.
        [0x01 | 0x02] => done(&[0x00]),
        _ => Reply::Syntax,
    }
}
