//! Allocations of an issue: mock, whole stack, memory store, beside the mock's driver called bare.

use allocation_counter::measure;
use lockport_bench::Trouble;
use lockport_bench::mock::{COUNTED, MockStand, WARM_UP};
use lockport_bench::report::Figure;

/// Count and bytes of one, on the average of all that were counted.
fn of_each<T>(items: Vec<T>, mut act: impl FnMut(T) -> Result<(), Trouble>) -> Result<(f64, f64), Trouble> {
    let mut items = items.into_iter();
    items.by_ref().take(usize::try_from(WARM_UP)?).try_for_each(&mut act)?;
    let mut done = Ok(());
    let counted = measure(|| done = items.take(COUNTED as usize).try_for_each(&mut act));
    done?;
    let each = |all: u64| all as f64 / f64::from(COUNTED);
    Ok((each(counted.count_total), each(counted.bytes_total)))
}

/// The row: the same at every run.
///
/// # Errors
/// When a key cannot be issued.
pub(crate) fn row() -> Result<Vec<Figure>, Trouble> {
    let stand = MockStand::new()?;
    let (issue, issue_bytes) = of_each(stand.inputs()?, |input| stand.issue(input))?;
    let (grant, _) = of_each(stand.orders()?, |order| stand.grant(&order))?;
    Ok(vec![
        Figure::one("allocations/issue", "an issue, mock, whole stack, memory store", issue, "allocs"),
        Figure::one("allocations/bytes", "the bytes of them", issue_bytes, "bytes"),
        Figure::one("allocations/grant", "the mock's driver called bare", grant, "allocs"),
    ])
}
