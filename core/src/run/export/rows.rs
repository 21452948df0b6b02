//! The training steps of a run that count, one after the other, with all that was measured at each.

use crate::run::{Error, History, Scalar, StepScalars, columns};
use std::collections::BTreeMap;

/// One training step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) scalars: StepScalars,
    /// When it was done, in milliseconds since 1970 (UTC).
    pub(super) at_unix_ms: u64,
}

/// The steps that count, rising.
pub(super) fn rows(history: &History) -> Result<Vec<Row>, Error> {
    let times = columns::read_times(history.folder())?;
    let starts = history.epoch_starts();
    let epoch_of = |step: u64| {
        let begun = starts.partition_point(|&(_, start)| start < step);
        begun.checked_sub(1).map_or(0, |at| starts[at].0)
    };
    let mut by_step: BTreeMap<u64, StepScalars> = BTreeMap::new();
    for scalar in Scalar::ALL {
        for (step, value) in history.series(scalar).iter() {
            let row = by_step
                .entry(step)
                .or_insert_with(|| StepScalars::new(step, epoch_of(step)));
            *row = row.with(scalar, f64::from(value));
        }
    }
    let rows = by_step.into_values().map(|scalars| Row {
        scalars,
        at_unix_ms: times.get(&scalars.step).copied().unwrap_or(0),
    });
    Ok(rows.collect())
}
