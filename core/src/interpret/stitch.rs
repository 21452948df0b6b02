//! Puts the answers of overlapping windows onto the token grid of the song, without seams.
//!
//! A window's weight rises from its edges to its middle (raised cosine), because near its edges a token has heard only half
//! of its surroundings; where windows overlap, the weighted mean counts. Windows start where the evaluation's chunks start,
//! which is anywhere between two tokens, so that their values are interpolated linearly: a constant stays a constant, and
//! the centre of gravity of an impulse stays where it was. Windows on a common grid of whole tokens would need
//! no interpolation, but their mean would not be the answer of the evaluation.

use std::f64::consts::PI;

/// Sums up windows; one row of `n_tokens` per value that is stitched.
#[derive(Debug)]
pub(super) struct Stitcher {
    n_tokens: usize,
    weights: Vec<f32>,
}

/// Where the tokens of one window fall on the song's grid.
#[derive(Debug)]
pub(super) struct Placement {
    first_token: usize,
    taps: Vec<Tap>,
}

/// One token of the song, read from a window: between its tokens `token` and `token + 1`.
#[derive(Clone, Copy, Debug)]
struct Tap {
    token: usize,
    share_of_next: f32,
    weight: f32,
}

impl Stitcher {
    pub(super) fn new(n_tokens: usize) -> Self {
        Self {
            n_tokens,
            weights: vec![0.0; n_tokens],
        }
    }

    /// A window of `n_window_tokens` whose token 0 lies at `offset` tokens of the song (not a whole number in general).
    pub(super) fn place(&mut self, offset: f64, n_window_tokens: usize) -> Placement {
        let last = n_window_tokens.saturating_sub(1) as f64;
        let first_token = offset.ceil().max(0.0) as usize;
        let taps: Vec<_> = (first_token..self.n_tokens)
            .map(|token| token as f64 - offset)
            // The grid of the song may hold a token that the last window, ending a little earlier, has not whole.
            .take_while(|&position| position <= last)
            .map(|position| {
                let token = (position as usize).min(n_window_tokens - 1);
                Tap {
                    token,
                    share_of_next: (position - token as f64) as f32,
                    weight: (PI * (position + 0.5) / n_window_tokens as f64)
                        .sin()
                        .powi(2) as f32,
                }
            })
            .collect();
        for (weight, tap) in self.weights.iter_mut().skip(first_token).zip(&taps) {
            *weight += tap.weight;
        }
        Placement { first_token, taps }
    }

    /// Divides a row of sums by the weights; tokens that no window covers yet become NaN.
    pub(super) fn so_far(&self, row: &mut [f32]) {
        for (value, &weight) in row.iter_mut().zip(&self.weights) {
            *value = if weight > 0.0 {
                *value / weight
            } else {
                f32::NAN
            };
        }
    }

    /// Divides a row of sums by the weights; tokens that no window covers take the value of the nearest that one covers.
    pub(super) fn finish(&self, row: &mut [f32]) {
        let mut before = None;
        for idx in 0..row.len().min(self.n_tokens) {
            if self.weights[idx] > 0.0 {
                row[idx] /= self.weights[idx];
                before = Some(row[idx]);
            } else if let Some(value) = before {
                row[idx] = value;
            }
        }
        if let Some(first) = self.weights.iter().position(|&weight| weight > 0.0) {
            let value = row[first];
            row[..first].fill(value);
        }
    }
}

impl Placement {
    /// Adds a window's values to a row of sums; `value(t)` is the window's value at its token `t`.
    pub(super) fn add(&self, row: &mut [f32], value: impl Fn(usize) -> f32) {
        for (sum, tap) in row.iter_mut().skip(self.first_token).zip(&self.taps) {
            let here = value(tap.token);
            let mixed = if tap.share_of_next > 0.0 {
                here + (value(tap.token + 1) - here) * tap.share_of_next
            } else {
                here
            };
            *sum += tap.weight * mixed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Stitches windows at `offsets`; `value(window, token)`.
    fn stitch(
        n_tokens: usize,
        n_window: usize,
        offsets: &[f64],
        value: impl Fn(usize, usize) -> f32,
    ) -> Vec<f32> {
        let mut stitcher = Stitcher::new(n_tokens);
        let mut row = vec![0.0; n_tokens];
        for (window, &offset) in offsets.iter().enumerate() {
            stitcher
                .place(offset, n_window)
                .add(&mut row, |token| value(window, token));
        }
        stitcher.finish(&mut row);
        row
    }

    proptest! {
        #[test]
        fn a_constant_stays_a_constant(n_window in 2usize..40, hop in 0.3f64..1.0, n_windows in 1usize..8) {
            let offsets: Vec<_> = (0..n_windows).map(|i| i as f64 * hop * (n_window - 1) as f64).collect();
            let n_tokens = offsets[n_windows - 1] as usize + n_window;
            for value in stitch(n_tokens, n_window, &offsets, |_, _| 0.7) {
                prop_assert!((value - 0.7).abs() < 1e-5);
            }
        }

        #[test]
        fn a_ramp_over_the_song_stays_a_ramp(n_window in 2usize..40, hop in 0.3f64..1.0, n_windows in 1usize..8) {
            let offsets: Vec<_> = (0..n_windows).map(|i| i as f64 * hop * (n_window - 1) as f64).collect();
            let n_tokens = offsets[n_windows - 1] as usize + n_window;
            let row = stitch(n_tokens, n_window, &offsets, |window, token| (offsets[window] + token as f64) as f32);
            for (token, value) in row.iter().enumerate() {
                prop_assert!((value - token as f32).abs() < 1e-3, "{token}: {value}");
            }
        }
    }

    #[test]
    fn windows_that_disagree_are_faded_and_not_cut() {
        // Three windows of 40 tokens, half overlapping, that say 0, 1 and 0 all along.
        let row = stitch(80, 40, &[0.0, 20.0, 40.0], |window, _| (window % 2) as f32);
        let steepest = row
            .windows(2)
            .map(|w| (w[1] - w[0]).abs())
            .fold(0.0, f32::max);
        assert!(steepest < 0.1, "a seam of {steepest}");
        assert!(row[40] > 0.99 && row[0] < 0.01 && row[79] < 0.01, "{row:?}");
    }

    #[test]
    fn what_no_window_covers_takes_its_neighbours_value() {
        assert_eq!(
            stitch(5, 3, &[0.5], |_, token| token as f32),
            [0.5, 0.5, 1.5, 1.5, 1.5]
        );
    }
}
