//! Through a lossy codec and back, in memory: what MP3 and Ogg Vorbis do to a sound, for augmentation.
//!
//! The encoders are those that made the files out there: LAME for MP3 and libvorbis (aoTuV) for Ogg. What comes back has the length of
//! what went in and is aligned with it to the sample.
//!
//! ```text
//! wave ──► the nearest rate that the codec has ──► encode ──► decode (symphonia) ──► less the delay ──► the wave's rate
//! ```

use super::{Error, resample};
use mp3lame_encoder::{Bitrate, Builder, FlushNoGap, Mode, MonoPcm, Quality};
use std::io::Cursor;
use std::num::{NonZeroU8, NonZeroU32};
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use vorbis_rs::{VorbisBitrateManagementStrategy, VorbisEncoderBuilder};

/// A lossy codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// MPEG-1 and MPEG-2 layer III, at a constant bit rate, by LAME.
    Mp3,
    /// Vorbis in Ogg, at an average bit rate, by libvorbis.
    Vorbis,
}

/// The rates at which both codecs work. Others are resampled to the next higher one; what is above them all, to the highest.
const RATES_HZ: [u32; 9] = [
    8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000,
];
/// How much later MP3 comes out: LAME's 576 samples and the 529 of every decoder.
const MP3_DELAY: usize = 576 + 529;
/// Samples in the longest MP3 frame.
const MP3_FRAME: usize = 1152;
/// Frames without which a stream is not known for MP3.
const MIN_MP3_FRAMES: usize = 16;
/// Vorbis is fed in pieces: a single large one takes an age.
const VORBIS_PIECE: usize = 4096;

/// Encodes a mono wave at `kbps` kilobits per second (or the nearest that the codec has at this rate), and decodes it.
///
/// The length stays exactly; nothing is clipped. Rates below 8 kHz are coded as if they were 8 kHz. Fails with [`Error::RoundTrip`] if
/// a codec refuses, which no finite wave was found to bring about.
pub fn round_trip(wave: &[f32], rate_hz: u32, codec: Codec, kbps: f32) -> Result<Vec<f32>, Error> {
    if wave.is_empty() {
        return Ok(Vec::new());
    }
    let lowest_hz = RATES_HZ[0];
    let rate_hz = rate_hz.max(lowest_hz);
    let coded_hz = coded_hz(rate_hz);
    let input = resample(wave, rate_hz, coded_hz)?;
    let mut decoded = match codec {
        Codec::Mp3 => {
            let mut decoded = decode(encode_mp3(&input, coded_hz, kbps)?, "mp3")?;
            decoded.drain(..MP3_DELAY.min(decoded.len()));
            decoded
        }
        Codec::Vorbis => decode(encode_vorbis(&input, coded_hz, kbps)?, "ogg")?,
    };
    decoded.resize(input.len(), 0.0);
    let mut output = resample(&decoded, coded_hz, rate_hz)?;
    // There and back may round to a sample more or less.
    output.resize(wave.len(), 0.0);
    Ok(output)
}

/// A mono wave as an MP3 file in memory, at a constant bit rate, for pages and players. Half a tenth of a second of silence follows it.
///
/// Fails as [`round_trip`] does.
pub fn mp3(wave: &[f32], rate_hz: u32, kbps: f32) -> Result<Vec<u8>, Error> {
    let coded_hz = coded_hz(rate_hz);
    encode_mp3(&resample(wave, rate_hz, coded_hz)?, coded_hz, kbps)
}

/// The rate at which a wave of this rate is coded.
fn coded_hz(rate_hz: u32) -> u32 {
    let highest_hz = RATES_HZ[RATES_HZ.len() - 1];
    let higher = RATES_HZ.into_iter().find(|coded_hz| *coded_hz >= rate_hz);
    higher.unwrap_or(highest_hz)
}

fn refused(what: &str) -> impl FnOnce(String) -> Error {
    move |reason| Error::RoundTrip {
        codec: what.to_owned(),
        reason,
    }
}

