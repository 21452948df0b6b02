//! AAC: symphonia decodes AAC-LC of one and two channels, Fraunhofer's library the rest.
//!
//! The rest is HE-AAC (spectral band replication, parametric stereo) and more than two channels. HE-AAC need not be declared:
//! a file may call itself AAC-LC at half the rate and carry the upper half of the spectrum where older decoders skip it. So for
//! low rates the first packet is shown to Fraunhofer's decoder, which knows. That decoder also gives its delay, which files
//! with an iTunes comment do not count as theirs.

use super::libfdk_aac::{FdkDecoder, Refusal, Sound};
use symphonia::core::audio::{
    AsGenericAudioBufferRef, Audio, AudioBuffer, AudioMut, AudioSpec, Channels,
    GenericAudioBufferRef,
};
use symphonia::core::codecs::CodecInfo;
use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia::core::codecs::audio::well_known::profiles::CODEC_PROFILE_AAC_HE;
use symphonia::core::codecs::audio::{
    AudioCodecParameters, AudioDecoder, AudioDecoderOptions, FinalizeResult,
};
use symphonia::core::codecs::registry::{RegisterableAudioDecoder, SupportedAudioCodec};
use symphonia::core::errors::{Result, decode_error, unsupported_error};
use symphonia::core::packet::PacketRef;
use symphonia::default::codecs::AacDecoder as SymphoniaDecoder;

/// Beyond this rate nobody hides spectral band replication: what it adds would be above 24 kHz.
const MAX_IMPLICIT_CORE_HZ: u32 = 24_000;

/// Frames by which spectral band replication delays its output, at the doubled rate (ISO/IEC 14496-3, section 1.6.7.2).
pub(super) const SBR_DELAY: u64 = 962;

/// The rates that have a number in an `AudioSpecificConfig`, and in every ADTS header.
const RATES_HZ: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// Decodes the packets of one AAC track. Its parameters get the profile HE-AAC when the sound is delayed by [`SBR_DELAY`].
///
/// Exactly one of the two decoders is there once the first packet is decoded.
pub(super) struct AacDecoder {
    params: AudioCodecParameters,
    lc: Option<Box<SymphoniaDecoder>>,
    extended: Option<Extended>,
}

/// Fraunhofer's decoder with a buffer as symphonia has them.
struct Extended {
    decoder: FdkDecoder,
    buffer: AudioBuffer<i16>,
}

impl Extended {
    fn new(params: &AudioCodecParameters) -> Result<Self> {
        let config = match &params.extra_data {
            Some(config) => config.to_vec(),
            None => match config_of_adts(params) {
                Some(config) => config.to_vec(),
                None => return unsupported_error("aac: channels defined within the stream"),
            },
        };
        match FdkDecoder::new(&config) {
            Ok(decoder) => Ok(Self {
                decoder,
                buffer: AudioBuffer::new(AudioSpec::new(48_000, Channels::Discrete(1)), 0),
            }),
            Err(Refusal::Unsupported) => unsupported_error("this kind of AAC"),
            Err(Refusal::Damaged) => decode_error("aac: the configuration makes no sense"),
        }
    }

    /// Decodes a packet into the buffer; gives the delay in frames.
    fn decode(&mut self, packet: &[u8]) -> Result<u32> {
        let Sound {
            rate_hz,
            channels,
            samples,
            delay,
        } = match self.decoder.decode(packet) {
            Ok(sound) => sound,
            Err(Refusal::Unsupported) => return unsupported_error("this kind of AAC"),
            Err(Refusal::Damaged) => return decode_error("aac: damaged packet"),
        };
        let n_frames = samples.len() / usize::from(channels);
        let spec = AudioSpec::new(rate_hz, Channels::Discrete(channels));
        if *self.buffer.spec() == spec {
            self.buffer.clear();
            self.buffer.grow_capacity(n_frames);
        } else {
            self.buffer = AudioBuffer::new(spec, n_frames);
        }
        self.buffer.render_uninit(Some(n_frames));
        self.buffer.copy_from_slice_interleaved(&samples);
        Ok(delay)
    }
}

