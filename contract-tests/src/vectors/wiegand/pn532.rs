//! The PN532's frames.

use lockport::Secret;
use lockport_wiegand::codec::pn532::{
    ACK, CardCommand, Command, Field, Firmware, Flaw, NACK, Part, frame, parse, targets,
};
use serde_json::{Value, json};

use super::{
    Played, Unplayable, array, asked, byte, bytes, error, hex, is, judged, key_name, member, reads, say,
    sector_key, text, uid,
};

/// An answer to InDataExchange or InCommunicateThru begins with a status.
const WITH_STATUS: [u8; 2] = [0x40, 0x42];

pub(super) fn parsed(case: &Value) -> Played {
    let wanted = member(case, "expect")?;
    let mut heard = Vec::new();
    let mut found = Vec::new();
    for read in reads(case, "hex")? {
        heard.extend(read);
        loop {
            let parsed = parse(&heard);
            let Some(part) = parsed.part else { break };
            found.push(told(part, wanted, asked(case)));
            heard.drain(..parsed.used);
        }
    }
    let known = [
        "kind", "command", "data", "targets", "count", "status", "error", "ic", "version", "revision",
        "support",
    ];
    if let Value::Array(wanted) = wanted {
        return Ok(super::Outcome::of(Value::Array(found), &Value::Array(wanted.clone())));
    }
    judged(chosen(&found, wanted), case, &known)
}

/// Of everything on the line, what the case is about: of several things the first of the kind that is wanted, and an answer before
/// anything that was passed over on the way to it.
fn chosen(found: &[Value], wanted: &Value) -> Value {
    let is_wanted = |part: &&Value| part.get("kind").is_some() && part.get("kind") == wanted.get("kind");
    let is_response = |part: &&Value| is(part, "kind", "response") || is(part, "error", "command_mismatch");
    let is_no_noise = |part: &&Value| !is(part, "error", "lcs") && !is(part, "kind", "ack");
    let best = found.iter().find(is_wanted).or_else(|| found.iter().find(is_response));
    let best = best.or_else(|| found.iter().find(is_no_noise)).or_else(|| found.first());
    best.cloned().unwrap_or_else(|| error("incomplete"))
}

fn told(part: Part<'_>, wanted: &Value, asked: Option<&str>) -> Value {
    match part {
        Part::Ack => json!({ "kind": "ack" }),
        Part::Nack => json!({ "kind": "nack" }),
        Part::Error => {
            // The frame has no name that all agree on.
            let names = ["error", "error_frame", "syntax_error"];
            let said = wanted.get("kind").and_then(Value::as_str).filter(|kind| names.contains(kind));
            json!({ "kind": said.unwrap_or("error") })
        }
        Part::Broken(flaw) => error(match flaw {
            Flaw::Lcs => "lcs",
            Flaw::Dcs => "dcs",
            Flaw::Tfi => "tfi",
            Flaw::NoCommand => "incomplete",
        }),
        Part::Answer { command, data } => {
            let command_hex = hex(&[command]);
            if asked.is_some_and(|asked| !asked.eq_ignore_ascii_case(&command_hex)) {
                return error("command_mismatch");
            }
            answer(command, &command_hex, data, wanted.get("status").is_some())
        }
    }
}

fn answer(command: u8, name: &str, data: &[u8], parts_status: bool) -> Value {
    let mut got = json!({ "kind": "response", "command": name, "data": hex(data) });
    if let (true, true, Some((status, rest))) =
        (WITH_STATUS.contains(&command), parts_status, data.split_first())
    {
        say(&mut got, "status", hex(&[*status]));
        say(&mut got, "data", hex(rest));
    }
    if let (0x02, Some(firmware)) = (command, Firmware::parse(data)) {
        say(&mut got, "ic", hex(&[firmware.chip]));
        say(&mut got, "version", firmware.version);
        say(&mut got, "revision", firmware.revision);
        say(&mut got, "support", firmware.support);
    }
    if command == 0x4A {
        let Some(listed) = targets(data) else { return error("incomplete") };
        let listed: Vec<Value> = listed
            .iter()
            .flatten()
            .map(|listed| {
                let (atqa, sak) = (hex(&listed.sens_res), hex(&[listed.sel_res]));
                json!({ "tg": listed.target, "atqa": atqa, "sak": sak, "uid": hex(listed.uid), "ats": hex(listed.ats) })
            })
            .collect();
        say(&mut got, "count", listed.len());
        say(&mut got, "targets", listed);
    }
    got
}

