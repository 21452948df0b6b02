//! Additive white Gaussian noise.

pub(super) fn add(_wave: &mut [f32], _ratio: f32, _address: crate::rng::Address, _nth: u32) {
    unimplemented!("noise")
}
