//! Random crop: a part of the clip stands for the whole.

use super::fade;

/// Keeps `keep` % of the clip from `start` % on (as far as there is so much), moved to the clip's start. Behind it is silence; where
/// music was cut it fades within 5 ms.
pub(super) fn apply(wave: &mut [f32], start: f32, keep: f32, rate_hz: u32) {
    let n = wave.len();
    let samples = |percent: f32| (f64::from(percent) / 100.0 * n as f64).round() as usize;
    let from = samples(start).min(n);
    let n_kept = samples(keep).min(n - from);
    wave.copy_within(from..from + n_kept, 0);
    wave[n_kept..].fill(0.0);
    let kept = &mut wave[..n_kept];
    let n_fade = fade::n_samples(rate_hz, n_kept);
    if from > 0 {
        fade::fade_in(kept, n_fade);
    }
    if n_kept < n {
        fade::fade_out(kept, n_fade);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_comes_first_and_silence_after_it() {
        let original: Vec<f32> = (0..8000)
            .map(|i| 0.5 + 0.4 * (i as f32 * 0.01).sin())
            .collect();
        let mut wave = original.clone();
        apply(&mut wave, 25.0, 50.0, 8000);
        assert_eq!(wave[40..3960], original[2040..5960], "the middle is exact");
        assert!(wave[4000..].iter().all(|sample| *sample == 0.0));
        assert!(wave[0] < 0.01 && wave[3999] < 0.01, "faded at both cuts");
    }

    #[test]
    fn all_of_it_is_the_clip_and_its_end_is_what_there_is() {
        let original: Vec<f32> = (0..1000).map(|i| i as f32 / 1000.0).collect();
        let mut wave = original.clone();
        apply(&mut wave, 0.0, 100.0, 8000);
        assert_eq!(wave, original);
        apply(&mut wave, 90.0, 100.0, 8000);
        assert_eq!(wave[50], original[950]);
        assert!(wave[100..].iter().all(|sample| *sample == 0.0));
        apply(&mut wave, 100.0, 50.0, 8000);
        assert!(wave.iter().all(|sample| *sample == 0.0));
    }
}
