//! The decoder of Fraunhofer's FDK AAC library behind safe functions.
//!
//! It knows what symphonia's AAC decoder does not: HE-AAC and more than two channels. What would change the sound or delay it is
//! switched off: limiter, loudness normalisation, concealment. Samples have 16 bits, as the library computes in fixed point.
//! Everything `unsafe` of it is in this file.
#![expect(
    unsafe_code,
    reason = "the library is written in C++ and the crate that builds it only declares it"
)]

use fdk_aac_sys as sys;
use std::ptr::NonNull;

/// More than any packet: eight channels of 4,096 frames.
const MAX_SAMPLES: usize = 8 * 4_096;

/// Parameters that keep the sound as it was coded and add no delay.
const PLAIN: [(sys::AACDEC_PARAM, i32); 5] = [
    (sys::AACDEC_PARAM_AAC_PCM_LIMITER_ENABLE, 0),
    (sys::AACDEC_PARAM_AAC_DRC_REFERENCE_LEVEL, -1),
    // Muting, the only method besides noise that does not wait for the next packet.
    (sys::AACDEC_PARAM_AAC_CONCEAL_METHOD, 0),
    (sys::AACDEC_PARAM_AAC_PCM_OUTPUT_CHANNEL_MAPPING, 1),
    (sys::AACDEC_PARAM_AAC_PCM_MAX_OUTPUT_CHANNELS, -1),
];

/// Why there is no sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The library does not decode this kind of AAC.
    Unsupported,
    /// The packet or the configuration is damaged.
    Damaged,
}

/// What a packet was decoded to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sound<'a> {
    /// Frames per second; with spectral band replication twice that of the core.
    pub(super) rate_hz: u32,
    /// Channels, in the order of WAV files.
    pub(super) channels: u16,
    /// By how many frames the sound comes later than the core alone would.
    pub(super) delay: u32,
    /// `[frames, channels]`.
    pub(super) samples: &'a [i16],
}

/// A decoder of raw AAC packets.
pub(super) struct FdkDecoder {
    handle: NonNull<sys::AAC_DECODER_INSTANCE>,
    pcm: Vec<i16>,
}

// SAFETY: the instance owns its memory, shares none with others and is reached through this owner only.
unsafe impl Send for FdkDecoder {}
// SAFETY: nothing can be done with a shared reference.
unsafe impl Sync for FdkDecoder {}

impl FdkDecoder {
    /// A decoder for the stream that an `AudioSpecificConfig` describes (ISO/IEC 14496-3, section 1.6.2.1).
    pub(super) fn new(config: &[u8]) -> Result<Self, Refusal> {
        if config.is_empty() {
            return Err(Refusal::Damaged);
        }
        // SAFETY: takes numbers only; null if there is no memory.
        let handle = unsafe { sys::aacDecoder_Open(sys::TRANSPORT_TYPE_TT_MP4_RAW, 1) };
        let decoder = Self {
            handle: NonNull::new(handle).ok_or(Refusal::Unsupported)?,
            pcm: vec![0; MAX_SAMPLES],
        };
        for (parameter, value) in PLAIN {
            // SAFETY: a valid handle and two numbers, which the library checks.
            check(unsafe { sys::aacDecoder_SetParam(decoder.handle.as_ptr(), parameter, value) })?;
        }
        let mut start = config.as_ptr().cast_mut();
        let len = u32::try_from(config.len()).or(Err(Refusal::Damaged))?;
        // SAFETY: `start` is the first of `len` bytes, which the library copies and does not write to, despite its signature.
        check(unsafe {
            sys::aacDecoder_ConfigRaw(decoder.handle.as_ptr(), &raw mut start, &raw const len)
        })?;
        Ok(decoder)
    }