pub(super) fn built(case: &Value) -> Played {
    let build = member(case, "build")?;
    let name = text(build, "command")?.to_ascii_lowercase();
    let frame = match name.as_str() {
        "ack" => Some(Secret::new(ACK.to_vec())),
        "nack" => Some(Secret::new(NACK.to_vec())),
        "samconfiguration" => Command::SamConfiguration.frame(),
        "getfirmwareversion" => Command::GetFirmwareVersion.frame(),
        "rfconfiguration"
            if build.get("retries").is_some() || byte(build, "item").is_ok_and(|item| item == 5) =>
        {
            Command::FiniteRetries.frame()
        }
        "rfconfiguration" => {
            let on = build.get("field").is_some_and(|field| field == "on" || field == true);
            Command::Field(if on { Field::On } else { Field::Off }).frame()
        }
        "inlistpassivetarget" => {
            if build.get("modulation").is_some_and(|modulation| modulation != "106A") {
                return Err(Unplayable("another modulation".to_owned()));
            }
            let uid = build.get("uid").map(|_| uid(build)).transpose()?;
            Command::InListPassiveTarget { max_targets: byte(build, "max_targets")?, uid: uid.as_ref() }
                .frame()
        }
        "incommunicatethru" => Command::InCommunicateThru(&bytes(build, "data")?).frame(),
        "inrelease" => Command::InReleaseAll.frame(),
        "indataexchange" => exchange(build)?,
        "raw" => frame(&[&bytes(build, "data")?]),
        other => return Err(Unplayable(format!("no command `{other}`"))),
    };
    let frame = frame.ok_or_else(|| Unplayable("the command has no frame".to_owned()))?;
    // EXPOSE: a vector's bytes, which stand in a file.
    Ok(super::Outcome::of(hex(frame.expose()).into(), member(case, "expect_hex")?))
}

fn exchange(build: &Value) -> Result<Option<Secret<Vec<u8>>>, Unplayable> {
    let target = if build.get("tg").is_some() { byte(build, "tg")? } else { 1 };
    let verb = ["op", "card", "card_command", "mifare"].iter().find_map(|key| build.get(key)?.as_str());
    let address = || byte(build, "block").or_else(|_| byte(build, "page"));
    let data = || array(build, "data").or_else(|_| array(build, "value")).map(Secret::new);
    Ok(match verb {
        Some("auth" | "authenticate") => {
            let (name, key, uid) = (key_name(build)?, sector_key(build)?, uid(build)?);
            let card = CardCommand::Authenticate { block: address()?, name, key: &key, uid: &uid };
            Command::InDataExchange(target, card).frame()
        }
        Some("read" | "read_block" | "read_page") => {
            Command::InDataExchange(target, CardCommand::Read(address()?)).frame()
        }
        Some("write" | "write_block") => {
            Command::InDataExchange(target, CardCommand::Write(address()?, &data()?)).frame()
        }
        Some("write_page") => {
            let page = Secret::new(array(build, "data")?);
            Command::InDataExchange(target, CardCommand::WritePage(address()?, &page)).frame()
        }
        Some(other) => return Err(Unplayable(format!("no card command `{other}`"))),
        None => frame(&[&[0x40, target], &bytes(build, "data")?]),
    })
}
