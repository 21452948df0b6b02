//! Any audio file to samples, with exactly the first and the last sample that the encoder was given.
//!
//! symphonia reads the formats; what it leaves to the caller happens here. Lossy encoders put silence before and after
//! the music, and each container says differently how much: the LAME tag of an MP3, the granule positions of an Ogg file,
//! the edit list or iTunes comment of an M4A (see `edges`). Left in, a song would be 23 to 50 ms late against its
//! timeline, and by another amount for each format.
//!
//! Files are damaged more often than one thinks. What can be decoded is decoded: a broken packet becomes silence of its
//! length, so that what follows stays in place, and the listener is told. A panic inside a decoder ends the file, not the program.

use super::aac::{AacDecoder, SBR_DELAY};
use super::edges::{self, Edges};
use super::opus::{self, OpusDecoder};
use super::source::Source;
use super::tape::{CUT_OFF, Tape};
use super::{Clip, Error, mono};
use crate::job::Job;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::LazyLock;
use symphonia::core::codecs::audio::well_known::profiles::CODEC_PROFILE_AAC_HE;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_MP3, CODEC_ID_OPUS};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error as Symphonia;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::well_known::{
    FORMAT_ID_ADTS, FORMAT_ID_ISOMP4, FORMAT_ID_OGG, FORMAT_ID_WAVE,
};
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::Duration;

/// A decoded file.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The sound, at the file's own rate and with its own channels.
    pub clip: Clip,
    /// What was wrong with the file, in words for the user; empty for a sound one.
    pub warnings: Vec<String>,
}

/// Whether one of a file's warnings is that it ends before it should.
pub fn tell_cut_off(warnings: &[String]) -> bool {
    let mut warnings = warnings.iter();
    warnings.any(|warning| CUT_OFF.iter().any(|begin| warning.starts_with(begin)))
}

/// Decodes an MP3, Ogg Vorbis, Opus, FLAC, WAV, AIFF, AAC, ALAC or M4A file.
///
/// More than two channels come in the order of WAV files. HE-AAC has the full rate, declared or not.
///
/// The kind is recognised from the content; the name only helps. Reports progress in frames.
/// A damaged file gives what could be decoded, with warnings; [`Error::Damaged`] only if that is nothing.
pub fn decode(path: &Path, job: &Job) -> Result<Decoded, Error> {
    let (tape, ended_by) = onto(Tape::of_all_channels(), path, job)?;
    let warnings = tape.warnings(path, ended_by)?;
    let clip = tape.into_clip();
    Ok(Decoded { clip, warnings })
}

/// Decodes a file as [`decode`] does and hands it on in pieces, so that a file of any length takes the same memory. Returns the warnings.
///
/// `take` gets the rate in hertz, the number of channels (the same ones all along) and interleaved samples, whole frames. Together the pieces
/// are, bit for bit, the clip of [`decode`]. Fails as that does; pieces may have been handed on by then.
pub fn decode_pieces(
    path: &Path,
    job: &Job,
    take: &mut dyn FnMut(u32, usize, &[f32]),
) -> Result<Vec<String>, Error> {
    let mut listen = |rate_hz, channels, piece: &[f32]| {
        take(rate_hz, channels, piece);
        Ok(())
    };
    let (mut tape, ended_by) = onto(Tape::of_pieces(&mut listen), path, job)?;
    let warnings = tape.warnings(path, ended_by)?;
    tape.hand_on_rest()?;
    Ok(warnings)
}

/// The rate of a file's sound, in hertz, as its head tells it. (HE-AAC may tell half of what it decodes to.)
pub fn rate_of(path: &Path) -> Result<u32, Error> {
    let unknown = || Error::Unsupported {
        path: path.to_owned(),
        reason: "its head tells no sample rate".to_owned(),
    };
    let format = guarded(|| open(path)).map_err(|Panicked| unknown())??;
    let track = format.default_track(TrackType::Audio);
    let params = track.and_then(|track| track.codec_params.as_ref()?.audio());
    params
        .and_then(|params| params.sample_rate)
        .ok_or_else(unknown)
}

