//! Whether a map is true to the model: what happens to the answer if what it points at is taken away, or is all that there is.
//!
//! Deletion and insertion curves after Petsiuk, Das, Saenko, *RISE*, BMVC 2018; comprehensiveness and sufficiency after DeYoung et
//! al., *ERASER*, ACL 2020. In the sound itself, stretch by stretch ([`super::segments`]), for every method alike. A number says little without
//! that of random orders beside it.

use super::Error;
use super::model::failed;
use super::segments::{self, N};
use crate::job::Job;
use crate::predict::Model;
use crate::rng::{Address, Purpose};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Shares of the window, in tenths, over which comprehensiveness and sufficiency are averaged.
const TOP: [usize; 4] = [1, 2, 3, 5];

/// Windows in a batch.
const BATCH: usize = 6;

/// A tag's probability while the stretches go and while they come, in one order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Curves {
    /// `[11]`: without the first 0, 1 … 10 stretches of the order.
    pub(super) deletion: Vec<f32>,
    /// `[11]`: with the first 0, 1 … 10 stretches of the order only.
    pub(super) insertion: Vec<f32>,
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
    pub(super) fn measure(&self) -> Faithfulness {
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

/// What a model answers to a window of which some stretches are silent. Each pattern is asked about once, for all tags.
pub(super) struct Masked<'a> {
    model: &'a Model,
    window: &'a [f32],
    /// By the kept stretches, a bit each.
    known: BTreeMap<u16, Vec<f32>>,
}

/// All stretches are kept.
const ALL: u16 = (1 << N) - 1;

impl<'a> Masked<'a> {
    pub(super) fn new(model: &'a Model, window: &'a [f32]) -> Self {
        Self {
            model,
            window,
            known: BTreeMap::new(),
        }
    }

    /// Asks about all that the curves of these orders need.
    pub(super) fn prepare<'b>(
        &mut self,
        orders: impl IntoIterator<Item = &'b [usize; N]>,
        job: &Job,
    ) -> Result<(), Error> {
        let wanted: BTreeSet<u16> = orders
            .into_iter()
            .flat_map(|order| (0..=N).flat_map(|n| [ALL ^ first(order, n), first(order, n)]))
            .filter(|kept| !self.known.contains_key(kept))
            .collect();
        let wanted: Vec<u16> = wanted.into_iter().collect();
        let rate_hz = self.model.sample_rate_hz();
        let answers: Vec<Vec<Vec<f32>>> = wanted
            .par_chunks(BATCH)
            .map(|kept| {
                job.check()?;
                let waves = kept.iter().map(|kept| {
                    let keep = std::array::from_fn(|segment| kept >> segment & 1 == 1);
                    segments::masked(self.window, &keep, rate_hz)
                });
                let waves: Vec<Vec<f32>> = waves.collect();
                let waves: Vec<&[f32]> = waves.iter().map(Vec::as_slice).collect();
                self.model.probabilities(&waves).map_err(failed)
            })
            .collect::<Result<_, Error>>()?;
        self.known
            .extend(wanted.into_iter().zip(answers.into_iter().flatten()));
        Ok(())
    }

    /// The answer to the whole window.
    pub(super) fn whole(&mut self, job: &Job) -> Result<&[f32], Error> {
        self.prepare([&std::array::from_fn(|segment| segment)], job)?;
        Ok(&self.known[&ALL])
    }

    /// The curves of a tag; `order` are the ten stretches, the most important first. It must have been prepared.
    pub(super) fn curves(&self, tag: usize, order: &[usize; N]) -> Curves {
        let answer = |kept: u16| self.known.get(&kept).map_or(f32::NAN, |answer| answer[tag]);
        Curves {
            deletion: (0..=N).map(|n| answer(ALL ^ first(order, n))).collect(),
            insertion: (0..=N).map(|n| answer(first(order, n))).collect(),
        }
    }
}

/// The first stretches of an order, a bit each.
fn first(order: &[usize; N], n: usize) -> u16 {
    order[..n]
        .iter()
        .fold(0, |bits, segment| bits | 1 << segment)
}

/// A random order of the stretches; the same for the same window and number.
pub(super) fn random_order(seed: u64, window: u64, number: u32) -> [usize; N] {
    let address = Address {
        epoch: number,
        ..Address::new(seed, Purpose::Explanation, window)
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