/// An `AudioSpecificConfig` for a stream of ADTS frames, whose headers symphonia has read.
fn config_of_adts(params: &AudioCodecParameters) -> Option<[u8; 2]> {
    const AAC_LC: u16 = 2;
    let rate_idx = RATES_HZ
        .iter()
        .position(|&r| Some(r) == params.sample_rate)? as u16;
    let channel_config = match params.channels.as_ref()?.count() {
        n @ 1..=6 => n as u16,
        8 => 7,
        _ => return None,
    };
    Some((AAC_LC << 11 | rate_idx << 7 | channel_config << 3).to_be_bytes())
}

impl AacDecoder {
    fn new(params: &AudioCodecParameters, options: AudioDecoderOptions) -> Result<Self> {
        let lc = SymphoniaDecoder::try_new(params, &options).ok();
        let surely_lc = lc.as_ref().is_some_and(|lc| {
            let rate_hz = lc.codec_params().sample_rate.unwrap_or(0);
            rate_hz > MAX_IMPLICIT_CORE_HZ
        });
        Ok(Self {
            params: params.clone(),
            lc: lc.map(Box::new),
            extended: if surely_lc {
                None
            } else {
                Some(Extended::new(params)?)
            },
        })
    }
}

impl AudioDecoder for AacDecoder {
    fn reset(&mut self) {
        if let Some(lc) = &mut self.lc {
            lc.reset();
        }
        if let Some(extended) = &mut self.extended {
            extended.decoder.reset();
        }
    }

    fn codec_info(&self) -> &CodecInfo {
        &SUPPORTED[0].info
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.params
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        if let Some(extended) = &mut self.extended {
            let delay = extended.decode(packet.data)?;
            if delay > 0 {
                self.params.with_profile(CODEC_PROFILE_AAC_HE);
                self.lc = None;
            } else if self.lc.is_some() {
                self.extended = None;
            }
        }
        match (&mut self.lc, &self.extended) {
            (Some(lc), _) => lc.decode_ref(packet),
            (None, Some(extended)) => Ok(extended.buffer.as_generic_audio_buffer_ref()),
            (None, None) => decode_error("aac: no decoder"),
        }
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        match (&self.lc, &self.extended) {
            (_, Some(extended)) => extended.buffer.as_generic_audio_buffer_ref(),
            (Some(lc), None) => lc.last_decoded(),
            (None, None) => unreachable!("one of the decoders is always there"),
        }
    }
}

const SUPPORTED: &[SupportedAudioCodec] = &[SupportedAudioCodec {
    id: CODEC_ID_AAC,
    info: CodecInfo {
        short_name: "aac",
        long_name: "Advanced Audio Coding",
        profiles: &[],
    },
}];

impl RegisterableAudioDecoder for AacDecoder {
    fn try_registry_new(
        params: &AudioCodecParameters,
        options: &AudioDecoderOptions,
    ) -> Result<Box<dyn AudioDecoder>> {
        Ok(Box::new(Self::new(params, *options)?))
    }

    fn supported_codecs() -> &'static [SupportedAudioCodec] {
        SUPPORTED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adts(rate_hz: u32, channels: u16) -> AudioCodecParameters {
        let mut params = AudioCodecParameters::new();
        params
            .for_codec(CODEC_ID_AAC)
            .with_sample_rate(rate_hz)
            .with_channels(Channels::Discrete(channels));
        params
    }

    #[test]
    fn the_configuration_of_an_adts_stream_is_made_of_its_header() {
        // As in the examples of the standard: AAC-LC, 44.1 kHz, stereo.
        assert_eq!(config_of_adts(&adts(44_100, 2)), Some([0x12, 0x10]));
        assert_eq!(config_of_adts(&adts(8_000, 8)), Some([0x15, 0xB8]));
        assert_eq!(config_of_adts(&adts(44_000, 2)), None);
        assert_eq!(config_of_adts(&adts(44_100, 7)), None);
    }

    #[test]
    fn only_low_rates_and_many_channels_meet_the_other_decoder() {
        let options = AudioDecoderOptions::default();
        for (rate_hz, channels, lc, extended) in [
            (44_100, 2, true, false),
            (24_000, 1, true, true),
            (48_000, 6, false, true),
        ] {
            let params = adts(rate_hz, channels);
            let decoder = AacDecoder::new(&params, options).unwrap();
            assert_eq!(
                (decoder.lc.is_some(), decoder.extended.is_some()),
                (lc, extended)
            );
        }
    }
}