/// Decodes a file onto a tape. Says in words if it ends before its end.
fn onto<'a>(
    mut tape: Tape<'a>,
    path: &Path,
    job: &Job,
) -> Result<(Tape<'a>, Option<String>), Error> {
    let what = format!(
        "decoding {}",
        path.file_name().unwrap_or_default().to_string_lossy()
    );
    let mut format = guarded(|| open(path)).unwrap_or_else(|Panicked| {
        Err(Error::Damaged {
            path: path.to_owned(),
            reason: "its header makes no sense".to_owned(),
        })
    })?;
    let mut track = Track::choose(path, &mut *format)?;
    tape.start_stream();
    let mut n_packets = 0_u64;
    let ended_by = loop {
        job.check()?;
        if n_packets.is_multiple_of(64) {
            job.report(tape.n_frames(), track.promised.unwrap_or(0), &what);
        }
        n_packets += 1;
        match guarded(|| format.next_packet()) {
            Ok(Ok(Some(packet))) if packet.track_id == track.id => {
                if let Err(reason) = track.decode(packet, &mut tape) {
                    break Some(reason);
                }
                tape.hand_on(&track)?;
            }
            Ok(Ok(Some(_))) => {}
            Ok(Ok(None)) => break None,
            // Another Ogg stream follows in the same file, as recorders of radio streams write them.
            Ok(Err(Symphonia::ResetRequired)) => match Track::choose(path, &mut *format) {
                Ok(next) => {
                    tape.end_stream(&track);
                    track = next;
                    tape.start_stream();
                }
                Err(error) => break Some(error.to_string()),
            },
            // Whether that is too early is for the promised length to say.
            Ok(Err(Symphonia::IoError(error))) if error.kind() == io::ErrorKind::UnexpectedEof => {
                break None;
            }
            Ok(Err(error)) => break Some(error.to_string()),
            Err(Panicked) => break Some("the reader stumbled over damaged data".to_owned()),
        }
    };
    tape.end_stream(&track);
    Ok((tape, ended_by))
}

/// Decodes a file as the networks hear it: one channel (the mean of all) at `rate_hz`. `[round(frames * rate_hz / rate)]`.
///
/// What was wrong with a file that could be decoded in part is not said here: use [`decode`] to know.
pub fn decode_mono(path: &Path, rate_hz: u32, job: &Job) -> Result<Vec<f32>, Error> {
    let mut wave = Vec::new();
    mono_pieces(path, rate_hz, job, &mut |piece| {
        wave.extend_from_slice(piece)
    })?;
    Ok(wave)
}

/// A file as the networks hear it, and what is to be said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodedMono {
    /// As [`decode_mono`] gives it.
    pub wave: Vec<f32>,
    /// The file's own rate in hertz.
    pub rate_hz: u32,
    /// Length of what could be decoded, in seconds.
    pub duration_secs: f64,
    /// What was wrong with the file, in words for the user; empty for a sound one.
    pub warnings: Vec<String>,
}

/// [`decode_mono`] with what [`decode`] says of the file. Never holds more of the sound than the result and some seconds of the file.
pub fn decode_mono_told(path: &Path, rate_hz: u32, job: &Job) -> Result<DecodedMono, Error> {
    let mut wave = Vec::new();
    let told = mono_pieces(path, rate_hz, job, &mut |piece| {
        wave.extend_from_slice(piece)
    })?;
    let duration_secs = told.n_frames as f64 / f64::from(told.rate_hz.max(1));
    Ok(DecodedMono {
        wave,
        rate_hz: told.rate_hz,
        duration_secs,
        warnings: told.warnings,
    })
}

/// [`decode_mono`] in 16 bits, rounded, and what was wrong with the file, in words for the user; nothing for a sound one.
///
/// Never holds more of the sound than the result and some seconds of the file.
pub fn decode_mono_16(
    path: &Path,
    rate_hz: u32,
    job: &Job,
) -> Result<(Vec<i16>, Vec<String>), Error> {
    let mut samples = Vec::new();
    let told = mono_pieces(path, rate_hz, job, &mut |piece| {
        samples.extend(piece.iter().map(|&sample| mono::to_16_bits(sample)));
    })?;
    Ok((samples, told.warnings))
}

/// What decoding in pieces says beside the sound.
struct Told {
    rate_hz: u32,
    n_frames: usize,
    warnings: Vec<String>,
}

/// Decodes, mixes and resamples piece by piece, so that a piece never leaves the processor's cache.
fn mono_pieces(
    path: &Path,
    rate_hz: u32,
    job: &Job,
    take: &mut dyn FnMut(&[f32]),
) -> Result<Told, Error> {
    let mut resampling = mono::Resampling::new(rate_hz, take);
    let (mut own_hz, mut n_frames) = (0, 0);
    let mut listen = |from_hz, _, piece: &[f32]| {
        own_hz = from_hz;
        n_frames += piece.len();
        resampling.push(from_hz, piece)
    };
    let (mut tape, ended_by) = onto(Tape::of_mono(&mut listen), path, job)?;
    let warnings = tape.warnings(path, ended_by)?;
    tape.hand_on_rest()?;
    resampling.finish()?;
    Ok(Told {
        rate_hz: own_hz,
        n_frames,
        warnings,
    })
}

