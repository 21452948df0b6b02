//! What a cache has to tell its user, until somebody asks.

use super::budget::Trimmed;
use crate::message::bytes_text;

/// What is to be told.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    waiting: Vec<String>,
    was_over_budget: bool,
}

impl Warnings {
    pub(super) fn tell(&mut self, message: String) {
        self.waiting.push(message);
    }

    /// Tells once, however often it happens, that the cache takes more than it may although nothing more can be thrown away.
    pub(super) fn tell_over_budget(&mut self, trimmed: &Trimmed, budget_bytes: u64) {
        if !std::mem::replace(&mut self.was_over_budget, true) {
            self.tell(format!(
                "the cache of decoded audio takes {} and may take {}: {} of its large files {} in use by this or another Attune and {} until \
                that ends; stop what is not needed, or allow the cache more (`attune data cache budget`)",
                bytes_text(trimmed.kept_bytes),
                bytes_text(budget_bytes),
                trimmed.n_in_use,
                if trimmed.n_in_use == 1 { "is" } else { "are" },
                if trimmed.n_in_use == 1 { "stays" } else { "stay" },
            ));
        }
    }

    /// Whether it took more than it may at any time.
    pub(super) fn was_over_budget(&self) -> bool {
        self.was_over_budget
    }

    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.waiting)
    }
}
