//! How well a tagger finds the moments in which tags are known to hold, in a few numbers.

use serde::{Deserialize, Serialize};

/// How well known stretches are found: means over the tags for which each is defined.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Localised {
    /// Tags that are known to hold at times.
    pub n_tags: usize,
    /// Area under the ROC curve over tokens; `None` if every tag holds everywhere where it is looked for.
    pub roc_auc: Option<f64>,
    /// Average precision over tokens.
    pub average_precision: Option<f64>,
    /// Pointing game: share of songs whose highest token is a true one.
    pub pointing: Option<f64>,
}
