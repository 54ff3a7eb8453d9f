//! Counts allocations and live bytes, for which every allocation of the process goes through a counting allocator.

use std::io::{self, Write as _};
use std::process::ExitCode;

use lockport_bench::Trouble;
use lockport_bench::report::Figure;

#[path = "counted/allocations.rs"]
mod allocations;
#[path = "counted/heap.rs"]
mod heap;

fn main() -> Result<ExitCode, Trouble> {
    let figures: Vec<Figure> = match std::env::args().nth(1).as_deref() {
        Some("allocations") => allocations::row()?,
        Some("heap") => heap::row()?,
        _ => return Ok(ExitCode::from(2)),
    };
    io::stdout().write_all(&serde_json::to_vec(&figures)?)?;
    Ok(ExitCode::SUCCESS)
}
