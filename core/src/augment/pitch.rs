//! Pitch shift at the same tempo.

pub(super) fn shift(_wave: &mut Vec<f32>, _cents: f32, _rate_hz: u32) -> usize {
    unimplemented!("pitch")
}
