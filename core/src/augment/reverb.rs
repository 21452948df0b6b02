//! A room.

pub(super) fn apply(
    _wave: &mut [f32],
    _reverberance: f32,
    _damping: f32,
    _room: f32,
    _rate_hz: u32,
) -> usize {
    unimplemented!("reverb")
}
