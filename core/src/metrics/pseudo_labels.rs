//! How sure a teacher is: its probabilities for clips without labels, tag by tag.

use serde::{Deserialize, Serialize};

/// Bars of a histogram: a tenth of probability each.
const N_BARS: usize = 10;

/// A teacher's probabilities of some clips, tag by tag.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PseudoLabels {
    /// Clips that they are of.
    pub n_clips: u64,
    /// `[tags][10]`: clips whose probability lies in that tenth.
    pub histogram: Vec<[u32; N_BARS]>,
    /// `[tags]`: mean entropy of a clip's pseudo-label in bits: 0 sure, 1 open.
    pub entropy_bits: Vec<f64>,
    /// `[tags]`: mean probability.
    pub mean: Vec<f64>,
}

impl PseudoLabels {
    /// Of no clip yet.
    pub fn new(n_tags: usize) -> Self {
        Self {
            n_clips: 0,
            histogram: vec![[0; N_BARS]; n_tags],
            entropy_bits: vec![0.0; n_tags],
            mean: vec![0.0; n_tags],
        }
    }

    /// Adds clips; row-major `[clips, tags]`.
    pub fn push(&mut self, probabilities: &[f32]) {
        for clip in probabilities.chunks_exact(self.histogram.len().max(1)) {
            self.n_clips += 1;
            let move_mean = |mean: &mut f64, value: f32| {
                *mean += (f64::from(value) - *mean) / self.n_clips as f64;
            };
            for (tag, &p) in clip.iter().enumerate() {
                let bar = ((p * N_BARS as f32) as usize).min(N_BARS - 1);
                self.histogram[tag][bar] += 1;
                move_mean(&mut self.entropy_bits[tag], entropy_bits(p));
                move_mean(&mut self.mean[tag], p);
            }
        }
    }
}

/// Entropy of a yes that comes with probability `p`, in bits: 0 to 1.
pub fn entropy_bits(p: f32) -> f32 {
    let part = |p: f32| if p > 0.0 { -p * p.log2() } else { 0.0 };
    (part(p) + part(1.0 - p)).clamp(0.0, 1.0)
}

/// How much two models agree on the same clips: Pearson's correlation of their logits over all clips and tags, 1 for the same answers
/// up to scale. `None` if one of them answers the same everywhere.
///
/// Logits, because nearly all probabilities are close to 0 and would hide where the two differ.
pub fn agreement(first: &[f32], second: &[f32]) -> Option<f64> {
    let n = first.len().min(second.len()) as f64;
    let mean = |values: &[f32]| values.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    let (first_mean, second_mean) = (mean(first), mean(second));
    let (mut both, mut of_first, mut of_second) = (0.0, 0.0, 0.0);
    for (&a, &b) in first.iter().zip(second) {
        let (a, b) = (f64::from(a) - first_mean, f64::from(b) - second_mean);
        both += a * b;
        of_first += a * a;
        of_second += b * b;
    }
    let scale = (of_first * of_second).sqrt();
    (scale > 0.0).then(|| both / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudo_labels_are_counted_by_tenths() {
        let mut found = PseudoLabels::new(2);
        found.push(&[0.05, 1.0, 0.11, 0.5]);
        assert_eq!(found.n_clips, 2);
        assert_eq!(found.histogram[0][..3], [1, 1, 0]);
        assert_eq!((found.histogram[1][9], found.histogram[1][5]), (1, 1));
        assert!((found.entropy_bits[1] - 0.5).abs() < 1e-6);
        assert!((found.mean[1] - 0.75).abs() < 1e-6);
    }

    #[test]
    fn entropy_is_highest_in_the_middle_and_none_at_the_ends() {
        assert_eq!([0.0, 0.5, 1.0].map(entropy_bits), [0.0, 1.0, 0.0]);
        assert!((entropy_bits(0.11) - 0.4999).abs() < 1e-3);
    }

    #[test]
    fn agreement_is_one_for_the_same_answers_and_minus_one_for_the_opposite() {
        let logits = [-3.0, 0.5, 2.0, -1.0];
        let near = |a: Option<f64>, b: f64| (a.unwrap() - b).abs() < 1e-12;
        assert!(near(agreement(&logits, &logits), 1.0));
        assert!(near(
            agreement(&logits, &logits.map(|x| 2.0 * x + 1.0)),
            1.0
        ));
        assert!(near(agreement(&logits, &logits.map(|x: f32| -x)), -1.0));
        assert_eq!(agreement(&logits, &[0.5; 4]), None);
        assert_eq!(agreement(&[], &[]), None);
    }
}
