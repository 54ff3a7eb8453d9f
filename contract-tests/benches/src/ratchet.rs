//! The figures that may fall and not rise: counts, which come out alike on every machine.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::Trouble;
use crate::report::{Outcome, Report};

/// What is kept in `ratchet.json`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratchet {
    /// By the figure's id.
    pub figures: BTreeMap<String, Bound>,
}

/// How far one figure may go.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// The figure as it was taken.
    pub at_most: f64,
    /// What a compiler of another version may add, in percent.
    pub tolerance_percent: f64,
}

impl Bound {
    fn tolerance(self) -> f64 {
        1.0 + self.tolerance_percent / 100.0
    }

    fn limit(self) -> f64 {
        self.at_most * self.tolerance()
    }

    /// Below what another compiler may take away, too.
    fn has_fallen_to(self, value: f64) -> bool {
        value * self.tolerance() < self.at_most
    }
}

/// What the comparison came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Figures that have risen, or are not there.
    pub red: Vec<String>,
    /// What is worth knowing: figures that have fallen, or could not be taken here.
    pub notes: Vec<String>,
}

impl Ratchet {
    /// The file beside this package's manifest.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn committed() -> Result<Self, Trouble> {
        Self::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("ratchet.json"))
    }

    fn read(path: &Path) -> Result<Self, Trouble> {
        let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Compares. A row that was not asked for is not missed.
    #[must_use]
    pub fn judge(&self, report: &Report) -> Verdict {
        let mut verdict = Verdict::default();
        for (id, bound) in &self.figures {
            let row = report.rows.iter().find(|row| id.split('/').next() == Some(&row.name));
            match (report.figures().find(|figure| figure.id == *id), row.map(|row| &row.outcome)) {
                (Some(figure), _) if figure.value > bound.limit() => verdict.red.push(format!(
                    "{id} is {}, and may be {} at most ({} and {} %)",
                    figure.value,
                    bound.limit(),
                    bound.at_most,
                    bound.tolerance_percent
                )),
                (Some(figure), _) if bound.has_fallen_to(figure.value) => {
                    verdict.notes.push(format!("{id} has fallen from {} to {}", bound.at_most, figure.value))
                }
                (Some(_), _) | (None, None) => {}
                (None, Some(Outcome::Skipped(why))) => {
                    verdict.notes.push(format!("{id} was not taken: {why}"));
                }
                (None, Some(Outcome::Figures(_))) => {
                    verdict.red.push(format!("{id} is in the ratchet, and its row no longer has it"));
                }
            }
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Figure, Row};

    fn judged(outcome: Outcome) -> Verdict {
        let bound = Bound { at_most: 100.0, tolerance_percent: 2.0 };
        let ratchet = Ratchet { figures: BTreeMap::from([("row/count".to_owned(), bound)]) };
        let rows = vec![Row { name: "row".into(), outcome }];
        ratchet.judge(&Report { cores: 2, machine: String::new(), rows })
    }

    fn with(value: f64) -> Verdict {
        judged(Outcome::Figures(vec![Figure::one("row/count", "", value, "")]))
    }

    #[test]
    fn a_figure_may_rise_by_its_tolerance_and_no_further() {
        assert_eq!(with(102.0), Verdict::default());
        assert_eq!(with(102.1).red.len(), 1);
        assert_eq!(with(99.0), Verdict::default());
        let fallen = with(90.0);
        assert!(fallen.red.is_empty() && fallen.notes == ["row/count has fallen from 100 to 90"]);
    }

    #[test]
    fn a_figure_that_is_gone_is_red_and_one_that_cannot_be_taken_is_told() {
        assert_eq!(judged(Outcome::Figures(Vec::new())).red.len(), 1);
        let skipped = judged(Outcome::Skipped("no valgrind".into()));
        assert!(skipped.red.is_empty() && skipped.notes == ["row/count was not taken: no valgrind"]);
    }

    #[test]
    fn the_committed_ratchet_can_be_read() {
        assert!(!Ratchet::committed().unwrap().figures.is_empty());
    }
}
