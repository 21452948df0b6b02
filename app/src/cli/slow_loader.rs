//! Says at the end of an epoch that the loader holds the training up, if it does.

use attune_core::run::{Bottleneck, History, Loader, SystemLog};

/// What was said so far.
#[derive(Debug, Default)]
pub(super) struct SlowLoader {
    /// Epochs that had begun at the last call.
    n_epochs: Option<usize>,
    is_told: bool,
}

impl SlowLoader {
    /// What there is to say, if an epoch has ended since the last call or the run `is_over`. Said again only after the loader had caught up.
    pub(super) fn words(&mut self, history: &History, is_over: bool) -> Option<String> {
        let n_epochs = history.epoch_starts().len();
        // What a resumed run did before is not told.
        let before = self.n_epochs.replace(n_epochs);
        let has_ended = is_over || before.is_some_and(|before| n_epochs > before.max(1));
        if !has_ended {
            return None;
        }
        // Without what the machine did the words are fewer.
        let system = SystemLog::read(history.folder()).unwrap_or_default();
        let found = Bottleneck::of(history, &system)?;
        let is_slow = found.loader == Loader::IsTheBottleneck;
        let is_new = is_slow && !self.is_told;
        self.is_told = is_slow;
        is_new.then(|| format!("slow: {}", found.verdict))
    }
}