/// symphonia's decoders, with libopus and Fraunhofer's for what they lack.
static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut codecs = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut codecs);
    codecs.register_audio_decoder::<OpusDecoder>();
    codecs.register_audio_decoder::<AacDecoder>();
    codecs
});

/// Something in a decoder panicked.
struct Panicked;

fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    // After a panic the reader is not used again, so that a broken state in it is not seen.
    catch_unwind(AssertUnwindSafe(work)).map_err(|_payload| Panicked)
}

fn open(path: &Path) -> Result<Box<dyn FormatReader>, Error> {
    let unreadable = |source| Error::Open {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::other("not a file")));
    }
    let mut hint = Hint::new();
    if let Some(extension) = path.extension().and_then(|extension| extension.to_str()) {
        hint.with_extension(extension);
    }
    let source = Source::new(file).map_err(unreadable)?;
    let stream = MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default());
    symphonia::default::get_probe()
        .probe(
            &hint,
            stream,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
        .map_err(|error| match opus::foreign_family(path) {
            Some(family) => Error::Unsupported {
                path: path.to_owned(),
                reason: format!(
                    "Opus channels without positions, mapping family {family}: encode it as stereo or surround"
                ),
            },
            None => refused(path, error),
        })
}

/// The error of a file that symphonia does not take.
fn refused(path: &Path, error: Symphonia) -> Error {
    let path = path.to_owned();
    match error {
        Symphonia::IoError(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
            Error::Open { path, source }
        }
        Symphonia::Unsupported(reason) => Error::Unsupported {
            path,
            reason: reason.to_owned(),
        },
        other => Error::Damaged {
            path,
            reason: other.to_string(),
        },
    }
}

/// One coded stream of a file and what its container says about it.
pub(super) struct Track {
    id: u32,
    decoder: Box<dyn AudioDecoder>,
    /// Ticks that the header promises, encoder delay and padding not counted.
    pub(super) promised: Option<u64>,
    pub(super) edges: Edges,
    /// The most that may be cut off the end on account of the packets' own marks, in frames.
    pub(super) max_tail: u64,
    /// An Ogg stream whose last page is missing.
    pub(super) unmarked_end: bool,
    gain: f32,
    /// Of the durations in the packets.
    secs_per_tick: f64,
    /// Ticks per second, in which all lengths of the track count; 0 if ticks are frames.
    pub(super) ticks_per_sec: u32,
}

