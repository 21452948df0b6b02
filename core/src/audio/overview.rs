//! Smallest and largest sample of any stretch, for drawing waveforms of any length at any zoom.
//!
//! A pyramid: blocks of 32 samples, then pairs of blocks, pairs of pairs, and so on. A column of the picture costs
//! a walk up and down this tree instead of a pass over its samples, so that an hour of sound draws in microseconds.

use std::ops::Range;

/// Samples in a block of the lowest floor.
const BLOCK: usize = 32;

/// The pyramid over one channel; takes an eighth of the memory of the samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    n_samples: usize,
    /// `floors[k][i]` holds `[min, max]` of samples `i * 32 * 2^k..(i + 1) * 32 * 2^k`.
    floors: Vec<Vec<[f32; 2]>>,
}

impl Overview {
    /// Builds the pyramid. NaN is passed over.
    pub fn new(samples: &[f32]) -> Self {
        let mut floors = vec![samples.chunks(BLOCK).map(min_max).collect::<Vec<_>>()];
        while let Some(below) = floors.last()
            && below.len() > 1
        {
            let above = below
                .chunks(2)
                .map(|pair| pair.iter().copied().fold(NOTHING, join))
                .collect();
            floors.push(above);
        }
        Self {
            n_samples: samples.len(),
            floors,
        }
    }

    /// Number of samples underneath.
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// `[min, max]` of each of `n_columns` equal parts of `range`.
    ///
    /// Columns are widened to whole blocks of 32 samples: closer in, draw the samples themselves
    /// (or ask [`Overview::min_max_exact`]). Columns beyond the end are `[0, 0]`.
    pub fn min_max(&self, range: Range<usize>, n_columns: usize) -> Vec<[f32; 2]> {
        columns(range, n_columns)
            .map(|column| {
                let end = column.end.min(self.n_samples);
                drawable(self.of_blocks(column.start / BLOCK, end.div_ceil(BLOCK)))
            })
            .collect()
    }

    /// As [`Overview::min_max`], but exact to the sample; `samples` are those that the pyramid was built from.
    pub fn min_max_exact(
        &self,
        samples: &[f32],
        range: Range<usize>,
        n_columns: usize,
    ) -> Vec<[f32; 2]> {
        columns(range, n_columns)
            .map(|column| {
                let (start, end) = (column.start, column.end.min(self.n_samples));
                let (first, last) = (start.div_ceil(BLOCK), end / BLOCK);
                let of = |range: Range<usize>| min_max(samples.get(range).unwrap_or_default());
                drawable(if first >= last {
                    of(start..end)
                } else {
                    let ends = join(of(start..first * BLOCK), of(last * BLOCK..end));
                    join(ends, self.of_blocks(first, last))
                })
            })
            .collect()
    }

    /// Of blocks `first..last`, taking the largest aligned pieces: at most two a floor.
    fn of_blocks(&self, mut first: usize, mut last: usize) -> [f32; 2] {
        let mut found = NOTHING;
        for floor in &self.floors {
            if first >= last {
                break;
            }
            let at = |i: usize| floor.get(i).copied().unwrap_or(NOTHING);
            if first % 2 == 1 {
                found = join(found, at(first));
                first += 1;
            }
            if last % 2 == 1 {
                last -= 1;
                found = join(found, at(last));
            }
            first /= 2;
            last /= 2;
        }
        found
    }
}

const NOTHING: [f32; 2] = [f32::INFINITY, f32::NEG_INFINITY];

fn join(a: [f32; 2], b: [f32; 2]) -> [f32; 2] {
    [a[0].min(b[0]), a[1].max(b[1])]
}

fn min_max(samples: &[f32]) -> [f32; 2] {
    samples
        .iter()
        .fold(NOTHING, |found, &v| join(found, [v, v]))
}

fn drawable(found: [f32; 2]) -> [f32; 2] {
    if found[0] <= found[1] {
        found
    } else {
        [0.0, 0.0]
    }
}

/// Each column has at least one sample, so that zoomed far in nothing is left out.
fn columns(range: Range<usize>, n_columns: usize) -> impl Iterator<Item = Range<usize>> {
    let len = range.len() as u128;
    let at = move |column: usize| {
        range.start + (len * column as u128 / n_columns.max(1) as u128) as usize
    };
    (0..n_columns).map(move |column| {
        let start = at(column);
        start..at(column + 1).max(start + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_single_peak_is_seen_at_every_zoom() {
        let mut samples = vec![0.0; 100_000];
        samples[77_777] = 0.9;
        let overview = Overview::new(&samples);
        for n_columns in [1, 3, 700, 1_000, 100_000] {
            let drawn = overview.min_max(0..100_000, n_columns);
            assert_eq!(drawn.len(), n_columns);
            assert!(drawn.iter().any(|c| c[1] == 0.9), "{n_columns} columns");
        }
    }

    #[test]
    fn nothing_and_beyond_the_end_draw_as_silence() {
        assert_eq!(Overview::new(&[]).min_max(0..10, 2), [[0.0; 2]; 2]);
        let overview = Overview::new(&[0.5; 64]);
        assert_eq!(overview.min_max(64..128, 2), [[0.0; 2]; 2]);
        assert_eq!(overview.min_max(0..64, 0), Vec::<[f32; 2]>::new());
        assert_eq!(
            Overview::new(&[f32::NAN, 1.0]).min_max(0..2, 1),
            [[1.0, 1.0]]
        );
    }

    proptest! {
        #[test]
        fn exact_columns_equal_a_pass_over_the_samples(
            samples in prop::collection::vec(-1.0f32..1.0, 1..700),
            a in 0usize..700, b in 0usize..700, n_columns in 1usize..40,
        ) {
            let range = a.min(b)..a.max(b) + 1;
            let overview = Overview::new(&samples);
            let plain: Vec<_> = columns(range.clone(), n_columns)
                .map(|c| drawable(min_max(samples.get(c.start..c.end.min(samples.len())).unwrap_or_default())))
                .collect();
            prop_assert_eq!(overview.min_max_exact(&samples, range.clone(), n_columns), plain.clone());
            // The quick answer covers the exact one.
            for (quick, exact) in overview.min_max(range, n_columns).iter().zip(&plain) {
                if exact != &[0.0, 0.0] {
                    prop_assert!(quick[0] <= exact[0] && quick[1] >= exact[1]);
                }
            }
        }
    }
}
