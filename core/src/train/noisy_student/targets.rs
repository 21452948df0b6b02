//! From the teacher's probabilities to targets, and how much each of them counts.

use super::NoisyStudent;
use crate::metrics::entropy_bits;
use serde::{Deserialize, Serialize};

/// What the teacher's probabilities become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Targets {
    /// They are the targets as they are, as in the paper.
    #[default]
    Soft,
    /// A target is 1 from the threshold on, else 0.
    Hard {
        /// Between 0 and 1.
        threshold: f32,
    },
}

impl Targets {
    /// Targets of the teacher's probabilities.
    pub fn of(self, probabilities: &[f32]) -> Vec<f32> {
        match self {
            Self::Soft => probabilities.to_vec(),
            Self::Hard { threshold } => probabilities
                .iter()
                .map(|&p| f32::from(p >= threshold))
                .collect(),
        }
    }
}

impl NoisyStudent {
    /// How much each pseudo-label counts in the loss; they sum to [`NoisyStudent::weight`]. `probabilities` are the teacher's.
    ///
    /// All count the same, or by 1 less the entropy in bits: not at all at 0.5, in full at 0 and 1.
    pub(in crate::train) fn weights(&self, probabilities: &[f32]) -> Vec<f32> {
        let n = probabilities.len().max(1);
        let even = (self.weight / n as f64) as f32;
        if !self.confidence_weighting {
            return vec![even; n];
        }
        let sureness: Vec<f32> = probabilities
            .iter()
            .map(|&p| 1.0 - entropy_bits(p))
            .collect();
        let sum: f64 = sureness.iter().map(|&x| f64::from(x)).sum();
        if sum < 1e-9 {
            // The teacher knows nothing at all.
            return vec![even; n];
        }
        let share = self.weight / sum;
        sureness
            .into_iter()
            .map(|x| (f64::from(x) * share) as f32)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hard_labels_take_the_side_of_the_threshold() {
        let hard = Targets::Hard { threshold: 0.4 };
        assert_eq!(hard.of(&[0.1, 0.4, 0.9]), [0.0, 1.0, 1.0]);
        assert_eq!(Targets::Soft.of(&[0.1, 0.9]), [0.1, 0.9]);
    }

    #[test]
    fn weights_sum_to_the_factor_and_the_unsure_count_less() {
        let mut student = NoisyStudent {
            weight: 2.0,
            ..NoisyStudent::of("teacher")
        };
        assert_eq!(student.weights(&[0.1, 0.5, 0.9, 0.2]), [0.5; 4]);
        student.confidence_weighting = true;
        let weights = student.weights(&[0.0, 0.5, 0.9, 0.2]);
        assert!((weights.iter().sum::<f32>() - 2.0).abs() < 1e-6);
        assert_eq!(weights[1], 0.0);
        assert!(weights[0] > weights[2] && weights[2] > weights[3]);
        assert_eq!(student.weights(&[0.5; 4]), [0.5; 4], "nothing is sure");
    }
}