fn encode_mp3(wave: &[f32], rate_hz: u32, kbps: f32) -> Result<Vec<u8>, Error> {
    let build = || {
        Builder::new()?
            .with_num_channels(1)
            .ok()?
            .with_mode(Mode::Mono)
            .ok()?
            .with_sample_rate(rate_hz)
            .ok()?
            .with_output_sample_rate(NonZeroU32::new(rate_hz))
            .ok()?
            .with_brate(nearest_bitrate(kbps))
            .ok()?
            .with_quality(Quality::Good)
            .ok()?
            // Without the tag, which would be a frame of its own and tell decoders what to trim.
            .with_to_write_vbr_tag(false)
            .ok()?
            .build()
            .ok()
    };
    let failed = refused("MP3");
    let Some(mut encoder) = build() else {
        return Err(failed(format!("LAME knows no {kbps} kbps at {rate_hz} Hz")));
    };
    // The end is pushed out by silence: LAME's own flushing leaves out what does not fill a frame.
    let mut padded = wave.to_vec();
    let n_padded = wave.len() + MP3_DELAY + 3 * MP3_FRAME;
    padded.resize(n_padded.max(MIN_MP3_FRAMES * MP3_FRAME), 0.0);
    // The worst case of LAME's manual, for both calls.
    let mut bytes = Vec::with_capacity(padded.len() * 5 / 4 + 2 * 7200);
    let encoded = encoder.encode_to_vec(MonoPcm(&padded), &mut bytes);
    let flushed = encoded.and_then(|_| encoder.flush_to_vec::<FlushNoGap>(&mut bytes));
    match flushed {
        Ok(_) => Ok(bytes),
        Err(error) => Err(failed(format!("{error:?}"))),
    }
}

fn nearest_bitrate(kbps: f32) -> Bitrate {
    const ALL: [Bitrate; 16] = [
        Bitrate::Kbps8,
        Bitrate::Kbps16,
        Bitrate::Kbps24,
        Bitrate::Kbps32,
        Bitrate::Kbps40,
        Bitrate::Kbps48,
        Bitrate::Kbps64,
        Bitrate::Kbps80,
        Bitrate::Kbps96,
        Bitrate::Kbps112,
        Bitrate::Kbps128,
        Bitrate::Kbps160,
        Bitrate::Kbps192,
        Bitrate::Kbps224,
        Bitrate::Kbps256,
        Bitrate::Kbps320,
    ];
    let off = |rate: &Bitrate| (f32::from(*rate as u16) - kbps).abs();
    ALL.into_iter()
        .min_by(|a, b| off(a).total_cmp(&off(b)))
        .unwrap_or(Bitrate::Kbps64)
}

fn encode_vorbis(wave: &[f32], rate_hz: u32, kbps: f32) -> Result<Vec<u8>, Error> {
    let failed = |error: String| refused("Ogg Vorbis")(error);
    let encoder = |kbps: f64| {
        VorbisEncoderBuilder::new_with_serial(
            NonZeroU32::new(rate_hz)?,
            NonZeroU8::MIN,
            Vec::new(),
            1,
        )
        .bitrate_management_strategy(VorbisBitrateManagementStrategy::Abr {
            average_bitrate: NonZeroU32::new((kbps * 1000.0) as u32)?,
        })
        .build()
        .ok()
    };
    // Each rate has its range of bit rates, which the library does not tell: the nearest is found by trying, in steps of 5 %.
    let nearest = (0..=80)
        .flat_map(|steps| [steps, -steps])
        .find_map(|steps| encoder(f64::from(kbps) * 1.05f64.powi(steps)));
    let Some(mut encoder) = nearest else {
        return Err(failed(format!("no bit rate at {rate_hz} Hz")));
    };
    for piece in wave.chunks(VORBIS_PIECE) {
        let encoded = encoder.encode_audio_block([piece]);
        encoded.map_err(|error| failed(error.to_string()))?;
    }
    encoder.finish().map_err(|error| failed(error.to_string()))
}

