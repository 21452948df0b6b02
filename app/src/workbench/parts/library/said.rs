//! What the predictions that are open say of the listed tracks: the two columns of a model beside those of the catalogue.

use crate::workbench::parts::labels;
use std::sync::Arc;

/// A column of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum OfModel {
    /// What it says about the tag that is filtered by.
    Probability,
    /// How far it lies from the labels, 0 to 1.
    Disagreement,
}

/// What a model says of every track of the data set in use, and whether the list is sorted by it.
#[derive(Clone, Debug)]
pub struct Said {
    /// By the track's number in the data set.
    pub column: Arc<Vec<labels::Listed>>,
    /// What the list is sorted by, if by this, and whether the highest comes first.
    pub sort: Option<(OfModel, bool)>,
}

impl OfModel {
    /// Its value for a track.
    pub fn of(self, listed: &labels::Listed) -> Option<f32> {
        match self {
            Self::Probability => listed.probability,
            Self::Disagreement => listed.disagreement,
        }
    }
}

impl PartialEq for Said {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.column, &other.column) && self.sort == other.sort
    }
}

impl Said {
    /// Sorts rows; `number` is a row's number in the data set. What nothing is said of comes last, and equals stay in their order.
    pub(super) fn sort(&self, rows: &mut [u32], number: impl Fn(u32) -> Option<usize>) {
        let Some((by, descending)) = self.sort else {
            return;
        };
        let value = |row: u32| by.of(self.column.get(number(row)?)?);
        rows.sort_by(|&one, &other| match (value(one), value(other)) {
            (Some(one), Some(other)) if descending => other.total_cmp(&one),
            (Some(one), Some(other)) => one.total_cmp(&other),
            (one, other) => other.is_some().cmp(&one.is_some()),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_is_said_of_comes_last_in_both_directions() {
        let listed = |track, probability| labels::Listed {
            track,
            probability,
            disagreement: None,
        };
        let column = Arc::new(vec![
            listed(0, Some(0.2)),
            listed(1, None),
            listed(2, Some(0.9)),
        ]);
        let sorted = |descending| {
            let said = Said {
                column: Arc::clone(&column),
                sort: Some((OfModel::Probability, descending)),
            };
            // Row 13 is not of the split.
            let mut rows = [13, 10, 11, 12];
            said.sort(&mut rows, |row| (row < 13).then(|| row as usize - 10));
            rows
        };
        assert_eq!(sorted(false), [10, 12, 13, 11]);
        assert_eq!(sorted(true), [12, 10, 13, 11]);
    }
}
