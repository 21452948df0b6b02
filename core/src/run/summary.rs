//! What the list of runs shows of each, without reading its scalars.

use super::Status;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A run in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Name of its folder.
    pub id: String,
    /// Where it lies.
    pub folder: PathBuf,
    /// The user's name for it.
    pub name: String,
    /// Where it stands.
    pub status: Status,
    /// Model preset or name.
    pub model: String,
    /// Name of the data set.
    pub data: String,
    /// When it began, in milliseconds since 1970 (UTC); `None` before its first event.
    pub started_unix_ms: Option<u64>,
    /// When it last wrote an event.
    pub last_unix_ms: Option<u64>,
    /// Training steps done.
    pub steps: u64,
    /// Epochs begun.
    pub epochs: u32,
    /// Lowest validation loss.
    pub best_loss: Option<f64>,
    /// Epoch of the lowest validation loss.
    pub best_epoch: Option<u32>,
    /// Macro ROC-AUC at the lowest validation loss.
    pub roc_auc_macro: Option<f64>,
    /// Macro average precision at the lowest validation loss.
    pub average_precision_macro: Option<f64>,
}
