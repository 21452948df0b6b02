//! Spearman's rank correlation: whether two sequences order things alike.

use super::agreement;

/// Spearman's rank correlation of two sequences of equal length, in -1..=1; ties share the mean of their ranks. `None` if one of them is
/// the same everywhere, or holds what is not a number.
pub fn rank_correlation(first: &[f32], second: &[f32]) -> Option<f64> {
    agreement(&ranks(first)?, &ranks(second)?)
}

/// The rank of each value, from 0; equal values share the mean of theirs.
fn ranks(values: &[f32]) -> Option<Vec<f32>> {
    if values.iter().any(|value| value.is_nan()) {
        return None;
    }
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0f32; values.len()];
    let mut below = 0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = below as f32 + (equal.len() - 1) as f32 / 2.0;
        for &at in equal {
            ranks[at] = rank;
        }
        below += equal.len();
    }
    Some(ranks)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first by NumPy: `corrcoef` of ranks, of which equal values share the mean.
    #[test]
    fn is_pearsons_correlation_of_ranks() {
        let found = rank_correlation(&[1.0, 2.0, 2.0, 5.0, 0.5], &[3.0, 1.0, 4.0, 9.0, 2.0]);
        assert!((found.unwrap() - 0.564_288).abs() < 1e-5, "{found:?}");
        assert_eq!(
            rank_correlation(&[1.0, 2.0, 3.0], &[1.0, 8.0, 27.0]),
            Some(1.0)
        );
        assert_eq!(
            rank_correlation(&[1.0, 2.0, 3.0], &[0.0, -1.0, -7.0]),
            Some(-1.0)
        );
        assert_eq!(rank_correlation(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(rank_correlation(&[f32::NAN, 1.0], &[1.0, 2.0]), None);
    }
}
