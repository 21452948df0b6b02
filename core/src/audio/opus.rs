//! Opus with any number of channels.
//!
//! The header says how coded streams make up channels (RFC 7845, section 5.1.1; in an MP4 file the same fields in the other
//! byte order). Family 0 is mono and stereo, family 1 surround of up to eight channels. Surround comes out in the order of WAV
//! files, as from all other formats here: front left and right first, then centre, bass, rear and sides.

use super::libopus::{Mapping, MultistreamDecoder, RATE_HZ};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use symphonia::core::audio::{
    AsGenericAudioBufferRef, Audio, AudioBuffer, AudioMut, AudioSpec, Channels,
    GenericAudioBufferRef,
};
use symphonia::core::codecs::CodecInfo;
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{
    AudioCodecParameters, AudioDecoder, AudioDecoderOptions, FinalizeResult,
};
use symphonia::core::codecs::registry::{RegisterableAudioDecoder, SupportedAudioCodec};
use symphonia::core::errors::{Result, decode_error, unsupported_error};
use symphonia::core::packet::PacketRef;

/// Position in the WAV order of the channels of family 1, whose own order is Vorbis's, for 1 to 8 channels.
const WAV_FROM_VORBIS: [&[usize]; 8] = [
    &[0],
    &[0, 1],
    &[0, 2, 1],
    &[0, 1, 2, 3],
    &[0, 2, 1, 3, 4],
    &[0, 2, 1, 5, 3, 4],
    &[0, 2, 1, 6, 5, 3, 4],
    &[0, 2, 1, 7, 5, 6, 3, 4],
];

/// What stands in the identification header of an Opus stream.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Head {
    /// Frames at 48 kHz before the music.
    pub(super) pre_skip: u64,
    /// To be multiplied with all samples.
    pub(super) gain: f32,
    mapping: Mapping,
}

impl Head {
    /// Reads `OpusHead` of an Ogg file, or what symphonia makes of `dOps` of an MP4 file. `None` if it makes no sense.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let fields = bytes.strip_prefix(b"OpusHead")?;
        let in_mp4 = *fields.first()? == 0;
        let n_channels = usize::from(*fields.get(1)?);
        let number = |at: usize| {
            let pair = [*fields.get(at)?, *fields.get(at + 1)?];
            Some(if in_mp4 {
                u16::from_be_bytes(pair)
            } else {
                u16::from_le_bytes(pair)
            })
        };
        let pre_skip = number(2)?;
        let gain_q8_db = number(8)? as i16;
        let mapping = match *fields.get(10)? {
            0 if (1..=2).contains(&n_channels) => Mapping {
                streams: 1,
                coupled: n_channels as u8 - 1,
                channels: (0..n_channels as u8).collect(),
            },
            0 => return None,
            family => Mapping {
                streams: *fields.get(11)?,
                coupled: *fields.get(12)?,
                channels: in_wav_order(family, fields.get(13..13 + n_channels)?),
            },
        };
        Some(Self {
            pre_skip: u64::from(pre_skip),
            gain: 10_f32.powf(f32::from(gain_q8_db) / 256.0 / 20.0),
            mapping,
        })
    }
}

/// The mapping family of an Ogg Opus file, if it is one that symphonia's reader of Ogg files passes over (ambisonics, discrete channels).
pub(super) fn foreign_family(path: &Path) -> Option<u8> {
    // The header is alone on the first page, behind 28 bytes.
    let mut page = [0; 47];
    File::open(path).ok()?.read_exact(&mut page).ok()?;
    let is_opus = page.starts_with(b"OggS") && &page[28..36] == b"OpusHead";
    (is_opus && page[46] > 1).then_some(page[46])
}

fn in_wav_order(family: u8, mapping: &[u8]) -> Vec<u8> {
    match WAV_FROM_VORBIS.get(mapping.len().wrapping_sub(1)) {
        Some(order) if family == 1 => order.iter().map(|&from| mapping[from]).collect(),
        _ => mapping.to_vec(),
    }
}

