//! Where in a window a piece of wave fits best: the smallest squared difference.
//!
//! Music is mostly low: the squared difference of sums of [`BLOCK`] samples tells most of the difference at an eighth of the cost, and never
//! too much of it (Cauchy and Schwarz: `(Σ d)² ≤ 8 Σ d²`). So nearly all offsets are ruled out without being tried.

use crate::augment::simd;
use pulp::{Simd, WithSimd, bytemuck};

/// Samples whose sum stands for them.
const BLOCK: usize = 8;
/// Vectors of offsets whose bounds are summed side by side.
const VECTORS: usize = 4;
/// The most lanes of a vector.
const LANES: usize = 16;
/// Offsets tried side by side: each part of the tail is loaded once for all.
const ABREAST: usize = 4;
/// Samples after which a group is left if it is worse than the best already: sums of squares only grow.
const BETWEEN_LOOKS: usize = 64;
/// What of a bound holds whatever the rounding of its sums.
const SURE: f32 = 0.999;

/// Buffers that a thread keeps.
#[derive(Default)]
pub(super) struct Scratch {
    sums: Vec<f32>,
    tail_sums: Vec<f32>,
    bounds: Vec<f32>,
}

/// Where in `window` the squared difference to `tail` is smallest; the first of equals.
pub(super) fn best_offset(window: &[f32], tail: &[f32], scratch: &mut Scratch) -> usize {
    simd::run(BestOffset {
        window,
        tail,
        scratch,
    })
}

struct BestOffset<'a> {
    window: &'a [f32],
    tail: &'a [f32],
    scratch: &'a mut Scratch,
}

impl WithSimd for BestOffset<'_> {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        let Self {
            window,
            tail,
            scratch,
        } = self;
        let n_offsets = window.len() - tail.len() + 1;
        sum_blocks(window, tail, n_offsets, scratch);
        bound(simd, scratch);
        let groups = scratch.bounds[..n_offsets].chunks(ABREAST);
        let bounds = groups.map(|group| group.iter().copied().fold(f32::INFINITY, f32::min));
        // The one with the lowest bound is close to the best: tried first, it rules out most of the others.
        let likeliest = bounds.clone().enumerate().fold(
            (0, f32::INFINITY),
            |(least, bound), (group, other)| {
                if other < bound {
                    (group, other)
                } else {
                    (least, bound)
                }
            },
        );
        let mut best = (f32::INFINITY, 0);
        try_group(simd, window, tail, likeliest.0 * ABREAST, &mut best);
        for (group, bound) in bounds.enumerate() {
            if group != likeliest.0 && bound * SURE <= best.0 {
                try_group(simd, window, tail, group * ABREAST, &mut best);
            }
        }
        best.1
    }
}

/// Sums of [`BLOCK`] samples: of the window at every place, of the tail one after the other.
#[inline(always)]
fn sum_blocks(window: &[f32], tail: &[f32], n_offsets: usize, scratch: &mut Scratch) {
    let Scratch {
        sums,
        tail_sums,
        bounds,
    } = scratch;
    let sum = |block: &[f32]| -> f32 { block.iter().sum() };
    tail_sums.clear();
    tail_sums.extend(tail.chunks_exact(BLOCK).map(sum));
    let n_bounds = n_offsets.next_multiple_of(VECTORS * LANES);
    bounds.clear();
    bounds.resize(n_bounds, 0.0);
    sums.clear();
    sums.resize(window.len(), 0.0);
    let n = window.len() + 1 - BLOCK.min(window.len());
    for k in 0..BLOCK {
        for (sum, sample) in sums[..n].iter_mut().zip(&window[k..]) {
            *sum += sample;
        }
    }
    // What lies beyond the last offset is computed with the rest, and not asked for.
    sums.resize(n_bounds + tail.len(), 0.0);
}

/// At least how large the squared difference is at each offset.
#[inline(always)]
fn bound<S: Simd>(simd: S, scratch: &mut Scratch) {
    let n_tile = VECTORS * S::F32_LANES;
    let share = simd.splat_f32s(1.0 / BLOCK as f32);
    for (tile, bounds) in scratch.bounds.chunks_exact_mut(n_tile).enumerate() {
        let mut totals = [simd.splat_f32s(0.0); VECTORS];
        let sums = &scratch.sums[tile * n_tile..];
        for (j, &old) in scratch.tail_sums.iter().enumerate() {
            let old = simd.splat_f32s(old);
            let new = S::as_simd_f32s(&sums[j * BLOCK..][..n_tile]).0;
            for k in 0..VECTORS {
                let difference = simd.sub_f32s(new[k], old);
                totals[k] = simd.mul_add_e_f32s(difference, difference, totals[k]);
            }
        }
        let totals = totals.map(|total| simd.mul_f32s(total, share));
        bounds.copy_from_slice(bytemuck::cast_slice(&totals));
    }
}

