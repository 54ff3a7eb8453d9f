//! Figures, and the table they are printed as.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A measured or counted figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// `row/figure`: by this the ratchet knows it.
    pub id: String,
    /// What it is, and beside which peer.
    pub what: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: String,
    /// The lower and the upper quartile, where there were many.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quartiles: Option<(f64, f64)>,
    /// What it must keep to, where something is promised.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hold: Option<Hold>,
}

/// What a figure must keep to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// This, or less.
    AtMost(f64),
    /// This, or more.
    AtLeast(f64),
}

impl Hold {
    fn is_kept_by(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

impl Figure {
    /// A figure of which there is one.
    #[must_use]
    pub fn one(id: &str, what: &str, value: f64, unit: &str) -> Self {
        let (id, what, unit) = (id.to_owned(), what.to_owned(), unit.to_owned());
        Self { id, what, value, unit, quartiles: None, hold: None }
    }

    /// The median of many, with their quartiles; 0 of none.
    #[must_use]
    pub fn median(id: &str, what: &str, values: &[f64], unit: &str) -> Self {
        let [low, median, high] = quartiles(values);
        Self { quartiles: Some((low, high)), ..Self::one(id, what, median, unit) }
    }

    /// With something to keep to.
    #[must_use]
    pub fn hold(mut self, hold: Hold) -> Self {
        self.hold = Some(hold);
        self
    }

    /// Whether it keeps to what it must.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.hold.is_none_or(|hold| hold.is_kept_by(self.value))
    }
}

/// The lower quartile, the median and the upper quartile.
#[must_use]
pub fn quartiles(values: &[f64]) -> [f64; 3] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |quarter: usize| {
        let place = sorted.len().saturating_sub(1).saturating_mul(quarter);
        let low = sorted.get(place / 4).copied().unwrap_or_default();
        let high = sorted.get(place.div_ceil(4)).copied().unwrap_or(low);
        low + (high - low) * ((place % 4) as f64 / 4.0)
    };
    [at(1), at(2), at(3)]
}

/// What one row came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its figures.
    Figures(Vec<Figure>),
    /// It could not be run here, and why.
    Skipped(String),
}

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// By which it is asked for.
    pub name: String,
    /// What it came to.
    pub outcome: Outcome,
}

/// A whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// How many cores the machine lends.
    pub cores: usize,
    /// Processor and operating system.
    pub machine: String,
    /// The rows, in the order they were run.
    pub rows: Vec<Row>,
}

impl Report {
    /// Every figure of every row.
    pub fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.rows.iter().flat_map(|row| match &row.outcome {
            Outcome::Figures(figures) => figures.as_slice(),
            Outcome::Skipped(_) => &[],
        })
    }
}

/// Four figures are enough, and no thousandth of a large number.
fn short(value: f64) -> String {
    let size = value.abs();
    if value.fract() == 0.0 || size >= 1_000.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.3}")
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "<= {}", short(*most)),
            Self::AtLeast(least) => write!(f, ">= {}", short(*least)),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, {} cores", self.machine, self.cores)?;
        let line = |f: &mut fmt::Formatter<'_>, cells: [&str; 6]| {
            let [id, value, unit, quartiles, hold, what] = cells;
            writeln!(f, "{id:<32} {value:>10} {unit:<8} {quartiles:<20} {hold:<14} {what}")
        };
        line(f, ["figure", "value", "unit", "quartiles", "hold", "what"])?;
        for row in &self.rows {
            match &row.outcome {
                Outcome::Skipped(why) => line(f, [&row.name, "-", "", "", "skipped", why])?,
                Outcome::Figures(figures) => {
                    for figure in figures {
                        let quartiles = figure.quartiles.map_or_else(String::new, |(low, high)| {
                            format!("{} .. {}", short(low), short(high))
                        });
                        let hold = figure.hold.map_or_else(String::new, |hold| {
                            format!("{hold} {}", if figure.holds() { "yes" } else { "NO" })
                        });
                        let value = short(figure.value);
                        line(f, [&figure.id, &value, &figure.unit, &quartiles, &hold, &figure.what])?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_those_of_the_sorted_values() {
        assert_eq!(quartiles(&[5.0, 1.0, 3.0, 2.0, 4.0]), [2.0, 3.0, 4.0]);
        assert_eq!(quartiles(&[1.0, 2.0]), [1.25, 1.5, 1.75]);
        assert_eq!(quartiles(&[7.0]), [7.0; 3]);
        assert_eq!(quartiles(&[]), [0.0; 3]);
    }

    #[test]
    fn a_figure_that_does_not_keep_to_its_hold_is_told_loudly() {
        let figure = Figure::one("row/one", "this beside that", 1.2, "x");
        let too_much = figure.clone().hold(Hold::AtMost(1.15));
        assert!(!too_much.holds() && figure.clone().hold(Hold::AtLeast(1.2)).holds() && figure.holds());
        let rows = vec![
            Row { name: "row".into(), outcome: Outcome::Figures(vec![too_much]) },
            Row { name: "other".into(), outcome: Outcome::Skipped("no tool".into()) },
        ];
        let text = Report { cores: 2, machine: "x".into(), rows }.to_string();
        assert!(text.contains("<= 1.150 NO") && text.contains("skipped        no tool"), "{text}");
    }
}