    /// Decodes one packet.
    pub(super) fn decode(&mut self, packet: &[u8]) -> Result<Sound<'_>, Refusal> {
        let mut start = packet.as_ptr().cast_mut();
        let len = u32::try_from(packet.len()).or(Err(Refusal::Damaged))?;
        let mut n_left = len;
        // SAFETY: `start` is the first of `len` bytes, which the library copies and does not write to, despite its signature.
        check(unsafe {
            sys::aacDecoder_Fill(
                self.handle.as_ptr(),
                &raw mut start,
                &raw const len,
                &raw mut n_left,
            )
        })?;
        // SAFETY: the library writes no more samples than it is told that there is room for.
        let decoded = check(unsafe {
            sys::aacDecoder_DecodeFrame(
                self.handle.as_ptr(),
                self.pcm.as_mut_ptr(),
                MAX_SAMPLES as i32,
                0,
            )
        });
        if n_left > 0 || decoded.is_err() {
            // What is left of a broken packet must not be taken for the start of the next one.
            // SAFETY: a valid handle and two numbers.
            check(unsafe {
                sys::aacDecoder_SetParam(
                    self.handle.as_ptr(),
                    sys::AACDEC_PARAM_AAC_TPDEC_CLEAR_BUFFER,
                    1,
                )
            })?;
        }
        decoded?;
        // SAFETY: of a valid handle the library gives its own description, valid until the next call, or null.
        let info = unsafe { sys::aacDecoder_GetStreamInfo(self.handle.as_ptr()).as_ref() }
            .ok_or(Refusal::Damaged)?;
        let (Ok(rate_hz), Ok(channels), Ok(n_frames)) = (
            u32::try_from(info.sampleRate),
            u16::try_from(info.numChannels),
            usize::try_from(info.frameSize),
        ) else {
            return Err(Refusal::Damaged);
        };
        let samples = self.pcm.get(..n_frames * usize::from(channels));
        Ok(Sound {
            rate_hz,
            channels,
            delay: info.outputDelay,
            samples: samples
                .filter(|samples| rate_hz > 0 && !samples.is_empty())
                .ok_or(Refusal::Damaged)?,
        })
    }

    /// Forgets what came before, as after a jump.
    pub(super) fn reset(&mut self) {
        let flags = sys::AACDEC_CLRHIST | sys::AACDEC_INTR;
        // SAFETY: as in `decode`. There is no packet to decode, so that only the history is cleared, and no sound comes out.
        unsafe {
            sys::aacDecoder_SetParam(
                self.handle.as_ptr(),
                sys::AACDEC_PARAM_AAC_TPDEC_CLEAR_BUFFER,
                1,
            );
            sys::aacDecoder_DecodeFrame(
                self.handle.as_ptr(),
                self.pcm.as_mut_ptr(),
                MAX_SAMPLES as i32,
                flags,
            );
        }
    }
}

impl Drop for FdkDecoder {
    fn drop(&mut self) {
        // SAFETY: made by `aacDecoder_Open`, closed once.
        unsafe { sys::aacDecoder_Close(self.handle.as_ptr()) };
    }
}

/// The library's codes: 0x2000 and above what it does not decode, the others damage or want of data.
fn check(code: sys::AAC_DECODER_ERROR) -> Result<(), Refusal> {
    match code {
        sys::AAC_DECODER_ERROR_AAC_DEC_OK => Ok(()),
        0x2000..=0x2FFF => Err(Refusal::Unsupported),
        _ => Err(Refusal::Damaged),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_without_sense_are_refused() {
        // AAC-LC, 44.1 kHz, stereo.
        assert!(FdkDecoder::new(&[0x12, 0x10]).is_ok());
        // TwinVQ; nothing.
        assert!(FdkDecoder::new(&[0x3A, 0x10]).is_err());
        assert!(FdkDecoder::new(&[]).is_err());
    }

    #[test]
    fn damaged_packets_give_nothing_and_the_next_one_decodes() {
        // AAC-LC, 44.1 kHz, mono; one channel element without content, end.
        let mut decoder = FdkDecoder::new(&[0x12, 0x08]).unwrap();
        let silence = [0x00, 0x00, 0x00, 0x07];
        assert!(decoder.decode(&[]).is_err());
        assert!(decoder.decode(&[0xFF; 700]).is_err());
        let sound = decoder.decode(&silence).unwrap();
        assert_eq!((sound.rate_hz, sound.channels, sound.delay), (44_100, 1, 0));
        assert_eq!(sound.samples, [0; 1_024]);
        decoder.reset();
        assert_eq!(decoder.decode(&silence).unwrap().samples.len(), 1_024);
    }
}
