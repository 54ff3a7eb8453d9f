//! The loop that fails every call once: how much of it there is, and how much of it is red.

use lockport_contract::fault_loop::{InMemory, LoopPlan, Rig, mock_rigs, play_all, ttlock_rigs};

use crate::Trouble;
use crate::report::{Figure, Hold};

/// The row. Blocks, and has threads of its own.
///
/// # Errors
/// When the loop cannot be played.
pub fn row() -> Result<Vec<Figure>, Trouble> {
    let rigs: Vec<Box<dyn Rig>> = mock_rigs().into_iter().chain(ttlock_rigs()).collect();
    let report = play_all(&rigs, &InMemory, &LoopPlan::singles(0).with_some_ways())?;
    let count = |count: usize| u32::try_from(count).map(f64::from);
    let declared = report.rows.iter().map(|row| row.declared).sum();
    Ok(vec![
        Figure::one("crash/points", "calls that can fail, all vendors", count(report.points())?, "points"),
        Figure::one("crash/runs", "runs in which one of them does", count(report.runs())?, "runs"),
        Figure::one("crash/declared", "runs in which a person has to decide", count(declared)?, "runs"),
        Figure::one("crash/red", "runs that broke a promise", count(report.red())?, "runs")
            .hold(Hold::AtMost(0.0)),
    ])
}
