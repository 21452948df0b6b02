//! A window in stretches that can be silenced: what explanations are tested with.
//!
//! Ten equal stretches. Silence is not what the network was trained on; all methods and the random orders beside them meet it alike.

use super::Grid;
use super::silence::silence;

/// Stretches of a window.
pub(super) const N: usize = 10;

/// The window with the stretches silent that are not kept.
pub(super) fn masked(window: &[f32], keep: &[bool; N], rate_hz: u32) -> Vec<f32> {
    let edge = |at: usize| at * window.len() / N;
    let mut masked = window.to_vec();
    for segment in (0..N).filter(|&segment| !keep[segment]) {
        silence(&mut masked, edge(segment)..edge(segment + 1), rate_hz);
    }
    masked
}

/// The mean of a lane over each stretch of a window: of the values whose centres lie in it, or of the nearest one.
pub(super) fn scores(grid: &Grid, values: &[f32], window_secs: f64) -> [f32; N] {
    std::array::from_fn(|segment| {
        let at = |edge: usize| edge as f64 * window_secs / N as f64;
        let (from, to) = (at(segment), at(segment + 1));
        let inside = values
            .iter()
            .enumerate()
            .filter(|(token, _)| (from..to).contains(&grid.centre_secs(*token)));
        let (sum, n) = inside.fold((0f32, 0usize), |(sum, n), (_, value)| (sum + value, n + 1));
        if n > 0 {
            return sum / n as f32;
        }
        let nearest = grid.token_at_secs((from + to) / 2.0);
        let last = values.len().saturating_sub(1);
        let nearest = nearest.and_then(|token| values.get(token.min(last)));
        nearest.copied().unwrap_or(0.0)
    })
}

/// Stretches from the highest score to the lowest.
pub(super) fn order(scores: &[f32; N]) -> [usize; N] {
    let mut order: [usize; N] = std::array::from_fn(|segment| segment);
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_not_kept_is_silent_and_the_rest_is_as_it_was(keep in prop::array::uniform10(any::<bool>()), n in 10usize..3000) {
            let window = vec![1f32; n];
            let masked = masked(&window, &keep, 8000);
            prop_assert_eq!(masked.len(), n);
            for (at, &sample) in masked.iter().enumerate() {
                let segment = (0..N).find(|s| (s * n / N..(s + 1) * n / N).contains(&at)).unwrap();
                prop_assert_eq!(sample > 0.0, keep[segment]);
                prop_assert!(sample <= 1.0);
            }
            if keep.iter().all(|&kept| kept) {
                prop_assert!(masked == window);
            }
        }
    }

    #[test]
    fn a_lane_is_read_stretch_by_stretch() {
        let grid = Grid {
            samples_per_token: 1.0,
            first_centre_samples: 0.5,
            receptive_field_samples: 1.0,
            n_tokens: 20,
            sample_rate_hz: 10,
        };
        let values: Vec<f32> = (0..20).map(|token| token as f32).collect();
        let found = scores(&grid, &values, 2.0);
        assert_eq!(found[0], 0.5);
        assert_eq!(found[9], 18.5);
        assert_eq!(order(&found), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
        // Four stretches of occlusion in a window of ten: each takes the nearest.
        let coarse = Grid {
            samples_per_token: 5.0,
            first_centre_samples: 2.5,
            n_tokens: 4,
            ..grid
        };
        let found = scores(&coarse, &[1.0, 2.0, 3.0, 4.0], 2.0);
        assert_eq!(found, [1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 4.0]);
    }
}
