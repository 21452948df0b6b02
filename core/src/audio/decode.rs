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
use super::{Clip, Error, resample};
use crate::job::Job;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::LazyLock;
use symphonia::core::audio::GenericAudioBufferRef;
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

/// What a warning begins with if the file ends before it should.
const CUT_OFF: [&str; 3] = ["ends early", "ends after", "has no end mark"];

impl Decoded {
    /// Whether one of the warnings is that the file ends before it should.
    pub fn is_cut_off(&self) -> bool {
        let mut warnings = self.warnings.iter();
        warnings.any(|warning| CUT_OFF.iter().any(|begin| warning.starts_with(begin)))
    }
}

/// Decodes an MP3, Ogg Vorbis, Opus, FLAC, WAV, AIFF, AAC, ALAC or M4A file.
///
/// More than two channels come in the order of WAV files. HE-AAC has the full rate, declared or not.
///
/// The kind is recognised from the content; the name only helps. Reports progress in frames.
/// A damaged file gives what could be decoded, with warnings; [`Error::Damaged`] only if that is nothing.
pub fn decode(path: &Path, job: &Job) -> Result<Decoded, Error> {
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
    let mut tape = Tape::default();
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
    tape.into_decoded(path, ended_by)
}

/// Decodes a file as the networks hear it: one channel (the mean of all) at `rate_hz`. `[round(frames * rate_hz / rate)]`.
///
/// What was wrong with a file that could be decoded in part is not said here: use [`decode`] to know.
pub fn decode_mono(path: &Path, rate_hz: u32, job: &Job) -> Result<Vec<f32>, Error> {
    let clip = decode(path, job)?.clip;
    let mono = clip.to_mono();
    job.check()?;
    resample(&mono, clip.rate_hz, rate_hz)
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
struct Track {
    id: u32,
    decoder: Box<dyn AudioDecoder>,
    /// Ticks that the header promises, encoder delay and padding not counted.
    promised: Option<u64>,
    edges: Edges,
    /// The most that may be cut off the end on account of the packets' own marks.
    max_tail: u64,
    /// An Ogg stream whose last page is missing.
    unmarked_end: bool,
    gain: f32,
    /// Of the durations in the packets.
    secs_per_tick: f64,
    /// Ticks per second, in which all lengths of the track count; 0 if ticks are frames.
    ticks_per_sec: u32,
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
    fn decoder_delay(&self) -> u64 {
        let is_he = self.decoder.codec_params().profile == Some(CODEC_PROFILE_AAC_HE);
        if is_he && self.edges.encoder_only {
            SBR_DELAY
        } else {
            0
        }
    }

    /// Puts a packet on the tape; an error ends the file.
    fn decode(&mut self, mut packet: Packet, tape: &mut Tape) -> Result<(), String> {
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

/// Where the decoded samples gather.
#[derive(Default)]
struct Tape {
    rate_hz: u32,
    channels: usize,
    samples: Vec<f32>,
    /// Frames that the last packets mark as padding. Only those at the very end are: a wrong mark
    /// in the middle of a file cuts nothing out.
    tail: u64,
    /// Frames on the tape when the current stream began.
    stream_start: u64,
    promised: u64,
    unmarked_end: bool,
    n_broken: usize,
    n_not_numbers: usize,
}

impl Tape {
    fn n_frames(&self) -> u64 {
        (self.samples.len() / self.channels.max(1)) as u64
    }

    fn start_stream(&mut self) {
        self.tail = 0;
        self.stream_start = self.n_frames();
    }

    /// Cuts away what is not music, now that the first packet has shown the rate, and the last one the end.
    fn end_stream(&mut self, track: &Track) {
        let frames = |ticks: u64| match track.ticks_per_sec {
            0 => ticks,
            per_sec => (u128::from(ticks) * u128::from(self.rate_hz) / u128::from(per_sec)) as u64,
        };
        let decoded = self.n_frames() - self.stream_start;
        let skip = frames(track.edges.skip)
            .saturating_add(track.decoder_delay())
            .min(decoded);
        let tail = frames(self.tail);
        // More than the header announces: the marks belong to another, shorter file.
        let tail = if tail <= track.max_tail { tail } else { 0 };
        let keep = track.edges.keep.map_or(u64::MAX, frames);
        let kept = (decoded - skip).saturating_sub(tail).min(keep);
        self.promised += track.promised.map_or(0, frames);
        self.unmarked_end = track.unmarked_end;
        let start = self.stream_start as usize * self.channels;
        self.samples
            .drain(start..start + skip as usize * self.channels);
        self.samples.truncate(start + kept as usize * self.channels);
    }

    /// Appends a decoded packet; an error if it does not fit to what is there.
    fn push(&mut self, buffer: &GenericAudioBufferRef<'_>, gain: f32) -> Result<(), String> {
        if buffer.frames() == 0 {
            return Ok(());
        }
        let (rate_hz, channels) = (buffer.spec().rate(), buffer.spec().channels().count());
        if self.samples.is_empty() {
            (self.rate_hz, self.channels) = (rate_hz, channels);
        } else if (rate_hz, channels) != (self.rate_hz, self.channels) {
            return Err(format!(
                "from there on it has {channels} channels at {rate_hz} Hz instead of {} at {} Hz",
                self.channels, self.rate_hz
            ));
        }
        let at = self.samples.len();
        self.samples.resize(at + buffer.samples_interleaved(), 0.0);
        buffer.copy_to_slice_interleaved(&mut self.samples[at..]);
        for sample in &mut self.samples[at..] {
            if sample.is_finite() {
                *sample *= gain;
            } else {
                *sample = 0.0;
                self.n_not_numbers += 1;
            }
        }
        Ok(())
    }

    fn push_silence(&mut self, secs: f64) {
        // A damaged duration must not fill the memory: no packet of any format lasts two seconds.
        let n_frames = (secs.min(2.0) * f64::from(self.rate_hz)).round() as usize;
        let at = self.samples.len();
        self.samples.resize(at + n_frames * self.channels, 0.0);
    }

    fn into_decoded(self, path: &Path, ended_by: Option<String>) -> Result<Decoded, Error> {
        if self.samples.is_empty() || self.rate_hz == 0 {
            return Err(Error::Damaged {
                path: path.to_owned(),
                reason: ended_by.unwrap_or_else(|| "it holds no samples".to_owned()),
            });
        }
        let secs = |n_frames: u64| n_frames as f64 / f64::from(self.rate_hz);
        let mut warnings = Vec::new();
        let n_frames = self.n_frames();
        // Ten milliseconds less is a rounded duration in a header, not a loss.
        let cut_off = n_frames + u64::from(self.rate_hz / 100) < self.promised;
        let [early, after, unmarked] = CUT_OFF;
        if let Some(reason) = ended_by {
            warnings.push(format!("{early} after {:.2} s: {reason}", secs(n_frames)));
        } else if cut_off {
            warnings.push(format!(
                "{after} {:.2} s, its header promises {:.2} s",
                secs(n_frames),
                secs(self.promised)
            ));
        } else if self.unmarked_end {
            warnings.push(format!(
                "{unmarked}: it may have been cut off after {:.2} s",
                secs(n_frames)
            ));
        }
        if self.n_broken > 0 {
            warnings.push(format!(
                "{} damaged packets were replaced by silence",
                self.n_broken
            ));
        }
        if self.n_not_numbers > 0 {
            warnings.push(format!(
                "{} samples that are no finite numbers were replaced by silence",
                self.n_not_numbers
            ));
        }
        Ok(Decoded {
            clip: Clip {
                rate_hz: self.rate_hz,
                channels: self.channels as u16,
                samples: self.samples.into(),
            },
            warnings,
        })
    }
}
