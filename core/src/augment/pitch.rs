//! Pitch shift at the same tempo, as SoX's `pitch` does it: stretch in time by the frequency ratio ([`stretch`], WSOLA
//! with SoX's settings), then resample to the old length.

mod resample;
mod stretch;

use super::gain;
use std::cell::RefCell;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[derive(Default)]
struct Scratch {
    stretch: stretch::Scratch,
    stretched: Vec<f32>,
    resample: resample::Scratch,
}

/// Shifts by `cents`; the length stays exactly. Gives the number of clipped samples.
pub(super) fn shift(wave: &mut [f32], cents: f32, rate_hz: u32) -> usize {
    if cents == 0.0 {
        return 0;
    }
    let ratio = (f64::from(cents) / 1200.0).exp2();
    SCRATCH.with_borrow_mut(|scratch| {
        stretch::stretch(
            wave,
            ratio,
            rate_hz,
            &mut scratch.stretch,
            &mut scratch.stretched,
        );
        resample::resample(&scratch.stretched, ratio, &mut scratch.resample, wave);
    });
    gain::clip(wave)
}
