//! Short fades, so that a cut does not click.

use std::f32::consts::PI;

/// Length of a fade in milliseconds: too short to be heard as one, long enough to be no click.
const FADE_MS: f64 = 5.0;

/// Samples of a fade within a stretch of `room` samples: at most half of it.
pub(super) fn n_samples(rate_hz: u32, room: usize) -> usize {
    let whole = (FADE_MS / 1000.0 * f64::from(rate_hz)).ceil() as usize;
    whole.min(room / 2)
}

/// Raised cosine from 0 to 1 in steps `0..n`: the two ends themselves are not among them.
pub(super) fn rise(i: usize, n: usize) -> f32 {
    0.5 - 0.5 * (PI * (i as f32 + 0.5) / n as f32).cos()
}

/// Lets the wave's start grow from silence.
pub(super) fn fade_in(wave: &mut [f32], n: usize) {
    for (i, sample) in wave.iter_mut().take(n).enumerate() {
        *sample *= rise(i, n);
    }
}

/// Lets the wave's end sink into silence.
pub(super) fn fade_out(wave: &mut [f32], n: usize) {
    for (i, sample) in wave.iter_mut().rev().take(n).enumerate() {
        *sample *= rise(i, n);
    }
}
