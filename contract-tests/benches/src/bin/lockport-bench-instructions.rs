//! Issues keys at the mock, to be run under callgrind: what is to be counted is a function that can be found by its name.

use std::process::ExitCode;

use lockport::credential::IssueInput;
use lockport::driver::GrantOrder;
use lockport_bench::Trouble;
use lockport_bench::mock::{MockStand, WARM_UP};

#[inline(never)]
fn measured_issue(stand: &MockStand, input: IssueInput) -> Result<(), Trouble> {
    stand.issue(input)
}

#[inline(never)]
fn measured_grant(stand: &MockStand, order: &GrantOrder) -> Result<(), Trouble> {
    stand.grant(order)
}

fn main() -> Result<ExitCode, Trouble> {
    let (stand, warm_up) = (MockStand::new()?, usize::try_from(WARM_UP)?);
    match std::env::args().nth(1).as_deref() {
        Some("issue") => {
            let mut inputs = stand.inputs()?.into_iter();
            inputs.by_ref().take(warm_up).try_for_each(|input| stand.issue(input))?;
            inputs.try_for_each(|input| measured_issue(&stand, input))?;
        }
        Some("grant") => {
            let orders = stand.orders()?;
            let mut orders = orders.iter().take(stand.inputs()?.len());
            orders.by_ref().take(warm_up).try_for_each(|order| stand.grant(order))?;
            orders.try_for_each(|order| measured_grant(&stand, order))?;
        }
        _ => return Ok(ExitCode::from(2)),
    }
    Ok(ExitCode::SUCCESS)
}
