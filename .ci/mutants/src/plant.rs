//! Writes every mutant into a copy of the tree.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::find::{Change, Place, places};

/// Where mutants are looked for.
const BROKEN: [&str; 2] = ["lockport/src/adapter/", "lockport/src/store/"];
/// Where the crate that is broken begins.
const CRATE: &str = "lockport/src/lib.rs";
/// Asked at every place.
const SWITCH: &str = r#"

/// Whether this mutant was chosen.
#[doc(hidden)]
#[must_use]
pub fn mutant(number: usize) -> bool {
    static CHOSEN: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    number == *CHOSEN.get_or_init(|| std::env::var("MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(0))
}
"#;

/// A mutant in the copy.
#[derive(Debug)]
pub(crate) struct Mutant {
    /// From 1; nothing is broken by 0.
    pub(crate) number: usize,
    /// Where it stands and what it does.
    pub(crate) line: String,
}

/// Copies what git knows of and breaks it in all places.
pub(crate) fn into(root: &Path, tree: &Path) -> Result<Vec<Mutant>, Box<dyn Error>> {
    let listed = Command::new("git").current_dir(root).args(["ls-files", "-z"]).output()?;
    let mut mutants = Vec::new();
    for name in String::from_utf8(listed.stdout)?.split('\0').filter(|name| !name.is_empty()) {
        // Staged as gone.
        let Ok(bytes) = fs::read(root.join(name)) else { continue };
        let bytes = match name {
            CRATE => [&bytes, SWITCH.as_bytes()].concat(),
            _ if BROKEN.iter().any(|folder| name.starts_with(folder)) && name.ends_with(".rs") => {
                broken(name, &String::from_utf8(bytes)?, &mut mutants)?.into_bytes()
            }
            _ => bytes,
        };
        let copy = tree.join(name);
        // What has not changed is not built again.
        if fs::read(&copy).ok().as_ref() != Some(&bytes) {
            fs::create_dir_all(copy.parent().unwrap_or(tree))?;
            fs::write(copy, bytes)?;
        }
    }
    Ok(mutants)
}

fn broken(name: &str, source: &str, mutants: &mut Vec<Mutant>) -> Result<String, Box<dyn Error>> {
    let mut inserts: Vec<(usize, String)> = Vec::new();
    for Place { function, line, told, change } in places(source)? {
        let number = mutants.len().saturating_add(1);
        mutants.push(Mutant { number, line: format!("{name}:{line} {function}: {told}") });
        match change {
            Change::Returns { at, value } => {
                inserts.push((at, format!(" if crate::mutant({number}) {{ return {value}; }} ")));
            }
            // An outer expression comes before those within it: its beginning before theirs, its end after.
            Change::Becomes { of, text } => {
                inserts.push((of.start, format!("(if crate::mutant({number}) {{ {text} }} else {{ ")));
                let inner = inserts.iter().position(|(at, text)| *at == of.end && text == " })");
                inserts.insert(inner.unwrap_or(inserts.len()), (of.end, " })".to_owned()));
            }
        }
    }
    inserts.sort_by_key(|(at, _)| *at);
    let mut text = String::with_capacity(source.len().saturating_mul(2));
    let mut written = 0;
    for (at, insert) in inserts {
        text.push_str(source.get(written..at).unwrap_or_default());
        text.push_str(&insert);
        written = at;
    }
    text.push_str(source.get(written..).unwrap_or_default());
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutants_within_mutants_stay_valid_source() {
        let mut mutants = Vec::new();
        let text = broken("a.rs", "fn f() -> bool { a(b < c) == d && !e == f }", &mut mutants).unwrap();
        syn::parse_file(&text).unwrap();
        assert_eq!(mutants.len(), 7);
        assert_eq!(text.matches("crate::mutant(").count(), 7);
    }
}
