//! High- and low-pass by a windowed sinc.

pub(super) fn high_pass(_wave: &mut [f32], _hz: f32, _rate_hz: u32) {
    unimplemented!("high-pass")
}

pub(super) fn low_pass(_wave: &mut [f32], _hz: f32, _rate_hz: u32) {
    unimplemented!("low-pass")
}
