//! Whether a map is true to the model: what happens to the answer if what it points at is taken away, or is all that there is.
//!
//! Deletion and insertion curves after Petsiuk, Das, Saenko, *RISE*, BMVC 2018; comprehensiveness and sufficiency after DeYoung et
//! al., *ERASER*, ACL 2020. In the sound itself, stretch by stretch ([`super::segments`]), for every method alike. A number says little without
//! that of random orders beside it.

use super::Error;
use super::model::failed;
use super::segments::{self, N};
use crate::predict::Model;
use crate::rng::{Address, Purpose};
use serde::Serialize;

/// Shares of the window, in tenths, over which comprehensiveness and sufficiency are averaged.
const TOP: [usize; 4] = [1, 2, 3, 5];

/// Windows in a batch.
const BATCH: usize = 6;

/// A tag's probability while the stretches go and while they come, in one order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curves {
    /// `[11]`: without the first 0, 1 … 10 stretches of the order.
    pub deletion: Vec<f32>,
    /// `[11]`: with the first 0, 1 … 10 stretches of the order only.
    pub insertion: Vec<f32>,
}

/// What the curves of one order come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Faithfulness {
    /// Area under the deletion curve, in 0..=1; low is good.
    pub deletion: f64,
    /// Area under the insertion curve, in 0..=1; high is good.
    pub insertion: f64,
    /// Probability that is lost with the top 10, 20, 30 and 50 % of the window, mean; high is good.
    pub comprehensiveness: f64,
    /// Probability that is lost if only these are there, mean; low is good.
    pub sufficiency: f64,
}

impl Curves {
    /// The numbers of the curves.
    pub fn measure(&self) -> Faithfulness {
        let whole = f64::from(self.deletion.first().copied().unwrap_or(0.0));
        let lost = |curve: &[f32]| {
            let at = TOP.map(|top| whole - f64::from(curve[top.min(curve.len() - 1)]));
            at.iter().sum::<f64>() / TOP.len() as f64
        };
        Faithfulness {
            deletion: area(&self.deletion),
            insertion: area(&self.insertion),
            comprehensiveness: lost(&self.deletion),
            sufficiency: lost(&self.insertion),
        }
    }
}

/// By trapezoids, over a width of 1.
fn area(curve: &[f32]) -> f64 {
    let pairs = curve.windows(2);
    let sum: f64 = pairs.map(|pair| f64::from(pair[0] + pair[1]) / 2.0).sum();
    sum / (curve.len() - 1).max(1) as f64
}

/// The curves of a tag in a window; `order` are its ten stretches, the most important first.
pub(super) fn curves(
    model: &Model,
    window: &[f32],
    tag: usize,
    order: &[usize; N],
) -> Result<Curves, Error> {
    let kept_after = |n_first: usize, first_is_kept: bool| {
        let mut keep = [!first_is_kept; N];
        for &segment in &order[..n_first] {
            keep[segment] = first_is_kept;
        }
        keep
    };
    let masks: Vec<[bool; N]> = [false, true]
        .into_iter()
        .flat_map(|first_is_kept| (0..=N).map(move |n_first| kept_after(n_first, first_is_kept)))
        .collect();
    let mut answers = Vec::with_capacity(masks.len());
    for masks in masks.chunks(BATCH) {
        let waves: Vec<Vec<f32>> = masks
            .iter()
            .map(|keep| segments::masked(window, keep, model.sample_rate_hz()))
            .collect();
        let waves: Vec<&[f32]> = waves.iter().map(Vec::as_slice).collect();
        let probabilities = model.probabilities(&waves).map_err(failed)?;
        answers.extend(probabilities.iter().map(|answer| answer[tag]));
    }
    let insertion = answers.split_off(N + 1);
    Ok(Curves {
        deletion: answers,
        insertion,
    })
}

/// A random order of the stretches; the same for the same case and number.
pub(super) fn random_order(seed: u64, case: u64, number: u32) -> [usize; N] {
    let address = Address {
        epoch: number,
        ..Address::new(seed, Purpose::Explanation, case)
    };
    let mut stream = address.stream();
    let mut order: [usize; N] = std::array::from_fn(|segment| segment);
    stream.shuffle(&mut order);
    order
}

/// The mean of many measures.
pub(super) fn mean(all: &[Faithfulness]) -> Faithfulness {
    let n = all.len().max(1) as f64;
    let of = |value: fn(&Faithfulness) -> f64| all.iter().map(value).sum::<f64>() / n;
    Faithfulness {
        deletion: of(|one| one.deletion),
        insertion: of(|one| one.insertion),
        comprehensiveness: of(|one| one.comprehensiveness),
        sufficiency: of(|one| one.sufficiency),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_curves_worked_out_by_hand() {
        let mut deletion = vec![0.2f32; N + 1];
        deletion[0] = 1.0;
        let mut insertion = vec![0.9f32; N + 1];
        insertion[0] = 0.1;
        insertion[N] = 1.0;
        let found = Curves {
            deletion,
            insertion,
        }
        .measure();
        assert!((found.deletion - 0.24).abs() < 1e-6, "{found:?}");
        assert!((found.insertion - 0.865).abs() < 1e-6, "{found:?}");
        assert!((found.comprehensiveness - 0.8).abs() < 1e-6);
        assert!((found.sufficiency - 0.1).abs() < 1e-6);
    }

    #[test]
    fn random_orders_are_orders_and_repeat() {
        let mut order = random_order(1, 2, 3);
        assert_eq!(order, random_order(1, 2, 3));
        assert_ne!(order, random_order(1, 2, 4));
        order.sort_unstable();
        assert_eq!(order, std::array::from_fn(|segment| segment));
    }
}
