//! In words, what early stopping waits for.

use crate::workbench::parts::runs::RunView;
use attune_core::run::Status;

/// The best epoch and what is left of the patience, with its share.
pub(super) fn patience_text(run: &RunView) -> Option<(String, Option<f32>)> {
    let best = run.best.as_ref()?;
    let best_epoch = best.epoch + 1;
    match (run.ends.patience_epochs, run.epochs_waited, run.status) {
        (Some(patience), Some(since), Status::Running | Status::Paused) if patience > 0 => Some((
            format!(
                "best epoch {best_epoch}, patience {} of {patience} epochs left",
                patience.saturating_sub(since)
            ),
            Some(1.0 - since as f32 / patience as f32),
        )),
        (_, _, Status::EarlyStopped) => {
            Some((format!("best epoch {best_epoch}, stopped early"), None))
        }
        _ => Some((format!("best epoch {best_epoch}"), None)),
    }
}
