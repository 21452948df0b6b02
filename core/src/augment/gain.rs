//! Gain in decibels, then clamped to full scale (torchaudio's `Vol`).

use super::simd;
use pulp::{Simd, WithSimd};

/// `y = x · 10^(db / 20)`, clamped to ±1; gives the number of clamped samples.
pub(super) fn apply(wave: &mut [f32], db: f32) -> usize {
    let factor = 10f64.powf(f64::from(db) / 20.0) as f32;
    simd::run(ScaleAndClip { wave, factor })
}

/// Clamps to ±1 and counts the samples beyond.
pub(super) fn clip(wave: &mut [f32]) -> usize {
    simd::run(ScaleAndClip { wave, factor: 1.0 })
}

struct ScaleAndClip<'a> {
    wave: &'a mut [f32],
    factor: f32,
}

/// Samples that are counted in 32 bits, which fit the vectors' lanes.
const PIECE: usize = 1 << 16;

impl WithSimd for ScaleAndClip<'_> {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> usize {
        let mut n_clipped = 0;
        for piece in self.wave.chunks_mut(PIECE) {
            let mut n_of_piece = 0;
            for sample in piece {
                let scaled = *sample * self.factor;
                n_of_piece += u32::from(scaled.abs() > 1.0);
                *sample = scaled.clamp(-1.0, 1.0);
            }
            n_clipped += n_of_piece as usize;
        }
        n_clipped
    }
}
