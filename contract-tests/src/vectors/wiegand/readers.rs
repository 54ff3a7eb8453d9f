//! The frames of the StrongLink and the reports of the RRHFOEM04.

use lockport::Secret;
use lockport_wiegand::codec::rrhfoem04;
use lockport_wiegand::codec::stronglink::{self, CardType, Flaw, Part, status};
use serde_json::{Value, json};

use super::{
    Played, Unplayable, array, asked, byte, bytes, error, hex, judged, key_name, member, reads, say,
    sector_key, text, uid,
};

pub(super) fn stronglink_parsed(case: &Value) -> Played {
    let mut heard = Vec::new();
    let mut flaw = None;
    let mut got = None;
    for read in reads(case, "hex")? {
        heard.extend(read);
        while got.is_none() {
            let parsed = stronglink::parse(&heard);
            let Some(part) = parsed.part else { break };
            match part {
                Part::Answer { command, status, data } => {
                    got = Some(stronglink_answer(command, status, data, case))
                }
                Part::Broken(broken) => flaw = flaw.or(Some(broken)),
            }
            heard.drain(..parsed.used);
        }
    }
    let class = match flaw {
        Some(Flaw::Checksum) => "checksum",
        Some(Flaw::Length) => "length",
        None => "incomplete",
    };
    let got = got.unwrap_or_else(|| error(class));
    judged(got, case, &["command", "status", "uid", "type", "meaning", "data", "text", "firmware", "error"])
}

/// What a status means, in the page's words.
fn meaning(said: u8) -> &'static str {
    match said {
        status::DONE => "done",
        status::NO_CARD => "no_card",
        status::LOGIN_OK => "login_ok",
        status::LOGIN_FAILED => "login_failed",
        status::READ_FAILED => "read_failed",
        status::WRITE_FAILED => "write_failed",
        status::NOT_READ_BACK => "cannot_read_after_write",
        status::ADDRESS_TOO_HIGH => "address_too_high",
        status::KEY_NOT_STORED => "key_store_failed",
        status::NOT_LOGGED_IN => "not_logged_in",
        status::NOT_A_VALUE => "not_a_value_block",
        status::CHECKSUM_WRONG => "checksum_wrong",
        _ => "unknown",
    }
}

fn stronglink_answer(command: u8, said: u8, data: &[u8], case: &Value) -> Value {
    let name = hex(&[command]);
    if asked(case).is_some_and(|asked| !asked.eq_ignore_ascii_case(&name)) {
        return error("command_mismatch");
    }
    let mut got =
        json!({ "command": name, "status": hex(&[said]), "meaning": meaning(said), "data": hex(data) });
    if let (0x01, Some((uid, card_type))) = (command, stronglink::selected(data)) {
        say(&mut got, "uid", hex(uid));
        say(
            &mut got,
            "type",
            match card_type {
                CardType::Classic1k => "mifare_1k_4byte",
                CardType::Classic1kLong => "mifare_1k_7byte",
                CardType::Type2 => "ultralight_ntag",
                CardType::Classic4k => "mifare_4k_4byte",
                CardType::Classic4kLong => "mifare_4k_7byte",
                CardType::Desfire => "desfire",
                CardType::Other => "other",
            },
        );
    }
    if let (0xF0, Ok(name)) = (command, str::from_utf8(data)) {
        say(&mut got, "text", name);
        say(&mut got, "firmware", name);
    }
    got
}

pub(super) fn stronglink_built(case: &Value) -> Played {
    use stronglink::Command;
    let build = member(case, "build")?;
    let frame = match text(build, "command")? {
        "select" => Command::Select.frame(),
        "firmware" => Command::Firmware.frame(),
        "login" => {
            let key = sector_key(build)?;
            Command::Login { sector: byte(build, "sector")?, name: key_name(build)?, key: &key }.frame()
        }
        "read" | "read_block" => Command::ReadBlock(byte(build, "block")?).frame(),
        "write" | "write_block" => Command::WriteBlock(byte(build, "block")?, &data(build)?).frame(),
        "read_page" => Command::ReadPage(byte(build, "page")?).frame(),
        "write_page" => Command::WritePage(byte(build, "page")?, &data(build)?).frame(),
        other => return Err(Unplayable(format!("no command `{other}`"))),
    };
    // EXPOSE: a vector's bytes, which stand in a file.
    Ok(super::Outcome::of(hex(frame.expose()).into(), member(case, "expect_hex")?))
}

fn data<const N: usize>(build: &Value) -> Result<Secret<[u8; N]>, Unplayable> {
    array(build, "data").or_else(|_| array(build, "value")).map(Secret::new)
}

pub(super) fn rrhfoem04_parsed(case: &Value) -> Played {
    let got = match rrhfoem04::parse(&bytes(case, "report")?) {
        Ok(response) => {
            let command = format!("{:04X}", response.command);
            if asked(case).is_some_and(|asked| !asked.eq_ignore_ascii_case(&command)) {
                error("command_mismatch")
            } else {
                let code = format!("{:04X}", response.error);
                let mut got = json!({ "command": command, "error": code, "data": hex(response.data) });
                if let (0x2F01, Some(uid)) = (response.command, rrhfoem04::inventory(response.data)) {
                    say(&mut got, "uid", hex(uid));
                }
                got
            }
        }
        Err(rrhfoem04::Flaw::Incomplete) => error("incomplete"),
        Err(rrhfoem04::Flaw::Length) => error("length"),
        Err(rrhfoem04::Flaw::Crc) => error("crc"),
    };
    judged(got, case, &["command", "error", "uid", "data"])
}

pub(super) fn rrhfoem04_built(case: &Value) -> Played {
    use rrhfoem04::Command;
    let build = member(case, "build")?;
    let report = match text(build, "command")? {
        "information" | "info" => Command::Information.report(),
        "beep" => Command::Beep.report(),
        "inventory" => Command::Inventory.report(),
        "select" => Command::Select(&uid(build)?).report(),
        "auth" | "authenticate" => {
            let (uid, key) = (uid(build)?, sector_key(build)?);
            let (block, name) = (byte(build, "block")?, key_name(build)?);
            Command::Authenticate { uid: &uid, block, name, key: &key }.report()
        }
        "read" => Command::Read(byte(build, "block")?).report(),
        "write" => Command::Write(byte(build, "block")?, &data(build)?).report(),
        other => return Err(Unplayable(format!("no command `{other}`"))),
    };
    // EXPOSE: a vector's bytes, which stand in a file.
    Ok(super::Outcome::of(hex(report.expose()).into(), member(case, "expect_write_hex")?))
}