/// All samples of a mono stream in memory, nothing trimmed but what the container says.
fn decode(bytes: Vec<u8>, extension: &str) -> Result<Vec<f32>, Error> {
    let failed = |error: symphonia::core::errors::Error| refused(extension)(error.to_string());
    let options = MediaSourceStreamOptions::default();
    let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), options);
    let mut hint = Hint::new();
    hint.with_extension(extension);
    let mut reader = symphonia::default::get_probe()
        .probe(
            &hint,
            stream,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
        .map_err(failed)?;
    let parameters = reader
        .default_track(TrackType::Audio)
        .and_then(|track| track.codec_params.as_ref()?.audio().cloned())
        .ok_or_else(|| refused(extension)("there is no sound in it".to_owned()))?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(&parameters, &AudioDecoderOptions::default())
        .map_err(failed)?;
    let (mut samples, mut piece) = (Vec::new(), Vec::new());
    while let Some(packet) = reader.next_packet().map_err(failed)? {
        let decoded = decoder.decode(&packet).map_err(failed)?;
        decoded.copy_to_vec_interleaved(&mut piece);
        samples.extend_from_slice(&piece);
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Address, Purpose};

    /// Tones that beat, and a little noise.
    fn music(n: usize, rate_hz: u32) -> Vec<f32> {
        let mut stream = Address::new(5, Purpose::Check, 0).stream();
        (0..n)
            .map(|i| {
                let secs = i as f32 / rate_hz as f32;
                0.3 * (secs * 2764.0).sin() * (secs * 3.0).sin()
                    + 0.2 * (secs * 6000.0).sin()
                    + 0.02 * stream.normal()
            })
            .collect()
    }

    /// Level of the clip over what the codec made wrong, in dB, with the result `late` samples late.
    fn snr_db(wave: &[f32], coded: &[f32], late: isize) -> f64 {
        let (mut signal, mut error) = (0.0, 0.0);
        for i in wave.len() / 8..wave.len() / 8 * 7 {
            let (x, y) = (
                f64::from(wave[i]),
                f64::from(coded[i.saturating_add_signed(late)]),
            );
            signal += x * x;
            error += (x - y).powi(2);
        }
        10.0 * (signal / error).log10()
    }

    #[test]
    fn the_sound_comes_back_in_place_and_worse_at_a_lower_bit_rate() {
        for codec in [Codec::Mp3, Codec::Vorbis] {
            for rate_hz in [8_000, 16_000, 22_050, 30_000, 44_100, 96_000] {
                let wave = music(rate_hz as usize, rate_hz);
                let snr = |kbps: f32, late: isize| {
                    let coded = round_trip(&wave, rate_hz, codec, kbps).unwrap();
                    assert_eq!(coded.len(), wave.len());
                    snr_db(&wave, &coded, late)
                };
                let what = format!("{codec:?} {rate_hz} Hz");
                let (good, bad) = (snr(96.0, 0), snr(24.0, 0));
                assert!(good > 10.0 && good > bad, "{what}: {good}, {bad} dB");
                assert!(good > snr(96.0, 1) && good > snr(96.0, -1), "{what}: late");
            }
        }
    }

    #[test]
    fn any_bit_rate_and_length_is_coded_and_silence_stays_silent() {
        for codec in [Codec::Mp3, Codec::Vorbis] {
            for n in [0, 1, 2, 3, 100, 1151, 1152, 5000] {
                let silent = round_trip(&vec![0.0; n], 22050, codec, 64.0).unwrap();
                assert_eq!(silent, vec![0.0; n], "{codec:?} {n}");
                let full = round_trip(&vec![1.0; n], 22050, codec, 64.0).unwrap();
                assert!(full.len() == n && full.iter().all(|x| x.is_finite()));
            }
            for kbps in [8.0, 16.0, 63.0, 192.0, 320.0] {
                for rate_hz in RATES_HZ {
                    let wave = music(3000, rate_hz);
                    round_trip(&wave, rate_hz, codec, kbps).unwrap();
                }
            }
        }
    }

    #[test]
    fn the_same_sound_gives_the_same_bits() {
        let wave = music(20_000, 22_050);
        for codec in [Codec::Mp3, Codec::Vorbis] {
            let one = round_trip(&wave, 22_050, codec, 48.0).unwrap();
            assert_eq!(one, round_trip(&wave, 22_050, codec, 48.0).unwrap());
        }
    }
}
