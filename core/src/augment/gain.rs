//! Gain in decibels, then clamped to full scale (torchaudio's `Vol`).

/// `y = x · 10^(db / 20)`, clamped to ±1; gives the number of clamped samples.
pub(super) fn apply(wave: &mut [f32], db: f32) -> usize {
    let factor = 10f64.powf(f64::from(db) / 20.0) as f32;
    for sample in &mut *wave {
        *sample *= factor;
    }
    clip(wave)
}

/// Clamps to ±1 and counts the samples beyond.
pub(super) fn clip(wave: &mut [f32]) -> usize {
    let n_clipped = wave.iter().filter(|sample| sample.abs() > 1.0).count();
    if n_clipped > 0 {
        for sample in wave {
            *sample = sample.clamp(-1.0, 1.0);
        }
    }
    n_clipped
}