/// Decodes the packets of one stream. Pre-skip and gain are the caller's: see [`Head`].
pub(super) struct OpusDecoder {
    params: AudioCodecParameters,
    decoder: MultistreamDecoder,
    buffer: AudioBuffer<f32>,
}

impl AudioDecoder for OpusDecoder {
    fn reset(&mut self) {
        self.decoder.reset();
    }

    fn codec_info(&self) -> &CodecInfo {
        &SUPPORTED[0].info
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.params
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        let Some(samples) = self.decoder.decode(packet.data) else {
            return decode_error("opus: damaged packet");
        };
        let n_frames = samples.len() / self.buffer.spec().channels().count();
        self.buffer.clear();
        self.buffer.grow_capacity(n_frames);
        self.buffer.render_uninit(Some(n_frames));
        self.buffer.copy_from_slice_interleaved(&samples);
        Ok(self.buffer.as_generic_audio_buffer_ref())
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.buffer.as_generic_audio_buffer_ref()
    }
}

const SUPPORTED: &[SupportedAudioCodec] = &[SupportedAudioCodec {
    id: CODEC_ID_OPUS,
    info: CodecInfo {
        short_name: "opus",
        long_name: "Opus",
        profiles: &[],
    },
}];

impl RegisterableAudioDecoder for OpusDecoder {
    fn try_registry_new(
        params: &AudioCodecParameters,
        _options: &AudioDecoderOptions,
    ) -> Result<Box<dyn AudioDecoder>> {
        let Some(head) = params.extra_data.as_deref().and_then(Head::read) else {
            return decode_error("opus: the header makes no sense");
        };
        let Some(decoder) = MultistreamDecoder::new(&head.mapping) else {
            return unsupported_error("opus: this way of mapping streams to channels");
        };
        let channels = Channels::Discrete(head.mapping.channels.len() as u16);
        Ok(Box::new(Self {
            params: params.clone(),
            decoder,
            buffer: AudioBuffer::new(AudioSpec::new(RATE_HZ, channels), 960),
        }))
    }

    fn supported_codecs() -> &'static [SupportedAudioCodec] {
        SUPPORTED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(version: u8, fields: &[u8]) -> Option<Head> {
        Head::read(&[b"OpusHead".as_slice(), &[version], fields].concat())
    }

    #[test]
    fn ogg_and_mp4_write_the_same_fields_in_opposite_byte_orders() {
        let in_ogg = head(1, &[2, 0x38, 0x01, 0x80, 0xBB, 0, 0, 0x00, 0xFA, 0]).unwrap();
        let in_mp4 = head(0, &[2, 0x01, 0x38, 0, 0, 0xBB, 0x80, 0xFA, 0x00, 0]).unwrap();
        assert_eq!(in_ogg, in_mp4);
        assert_eq!(in_ogg.pre_skip, 312);
        // -6 dB
        assert!((in_ogg.gain - 0.501_187).abs() < 1e-6);
        assert_eq!(in_ogg.mapping.channels, [0, 1]);
    }

    #[test]
    fn surround_comes_in_the_order_of_wav_files() {
        let start = [6, 0, 0, 0, 0, 0, 0, 0, 0];
        let surround = |family: u8| {
            let map = [family, 4, 2, 0, 4, 1, 2, 3, 5];
            head(1, &[start.as_slice(), &map].concat()).unwrap().mapping
        };
        // Front left, right, centre, bass, rear left, right.
        assert_eq!(surround(1).channels, [0, 1, 4, 5, 2, 3]);
        assert_eq!((surround(1).streams, surround(1).coupled), (4, 2));
        // Channels without positions stay as they are.
        assert_eq!(surround(255).channels, [0, 4, 1, 2, 3, 5]);
    }

    #[test]
    fn cut_off_headers_are_none() {
        let whole = [6, 0, 0, 0, 0, 0, 0, 0, 0, 1, 4, 2, 0, 4, 1, 2, 3, 5];
        assert!(head(1, &whole).is_some());
        for n in 0..whole.len() {
            assert_eq!(head(1, &whole[..n]), None);
        }
        assert_eq!(head(1, &[3, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    }
}
