//! One echo: `y(t) = (x(t) + x(t − d) / 2) / 2`. The dry signal comes out 6 dB softer, as in the reference.

/// Mixes in the echo; before it sounds there is only the halved wave.
pub(super) fn apply(wave: &mut [f32], ms: f32, rate_hz: u32) {
    // Rounded down, like the reference. f64: 450 ms at 22,050 Hz must not come out a sample short.
    let offset_samples = (f64::from(ms) * (f64::from(rate_hz) / 1000.0)) as usize;
    // From the end, so that the echo is of what is not yet changed; a piece and its echo do not overlap.
    let mut end = wave.len();
    while end > offset_samples {
        let n = (end - offset_samples).min(offset_samples.max(1));
        let start = end - n;
        if offset_samples == 0 {
            wave[start] *= 0.75;
        } else {
            let (before, piece) = wave[..end].split_at_mut(start);
            for (sample, echo) in piece.iter_mut().zip(&before[start - offset_samples..]) {
                *sample = (*sample + 0.5 * echo) / 2.0;
            }
        }
        end = start;
    }
    let n_before = offset_samples.min(wave.len());
    for sample in &mut wave[..n_before] {
        *sample /= 2.0;
    }
}
