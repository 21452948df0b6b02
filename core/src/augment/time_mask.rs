//! Time mask: SpecAugment's (Park et al., Interspeech 2019), on the wave, so that it can be heard.

use super::fade;

/// Silences `ms` milliseconds from `start` % of the clip on. Its edges are faded within the masked stretch, so that nothing outside
/// of it changes and nothing clicks.
pub(super) fn apply(wave: &mut [f32], start: f32, ms: f32, rate_hz: u32) {
    let n = wave.len();
    let from = ((f64::from(start) / 100.0 * n as f64).round() as usize).min(n);
    let length = (f64::from(ms) / 1000.0 * f64::from(rate_hz)).round() as usize;
    let masked = &mut wave[from..n.min(from.saturating_add(length))];
    let n_fade = fade::n_samples(rate_hz, masked.len());
    let (head, rest) = masked.split_at_mut(n_fade);
    let (middle, tail) = rest.split_at_mut(rest.len() - n_fade);
    fade::fade_out(head, n_fade);
    middle.fill(0.0);
    fade::fade_in(tail, n_fade);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_masked_stretch_is_silent_and_its_edges_do_not_jump() {
        let mut wave = vec![0.5; 8000];
        apply(&mut wave, 50.0, 250.0, 8000);
        assert!(wave[..4000].iter().all(|sample| *sample == 0.5));
        assert!(wave[4040..5960].iter().all(|sample| *sample == 0.0));
        assert!(wave[6000..].iter().all(|sample| *sample == 0.5));
        let steepest = wave
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).abs())
            .fold(0.0, f32::max);
        // A raised cosine over 40 samples is steepest in its middle: π / 2 / 40 of its height.
        assert!(steepest < 0.5 * 0.04, "{steepest}");
    }

    #[test]
    fn a_mask_may_reach_beyond_the_end_or_be_nothing() {
        let mut wave = vec![0.5; 1000];
        apply(&mut wave, 100.0, 500.0, 8000);
        apply(&mut wave, 10.0, 0.0, 8000);
        assert!(wave.iter().all(|sample| *sample == 0.5));
        apply(&mut wave, 50.0, 60_000.0, 8000);
        assert_eq!(wave[700], 0.0);
    }
}
