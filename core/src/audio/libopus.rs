//! libopus's multistream decoder behind safe functions.
//!
//! One decoder for all channel mappings: mono and stereo are its simplest cases. Everything `unsafe` of Opus is in this file.
#![expect(
    unsafe_code,
    reason = "libopus is written in C and the crate that builds it only declares it"
)]

use opusic_sys as sys;
use std::ptr::NonNull;

/// The rate at which Opus is decoded, whatever the rate of what was encoded.
pub(super) const RATE_HZ: u32 = 48_000;

/// Frames in the longest packet: 120 ms.
const MAX_FRAMES: usize = RATE_HZ as usize * 120 / 1_000;

/// How the coded streams make up the channels (RFC 7845, section 5.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mapping {
    /// Coded streams, at least one.
    pub(super) streams: u8,
    /// The first so many of them are stereo.
    pub(super) coupled: u8,
    /// For each channel the decoded channel that it takes; 255 is silence.
    pub(super) channels: Vec<u8>,
}

/// A decoder of one Ogg stream.
pub(super) struct MultistreamDecoder {
    state: NonNull<sys::OpusMSDecoder>,
    n_channels: usize,
    /// `[MAX_FRAMES, channels]`.
    pcm: Vec<f32>,
}

// SAFETY: the state is one heap block that refers to nothing else and is reached through this owner only.
unsafe impl Send for MultistreamDecoder {}
// SAFETY: nothing can be done with a shared reference.
unsafe impl Sync for MultistreamDecoder {}

impl MultistreamDecoder {
    /// `None` if libopus finds no sense in the mapping.
    pub(super) fn new(mapping: &Mapping) -> Option<Self> {
        let n_channels = mapping.channels.len();
        let mut error = sys::OPUS_OK;
        // SAFETY: libopus reads as many bytes of the mapping as there are channels, and checks all numbers.
        let state = unsafe {
            sys::opus_multistream_decoder_create(
                RATE_HZ as i32,
                i32::try_from(n_channels).ok()?,
                i32::from(mapping.streams),
                i32::from(mapping.coupled),
                mapping.channels.as_ptr(),
                &raw mut error,
            )
        };
        Some(Self {
            state: NonNull::new(state).filter(|_| error == sys::OPUS_OK)?,
            n_channels,
            pcm: vec![0.0; MAX_FRAMES * n_channels],
        })
    }

    /// Decodes a packet: `[frames, channels]`; `None` if it is damaged.
    pub(super) fn decode(&mut self, packet: &[u8]) -> Option<&[f32]> {
        // Nothing would mean a lost packet to libopus, which it conceals.
        let len = i32::try_from(packet.len()).ok().filter(|len| *len > 0)?;
        // SAFETY: the packet has `len` bytes, and the output room for `MAX_FRAMES` frames of the channels given at creation.
        let n_frames = unsafe {
            sys::opus_multistream_decode_float(
                self.state.as_ptr(),
                packet.as_ptr(),
                len,
                self.pcm.as_mut_ptr(),
                MAX_FRAMES as i32,
                0,
            )
        };
        self.pcm
            .get(..usize::try_from(n_frames).ok()? * self.n_channels)
    }

    /// Forgets what came before, as after a jump.
    pub(super) fn reset(&mut self) {
        // SAFETY: this request takes no further argument and cannot fail on a valid state.
        unsafe { sys::opus_multistream_decoder_ctl(self.state.as_ptr(), sys::OPUS_RESET_STATE) };
    }
}

impl Drop for MultistreamDecoder {
    fn drop(&mut self) {
        // SAFETY: made by `opus_multistream_decoder_create`, destroyed once.
        unsafe { sys::opus_multistream_decoder_destroy(self.state.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(streams: u8, coupled: u8, channels: &[u8]) -> Mapping {
        Mapping {
            streams,
            coupled,
            channels: channels.to_vec(),
        }
    }

    #[test]
    fn mappings_without_sense_are_refused() {
        assert!(MultistreamDecoder::new(&mapping(4, 2, &[0, 4, 1, 2, 3, 5])).is_some());
        assert!(MultistreamDecoder::new(&mapping(1, 0, &[0, 255])).is_some());
        for bad in [
            mapping(0, 0, &[0]),
            mapping(1, 2, &[0]),
            mapping(1, 0, &[]),
            mapping(2, 1, &[7]),
            mapping(255, 255, &[0]),
        ] {
            assert!(MultistreamDecoder::new(&bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn damaged_packets_give_nothing_and_the_next_one_decodes() {
        let mut decoder = MultistreamDecoder::new(&mapping(1, 0, &[0])).unwrap();
        assert_eq!(decoder.decode(&[]), None);
        // Code 3 with no count of frames.
        assert_eq!(decoder.decode(&[0xFF]), None);
        // One CELT frame of 20 ms without content: silence.
        assert_eq!(decoder.decode(&[0xF8]).map(<[f32]>::len), Some(960));
        decoder.reset();
        assert_eq!(decoder.decode(&[0xF8]).map(<[f32]>::len), Some(960));
    }
}
