//! Golden vectors: files of cases on wire bytes, played against the codecs of this build.

mod case;
#[cfg(feature = "wiegand")]
mod wiegand;

use std::fmt;

use serde_json::Value;

use self::case::{Outcome, cases};

/// A kind of file: what its head looks like, and who plays its cases.
struct Suite {
    is_it: fn(&Value) -> bool,
    /// Plays one case of a kind. Nothing where this build has no codec for such files.
    play: Option<fn(kind: &str, case: &Value) -> Outcome>,
}

fn says(file: &Value, key: &str, value: &str) -> bool {
    file.get(key).and_then(Value::as_str) == Some(value)
}

const SUITES: [Suite; 4] = [
    Suite { is_it: |file| says(file, "schema", "ttlock-ble/1"), play: None },
    Suite { is_it: |file| says(file, "format", "lockport-salto-vectors/1"), play: None },
    Suite { is_it: |file| says(file, "vendor", "assa-abloy"), play: None },
    Suite {
        is_it: |file| ["wiegand", "pn532_parse"].iter().all(|key| file.get(key).is_some_and(Value::is_array)),
        #[cfg(feature = "wiegand")]
        play: Some(wiegand::play),
        #[cfg(not(feature = "wiegand"))]
        play: None,
    },
];

/// Why a file is not one of vectors.
#[derive(Debug)]
#[non_exhaustive]
pub enum VectorsError {
    /// It is not JSON.
    Json(serde_json::Error),
    /// Its head is none that is known.
    UnknownHead,
}

impl fmt::Display for VectorsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(_) => f.write_str("the file is not JSON"),
            Self::UnknownHead => f.write_str("the file's head is none of the known ones"),
        }
    }
}

impl std::error::Error for VectorsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            Self::UnknownHead => None,
        }
    }
}

/// How a file's cases went. Printed, it has a line for each that differs or was skipped, and the figures at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VectorsReport {
    lines: Vec<String>,
    /// Cases that met what the file wants.
    pub passed: usize,
    /// Cases that differ.
    pub failed: usize,
    /// Cases that nothing in this build plays.
    pub skipped: usize,
}

impl VectorsReport {
    /// Whether nothing differs and something was played.
    #[must_use]
    pub const fn is_green(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }

    /// The lines on cases that differ or were skipped.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

impl fmt::Display for VectorsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// Plays every case of a file.
///
/// # Errors
/// [`VectorsError`] when it is no file of vectors.
pub fn play_vectors(text: &str) -> Result<VectorsReport, VectorsError> {
    let file: Value = serde_json::from_str(text).map_err(VectorsError::Json)?;
    let suite = SUITES.iter().find(|suite| (suite.is_it)(&file)).ok_or(VectorsError::UnknownHead)?;
    let mut report = VectorsReport::default();
    for case in cases(&file) {
        let outcome = match suite.play {
            Some(play) => play(case.kind, case.body),
            None => Outcome::Skipped("no codec for such files in this build".to_owned()),
        };
        match outcome {
            Outcome::Passed => report.passed += 1,
            Outcome::Differs { got, wanted } => {
                report.failed += 1;
                report.lines.push(format!("{}: got {got}, wanted {wanted}", case.id));
            }
            Outcome::Skipped(why) => {
                report.skipped += 1;
                report.lines.push(format!("{}: skipped ({}), {why}", case.id, case.kind));
            }
        }
    }
    Ok(report)
}
