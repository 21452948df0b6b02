//! A lossy codec as an effect: what is left of a clip that was an MP3 or an Ogg file at a low bit rate.

use super::gain;
use crate::audio::{self, Codec};

/// Sends the wave through the codec and back, then clamps what overshoots full scale, as a player would. Gives the number of clipped
/// samples.
pub(super) fn apply(wave: &mut [f32], codec: Codec, kbps: f32, rate_hz: u32) -> usize {
    let coded = audio::round_trip(wave, rate_hz, codec, kbps);
    debug_assert!(coded.is_ok(), "{coded:?}");
    if let Ok(coded) = coded {
        wave.copy_from_slice(&coded);
    }
    gain::clip(wave)
}