impl Track {
    fn choose(path: &Path, format: &mut dyn FormatReader) -> Result<Self, Error> {
        let is_mp4 = format.format_info().format == FORMAT_ID_ISOMP4;
        let is_wave = format.format_info().format == FORMAT_ID_WAVE;
        let missing = |reason: &str| Error::Unsupported {
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        let track = format
            .default_track(TrackType::Audio)
            .ok_or_else(|| missing("no audio track"))?;
        let params = track
            .codec_params
            .as_ref()
            .and_then(|params| params.audio())
            .ok_or_else(|| missing("unknown codec"))?
            .clone();
        let mut edges = Edges::default();
        let mut promised = track.num_frames;
        let mut max_tail = u64::MAX;
        let mut gain = 1.0;
        if params.codec == CODEC_ID_OPUS {
            let head = params.extra_data.as_deref().and_then(opus::Head::read);
            gain = head.as_ref().map_or(1.0, |head| head.gain);
            if !is_mp4 {
                edges.skip = head.map_or(0, |head| head.pre_skip);
                promised = promised.map(|n| n.saturating_sub(edges.skip));
            }
        } else if params.codec == CODEC_ID_MP3 {
            // Without a LAME tag the length is a guess from the bit rate: nothing is cut off then.
            max_tail = track.padding.map_or(0, u64::from);
            promised = promised.filter(|_| track.delay.is_some());
        } else if is_wave && promised.is_some_and(|n| is_endless(n, &params)) {
            promised = None;
        }
        if format.format_info().format == FORMAT_ID_ADTS {
            // A guess from the first packets.
            promised = None;
        } else if is_mp4 {
            edges = edges::of_mp4(path);
            promised = match (edges.keep, promised) {
                (Some(keep), _) => Some(keep),
                (None, n) => n.map(|n| n.saturating_sub(edges.skip)),
            };
        }
        let unmarked_end =
            format.format_info().format == FORMAT_ID_OGG && track.num_frames.is_none();
        let ticks_per_sec = match edges.ticks_per_sec {
            0 => params.sample_rate.unwrap_or(0),
            ticks_per_sec => ticks_per_sec,
        };
        let secs_per_tick = track.time_base.map_or(0.0, |base| {
            f64::from(base.numer.get()) / f64::from(base.denom.get())
        });
        let decoder = guarded(|| {
            CODECS.make_audio_decoder(&params, &AudioDecoderOptions::default().gapless(true))
        })
        .unwrap_or(Err(Symphonia::DecodeError(
            "codec parameters make no sense",
        )))
        .map_err(|error| refused(path, error))?;
        Ok(Self {
            id: track.id,
            decoder,
            promised,
            edges,
            max_tail,
            unmarked_end,
            gain,
            secs_per_tick,
            ticks_per_sec,
        })
    }

    /// Frames by which the decoder is later than the container counts.
    pub(super) fn decoder_delay(&self) -> u64 {
        let is_he = self.decoder.codec_params().profile == Some(CODEC_PROFILE_AAC_HE);
        if is_he && self.edges.encoder_only {
            SBR_DELAY
        } else {
            0
        }
    }

    /// Puts a packet on the tape; an error ends the file.
    fn decode(&mut self, mut packet: Packet, tape: &mut Tape<'_>) -> Result<(), String> {
        // The end is cut when it is known that nothing follows, see `Tape::tail`.
        let tail = packet.trim_end.get();
        let ticks = packet.dur.get().saturating_add(tail);
        packet.trim_end = Duration::ZERO;
        match guarded(|| {
            self.decoder
                .decode(&packet)
                .map(|buffer| tape.push(&buffer, self.gain))
        }) {
            Ok(Ok(fits)) => fits?,
            Ok(Err(Symphonia::DecodeError(_) | Symphonia::IoError(_))) => {
                tape.n_broken += 1;
                tape.push_silence(ticks as f64 * self.secs_per_tick);
            }
            Ok(Err(error)) => return Err(error.to_string()),
            Err(Panicked) => return Err("the decoder stumbled over damaged data".to_owned()),
        }
        tape.tail = if tail == 0 { 0 } else { tape.tail + tail };
        Ok(())
    }
}

/// Whether a WAV header gives the largest possible length: its writer did not know where it would end.
fn is_endless(n_frames: u64, params: &AudioCodecParameters) -> bool {
    let channels = params.channels.as_ref().map_or(1, |c| c.count()) as u64;
    let bits = u64::from(
        params
            .bits_per_coded_sample
            .or(params.bits_per_sample)
            .unwrap_or(16),
    );
    n_frames.saturating_mul(channels * bits / 8) > u64::from(u32::MAX - 0x1_0000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn piece_by_piece_a_file_is_what_it_is_at_once() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/audio");
        let mut n_files = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let Ok(Decoded { clip, warnings }) = decode(&path, &Job::quiet()) else {
                assert!(decode_mono_16(&path, 22_050, &Job::quiet()).is_err());
                continue;
            };
            n_files += 1;
            let mut pieces = Vec::new();
            let told = decode_pieces(&path, &Job::quiet(), &mut |rate_hz, channels, piece| {
                assert_eq!(
                    (rate_hz, channels),
                    (clip.rate_hz, usize::from(clip.channels))
                );
                assert_eq!(piece.len() % channels, 0, "whole frames");
                pieces.extend_from_slice(piece);
            });
            assert_eq!(told.unwrap(), warnings, "{}", path.display());
            assert!(pieces == *clip.samples, "{}", path.display());
            for rate_hz in [22_050, 16_000, clip.rate_hz] {
                let plain = super::super::resample(&clip.to_mono(), clip.rate_hz, rate_hz).unwrap();
                let found = decode_mono(&path, rate_hz, &Job::quiet()).unwrap();
                assert_eq!(found, plain, "{} at {rate_hz} Hz", path.display());
                let all = decode_mono_told(&path, rate_hz, &Job::quiet()).unwrap();
                let of_clip = (clip.rate_hz, clip.duration_secs());
                assert_eq!((all.rate_hz, all.duration_secs), of_clip);
                assert_eq!((&all.wave, &all.warnings), (&found, &warnings));
                let (found, told) = decode_mono_16(&path, rate_hz, &Job::quiet()).unwrap();
                let plain = plain.iter().map(|x| (x * 32768.0).round());
                let plain: Vec<i16> = plain.map(|x| x.clamp(-32768.0, 32767.0) as i16).collect();
                assert_eq!((found, &told), (plain, &warnings), "{}", path.display());
            }
            assert_eq!(rate_of(&path).is_ok(), clip.rate_hz > 0);
        }
        assert!(n_files >= 15, "{n_files}");
    }
}