/// Tries [`ABREAST`] offsets from `first` on; `best` is the smallest difference so far and its offset.
#[inline(always)]
fn try_group<S: Simd>(
    simd: S,
    window: &[f32],
    tail: &[f32],
    first: usize,
    best: &mut (f32, usize),
) {
    let n = tail.len();
    let last_offset = window.len() - n;
    let (tail, tail_rest) = S::as_simd_f32s(tail);
    let tail_rest = simd.partial_load_f32s(tail_rest);
    let n_whole = n - n % S::F32_LANES;
    // Beyond the last offset the last is tried again, which changes nothing.
    let offsets: [usize; ABREAST] = std::array::from_fn(|k| (first + k).min(last_offset));
    let mut sums = [simd.splat_f32s(0.0); ABREAST];
    for (sum, offset) in sums.iter_mut().zip(offsets) {
        let rest = simd.partial_load_f32s(&window[offset + n_whole..offset + n]);
        let difference = simd.sub_f32s(rest, tail_rest);
        *sum = simd.mul_f32s(difference, difference);
    }
    let [a, b, c, d] = offsets.map(|offset| S::as_simd_f32s(&window[offset..][..n]).0);
    let n_between = (BETWEEN_LOOKS / S::F32_LANES).max(1);
    let pieces = tail.chunks(n_between).zip(a.chunks(n_between)).zip(
        b.chunks(n_between)
            .zip(c.chunks(n_between))
            .zip(d.chunks(n_between)),
    );
    for ((tail, a), ((b, c), d)) in pieces {
        for ((((&old, &a), &b), &c), &d) in tail.iter().zip(a).zip(b).zip(c).zip(d) {
            let new = [a, b, c, d];
            for k in 0..ABREAST {
                let difference = simd.sub_f32s(new[k], old);
                sums[k] = simd.mul_add_e_f32s(difference, difference, sums[k]);
            }
        }
        // Lane by lane the smallest of the group: no offset of it has less, in rounded sums too.
        let [a, b, c, d] = sums;
        let least = simd.min_f32s(simd.min_f32s(a, b), simd.min_f32s(c, d));
        if simd.reduce_sum_f32s(least) > best.0 {
            return;
        }
    }
    for (sum, offset) in sums.into_iter().zip(offsets) {
        let difference = simd.reduce_sum_f32s(sum);
        if difference < best.0 || (difference == best.0 && offset < best.1) {
            *best = (difference, offset);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Address, Purpose};

    /// The definition, in f64.
    fn differences(window: &[f32], tail: &[f32]) -> Vec<f64> {
        let difference = |window: &[f32]| -> f64 {
            let pairs = window.iter().zip(tail);
            pairs
                .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
                .sum()
        };
        window.windows(tail.len()).map(difference).collect()
    }

    #[test]
    fn the_best_of_all_offsets_is_found() {
        let mut scratch = Scratch::default();
        for case in 0..300 {
            let mut stream = Address::new(case, Purpose::Check, 0).stream();
            let n_tail = 16 + 8 * stream.index(40);
            let n_offsets = 1 + stream.index(400);
            // From hum to hiss, with a part that the tail is taken from or not.
            let (hum, hiss) = (stream.uniform(), stream.uniform().powi(2));
            let hz = stream.range(0.002, 0.4);
            let mut wave = |n: usize| -> Vec<f32> {
                (0..n)
                    .map(|i| hum * (hz * i as f32).sin() + hiss * stream.normal())
                    .collect()
            };
            let window = wave(n_tail + n_offsets - 1);
            let tail = if case % 2 == 0 {
                wave(n_tail)
            } else {
                window[n_offsets / 2..][..n_tail].to_vec()
            };
            let differences = differences(&window, &tail);
            let least = differences.iter().copied().fold(f64::INFINITY, f64::min);
            let found = best_offset(&window, &tail, &mut scratch);
            assert!(
                differences[found] <= least * (1.0 + 1e-5) + 1e-9,
                "case {case}: {} at {found}, least {least}",
                differences[found]
            );
        }
    }

    #[test]
    fn of_equals_the_first_is_taken() {
        let mut scratch = Scratch::default();
        assert_eq!(best_offset(&[0.0; 500], &[0.0; 264], &mut scratch), 0);
        let ramp: Vec<f32> = (0..600).map(|i| (i % 100) as f32).collect();
        assert_eq!(best_offset(&ramp, &ramp[150..414], &mut scratch), 50);
    }
}
