//! Silencing a stretch of a window: for occlusion, for the tests of faithfulness, for the joint of two clips.
//!
//! Faded over 10 ms, because a click would be evidence of its own.

use std::ops::Range;

const FADE_SECS: f64 = 0.01;

/// Silences a stretch of `window`; the fades lie outside of it. An empty stretch is a dip at that place.
pub(super) fn silence(window: &mut [f32], stretch: Range<usize>, rate_hz: u32) {
    let n_fade = (FADE_SECS * f64::from(rate_hz)) as usize;
    let end = stretch.end.min(window.len());
    window[stretch.start..end].fill(0.0);
    let gain = |step: usize| (step + 1) as f32 / (n_fade + 1) as f32;
    for step in 0..n_fade {
        if let Some(at) = stretch.start.checked_sub(step + 1) {
            window[at] *= gain(step);
        }
        if let Some(sample) = window.get_mut(end + step) {
            *sample *= gain(step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn only_the_stretch_is_silent_and_the_rest_is_not_louder(
            n in 1usize..200, start in 0usize..200, len in 0usize..80, n_fade in 0usize..20,
        ) {
            let mut window = vec![1.0; n];
            let start = start.min(n - 1);
            silence(&mut window, start..start + len, n_fade as u32 * 100);
            for (i, &sample) in window.iter().enumerate() {
                let inside = (start..start + len).contains(&i);
                prop_assert_eq!(sample == 0.0, inside);
                let far = i + n_fade < start || i >= start + len + n_fade;
                prop_assert!(sample <= 1.0 && (!far || sample == 1.0));
            }
        }
    }
}
