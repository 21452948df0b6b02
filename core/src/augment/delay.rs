//! One echo: `y(t) = (x(t) + x(t − d) / 2) / 2`. The dry signal comes out 6 dB softer, as in the reference.

/// Mixes in the echo; before it sounds there is only the halved wave.
pub(super) fn apply(wave: &mut [f32], ms: f32, rate_hz: u32) {
    // Rounded down, like the reference. f64: 450 ms at 22,050 Hz must not come out a sample short.
    let offset_samples = (f64::from(ms) * (f64::from(rate_hz) / 1000.0)) as usize;
    // From the end, so that the echo is of what is not yet changed.
    for at in (offset_samples..wave.len()).rev() {
        wave[at] = (wave[at] + 0.5 * wave[at - offset_samples]) / 2.0;
    }
    let n_before = offset_samples.min(wave.len());
    for sample in &mut wave[..n_before] {
        *sample /= 2.0;
    }
}
