//! Attention as it is: where the class token looks in the last layer, and how much of what it takes comes from there.
//!
//! It says where, not why: Won et al., *Toward interpretable music tagging with self-attention*, 2019, section 4.1. A high weight on a token
//! that holds next to nothing counts little; weight times value says so (Kobayashi et al., *Attention is not only a weight*, EMNLP 2020).

use crate::models::Insight;

/// `[1 + tokens]`: how the class token spreads its attention in the last layer, mean over heads; index 0 is itself, all sum to 1.
pub(super) fn class_row(insight: &Insight) -> Vec<f32> {
    insight
        .attention
        .last()
        .map(|layer| layer.class_row())
        .unwrap_or_default()
}

/// `[tokens]`: length of what it takes of each.
pub(super) fn value_weighted(insight: &Insight) -> Vec<f32> {
    insight.read_norms.iter().skip(1).copied().collect()
}
