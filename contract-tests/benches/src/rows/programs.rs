//! Rows that need a program of their own: one that counts allocations, one that is run under valgrind.

use std::path::PathBuf;
use std::process::Command;

use crate::Trouble;
use crate::mock::COUNTED;
use crate::report::{Figure, Outcome};
use crate::store::Folder;

/// The codecs whose instructions are counted, each once.
const CODECS: [(&str, &str); 8] = [
    ("wiegand_encode", "bits of HID Corporate 1000 (35, three parities) from its fields"),
    ("wiegand_decode", "its fields from the bits"),
    ("pn532_frame", "a PN532's frame of a block to be written"),
    ("pn532_parse", "a PN532's answer with a block"),
    ("record_sign", "a card's record, signed: key derivation and MAC"),
    ("record_verify", "the same, verified and read"),
    ("report_build", "a RRHFOEM04's report of a block to be written"),
    ("report_parse", "a RRHFOEM04's answer with a card's number"),
];

fn beside(name: &str) -> Result<PathBuf, Trouble> {
    let program = std::env::current_exe()?.with_file_name(name);
    if program.exists() { Ok(program) } else { Err(format!("{name} is not built").into()) }
}

/// What the counting program says.
///
/// # Errors
/// When it is not there, or fails.
pub fn counted(row: &str) -> Result<Vec<Figure>, Trouble> {
    let output = Command::new(beside("lockport-bench-counted")?).arg(row).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Instructions of an issue, beside those of the mock's driver called bare, and of the codecs; counted by callgrind.
///
/// # Errors
/// When callgrind is there and fails.
pub fn instructions() -> Result<Outcome, Trouble> {
    if !Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Ok(Outcome::Skipped("valgrind is not installed".to_owned()));
    }
    let folder = Folder::new()?;
    let count = |name: &str| -> Result<f64, Trouble> {
        let output = Command::new("valgrind")
            .arg("--tool=callgrind")
            .arg(format!("--toggle-collect=*measured_{name}*"))
            .arg(format!("--callgrind-out-file={}", folder.file("callgrind.out").display()))
            .arg(beside("lockport-bench-instructions")?)
            .arg(name)
            .output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        let collected = told.lines().find_map(|line| line.split_once("Collected :"));
        let counted: f64 = collected.ok_or_else(|| told.clone().into_owned())?.1.trim().parse()?;
        if !output.status.success() || counted == 0.0 {
            return Err(told.into_owned().into());
        }
        Ok(counted / f64::from(COUNTED))
    };
    let (stack, bare) = (count("issue")?, count("grant")?);
    let mut figures = vec![
        Figure::one("instructions/issue", "an issue, mock, whole stack, memory store", stack, "instr"),
        Figure::one("instructions/grant", "the mock's driver called bare", bare, "instr"),
        Figure::one("instructions/ratio", "the one / the other", stack / bare, "x"),
    ];
    for (name, what) in CODECS {
        figures.push(Figure::one(&format!("instructions/{name}"), what, count(name)?, "instr"));
    }
    Ok(Outcome::Figures(figures))
}
