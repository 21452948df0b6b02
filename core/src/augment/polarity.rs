//! Polarity inversion.

/// `y = −x`.
pub(super) fn invert(wave: &mut [f32]) {
    for sample in wave {
        *sample = -*sample;
    }
}
