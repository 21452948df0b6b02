//! Early stopping on the validation loss, and which checkpoint is the best (paper, section 4.3).

use serde::{Deserialize, Serialize};

/// Follows the validation loss through the epochs.
///
/// Patience counts epochs, not validations, so that validating more often does not stop a run earlier.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyStop {
    patience_epochs: u32,
    best: Option<Best>,
    /// The epoch from which patience counts, if it was used up once and the run extended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waits_from: Option<u32>,
}

/// The best validation so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// Its loss (binary cross entropy of the averaged probabilities).
    pub loss: f64,
    /// The epoch it was reached in, from 0.
    pub epoch: u32,
    /// The step it was reached at.
    pub step: u64,
}

/// What a validation means for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The best so far: keep this model.
    Improved,
    /// Not better; the run goes on for at most this many epochs without an improvement.
    Waiting {
        /// Epochs of patience left.
        epochs_left: u32,
    },
    /// The patience is used up.
    Stop,
}

impl EarlyStop {
    /// Stops after `patience_epochs` epochs without an improvement; 0 never stops.
    pub fn new(patience_epochs: u32) -> Self {
        Self {
            patience_epochs,
            best: None,
            waits_from: None,
        }
    }

    /// The same with another patience that, where told so, counts from epoch `waits_from` at the earliest.
    pub(super) fn extended(self, patience_epochs: u32, waits_from: Option<u32>) -> Self {
        Self {
            patience_epochs,
            waits_from: waits_from.or(self.waits_from),
            ..self
        }
    }

    /// The best validation so far.
    pub fn best(&self) -> Option<Best> {
        self.best
    }

    /// Takes note of a validation and judges it. A loss that is not a number is never an improvement.
    pub fn judge(&mut self, loss: f64, epoch: u32, step: u64) -> Verdict {
        if loss.is_finite() && self.best.is_none_or(|best| loss < best.loss) {
            self.best = Some(Best { loss, epoch, step });
            return Verdict::Improved;
        }
        if self.is_used_up(epoch) {
            Verdict::Stop
        } else {
            Verdict::Waiting {
                epochs_left: self.patience_epochs.saturating_sub(self.waited(epoch)),
            }
        }
    }

    /// Epochs without an improvement by `epoch`.
    pub(super) fn waited(&self, epoch: u32) -> u32 {
        let best_epoch = self.best.map_or(0, |best| best.epoch);
        epoch.saturating_sub(best_epoch.max(self.waits_from.unwrap_or(0)))
    }

    /// Whether no patience is left in `epoch`.
    pub(super) fn is_used_up(&self, epoch: u32) -> bool {
        self.patience_epochs > 0 && self.waited(epoch) >= self.patience_epochs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_after_the_patience_counted_from_the_best_epoch() {
        let mut early_stop = EarlyStop::new(2);
        assert_eq!(early_stop.judge(0.5, 0, 10), Verdict::Improved);
        assert_eq!(early_stop.judge(0.4, 1, 20), Verdict::Improved);
        assert_eq!(
            early_stop.judge(0.4, 2, 30),
            Verdict::Waiting { epochs_left: 1 }
        );
        assert_eq!(
            early_stop.judge(0.45, 2, 35),
            Verdict::Waiting { epochs_left: 1 },
            "same epoch, same patience"
        );
        assert_eq!(early_stop.judge(f64::NAN, 3, 40), Verdict::Stop);
        assert_eq!(
            early_stop.best(),
            Some(Best {
                loss: 0.4,
                epoch: 1,
                step: 20
            })
        );
    }

    #[test]
    fn no_patience_means_no_stop() {
        let mut early_stop = EarlyStop::new(0);
        early_stop.judge(0.5, 0, 1);
        assert_eq!(
            early_stop.judge(0.6, 1000, 2),
            Verdict::Waiting { epochs_left: 0 }
        );
    }
}
