//! Where decoded packets gather: all channels of the whole file, or pieces that are handed on, of all channels or of their mean.
//!
//! What an encoder put before and after the music is cut away here, in both ways alike.

use super::decode::Track;
use super::{Clip, Error};
use std::path::Path;
use symphonia::core::audio::{Audio, GenericAudioBufferRef};

/// What a warning begins with if the file ends before it should.
pub(super) const CUT_OFF: [&str; 3] = ["ends early", "ends after", "has no end mark"];

/// So many frames are handed on at once: large enough not to show, small enough to stay in the processor's cache.
const PIECE_FRAMES: usize = 1 << 14;

/// Who takes the pieces of a tape: their rate, how many channels the file has, and the samples.
pub(super) type Listener<'a> = &'a mut dyn FnMut(u32, usize, &[f32]) -> Result<(), Error>;

/// Decoded sound.
#[derive(Default)]
pub(super) struct Tape<'a> {
    rate_hz: u32,
    /// Of the file.
    channels: usize,
    /// `[frames, channels]`, or `[frames]` if they are mixed.
    samples: Vec<f32>,
    listener: Option<Listener<'a>>,
    is_mixed: bool,
    /// Frames that were handed on and are no longer here.
    n_handed_on: u64,
    /// Frames that the last packets mark as padding. Only those at the very end are: a wrong mark
    /// in the middle of a file cuts nothing out.
    pub(super) tail: u64,
    /// Frames on the tape, those handed on counted, when the current stream began.
    stream_start: u64,
    /// Frames that were cut off the start of the current stream already.
    n_skipped: u64,
    promised: u64,
    unmarked_end: bool,
    pub(super) n_broken: usize,
    n_not_numbers: usize,
    /// A packet with all channels, where they must be looked at one by one.
    packet: Vec<f32>,
}

/// What lies before the music in a stream and how much of what follows it may be, in frames.
struct Cut {
    skip: u64,
    keep: u64,
}

impl<'a> Tape<'a> {
    /// Keeps everything.
    pub(super) fn of_all_channels() -> Self {
        Self::default()
    }

    /// Mixes the channels and hands them on.
    pub(super) fn of_mono(listener: Listener<'a>) -> Self {
        Self {
            is_mixed: true,
            ..Self::of_pieces(listener)
        }
    }

    /// Hands all channels on, interleaved and always whole frames.
    pub(super) fn of_pieces(listener: Listener<'a>) -> Self {
        Self {
            listener: Some(listener),
            ..Self::default()
        }
    }

    /// Samples of a frame on the tape.
    fn width(&self) -> usize {
        if self.is_mixed {
            1
        } else {
            self.channels.max(1)
        }
    }

    /// Frames of music so far, and of what may turn out not to be.
    pub(super) fn n_frames(&self) -> u64 {
        self.n_handed_on + (self.samples.len() / self.width()) as u64
    }

    pub(super) fn start_stream(&mut self) {
        self.tail = 0;
        self.n_skipped = 0;
        self.stream_start = self.n_frames();
    }

    /// Where the current stream begins in `samples`, in frames.
    fn start_here(&self) -> usize {
        self.stream_start.saturating_sub(self.n_handed_on) as usize
    }

    fn frames(&self, track: &Track, ticks: u64) -> u64 {
        match track.ticks_per_sec {
            0 => ticks,
            per_sec => (u128::from(ticks) * u128::from(self.rate_hz) / u128::from(per_sec)) as u64,
        }
    }

    fn cut(&self, track: &Track) -> Cut {
        let skip = self.frames(track, track.edges.skip);
        let keep = track.edges.keep;
        Cut {
            skip: skip.saturating_add(track.decoder_delay()),
            keep: keep.map_or(u64::MAX, |ticks| self.frames(track, ticks)),
        }
    }

    /// Cuts so much of what precedes the music away as is there.
    fn skip(&mut self, cut: &Cut) {
        let start = self.start_here();
        let here = (self.samples.len() / self.width() - start) as u64;
        let n = (cut.skip - self.n_skipped.min(cut.skip)).min(here);
        let (start, n_samples) = (start * self.width(), n as usize * self.width());
        self.samples.drain(start..start + n_samples);
        self.n_skipped += n;
    }

    /// Hands on what is music whatever follows, if somebody listens and it is enough to be worth it.
    pub(super) fn hand_on(&mut self, track: &Track) -> Result<(), Error> {
        let enough = PIECE_FRAMES * self.width();
        if self.listener.is_none() || self.samples.len() < enough || self.tail > 0 {
            return Ok(());
        }
        let cut = self.cut(track);
        self.skip(&cut);
        let end = self.stream_start.saturating_add(cut.keep);
        let n_here = (self.samples.len() / self.width()) as u64;
        let n = (end.saturating_sub(self.n_handed_on)).min(n_here) as usize;
        self.hand_on_first(n)
    }

    /// Hands on all that is left, after the end.
    pub(super) fn hand_on_rest(&mut self) -> Result<(), Error> {
        self.hand_on_first(self.samples.len() / self.width())
    }

    fn hand_on_first(&mut self, n_frames: usize) -> Result<(), Error> {
        let n = n_frames * self.width();
        if let Some(listener) = &mut self.listener
            && n > 0
        {
            listener(self.rate_hz, self.channels, &self.samples[..n])?;
            self.samples.drain(..n);
            self.n_handed_on += n_frames as u64;
        }
        Ok(())
    }

    /// Cuts away what is not music, now that the first packet has shown the rate, and the last one the end.
    pub(super) fn end_stream(&mut self, track: &Track) {
        let cut = self.cut(track);
        self.skip(&cut);
        let music = self.n_frames() - self.stream_start;
        let tail = self.frames(track, self.tail);
        // More than the header announces: the marks belong to another, shorter file.
        let tail = if tail <= track.max_tail { tail } else { 0 };
        let kept = music.saturating_sub(tail).min(cut.keep);
        self.promised += track.promised.map_or(0, |ticks| self.frames(track, ticks));
        self.unmarked_end = track.unmarked_end;
        let end = (self.stream_start + kept).saturating_sub(self.n_handed_on) as usize;
        self.samples.truncate(end * self.width());
    }

    /// Appends a decoded packet; an error if it does not fit to what is there.
    pub(super) fn push(
        &mut self,
        buffer: &GenericAudioBufferRef<'_>,
        gain: f32,
    ) -> Result<(), String> {
        if buffer.frames() == 0 {
            return Ok(());
        }
        let (rate_hz, channels) = (buffer.spec().rate(), buffer.spec().channels().count());
        if self.n_frames() == 0 {
            (self.rate_hz, self.channels) = (rate_hz, channels);
        } else if (rate_hz, channels) != (self.rate_hz, self.channels) {
            return Err(format!(
                "from there on it has {channels} channels at {rate_hz} Hz instead of {} at {} Hz",
                self.channels, self.rate_hz
            ));
        }
        if !self.is_mixed {
            let at = self.samples.len();
            self.samples.resize(at + buffer.samples_interleaved(), 0.0);
            buffer.copy_to_slice_interleaved(&mut self.samples[at..]);
            self.n_not_numbers += clean(&mut self.samples[at..], gain);
        } else if !self.mix_planes(buffer, gain) {
            let mut packet = std::mem::take(&mut self.packet);
            packet.resize(buffer.samples_interleaved(), 0.0);
            buffer.copy_to_slice_interleaved(&mut packet);
            self.n_not_numbers += clean(&mut packet, gain);
            self.samples.extend(super::clip::mixed(&packet, channels));
            self.packet = packet;
        }
        Ok(())
    }

    /// The usual packet, one or two channels of finite numbers, mixed without a detour. False if it is none: then nothing happens.
    fn mix_planes(&mut self, buffer: &GenericAudioBufferRef<'_>, gain: f32) -> bool {
        let GenericAudioBufferRef::F32(buffer) = buffer else {
            return false;
        };
        let at = self.samples.len();
        match (self.channels, buffer.plane(0), buffer.plane(1)) {
            (1, Some(only), _) => self.samples.extend(only.iter().map(|x| x * gain)),
            (2, Some(left), Some(right)) => {
                let both = left.iter().zip(right);
                self.samples
                    .extend(both.map(|(l, r)| (l * gain + r * gain) * 0.5));
            }
            _ => return false,
        }
        // What is not finite stays so when it is multiplied by zero. Sums of eight, so that it becomes vector code.
        let (eights, rest) = self.samples[at..].as_chunks::<8>();
        let mut sums = [0.0_f32; 8];
        for eight in eights {
            for (sum, x) in sums.iter_mut().zip(eight) {
                *sum += x * 0.0;
            }
        }
        let sum: f32 = sums.iter().sum::<f32>() + rest.iter().map(|x| x * 0.0).sum::<f32>();
        if sum != 0.0 {
            self.samples.truncate(at);
            return false;
        }
        true
    }

    pub(super) fn push_silence(&mut self, secs: f64) {
        // A damaged duration must not fill the memory: no packet of any format lasts two seconds.
        let n_frames = (secs.min(2.0) * f64::from(self.rate_hz)).round() as usize;
        let n_samples = match self.channels {
            0 => 0,
            _ => n_frames * self.width(),
        };
        let at = self.samples.len();
        self.samples.resize(at + n_samples, 0.0);
    }

    /// What was wrong, in words; fails with [`Error::Damaged`] if nothing is on the tape.
    pub(super) fn warnings(
        &self,
        path: &Path,
        ended_by: Option<String>,
    ) -> Result<Vec<String>, Error> {
        let n_frames = self.n_frames();
        if n_frames == 0 || self.rate_hz == 0 {
            return Err(Error::Damaged {
                path: path.to_owned(),
                reason: ended_by.unwrap_or_else(|| "it holds no samples".to_owned()),
            });
        }
        let secs = |n_frames: u64| n_frames as f64 / f64::from(self.rate_hz);
        let mut warnings = Vec::new();
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
        Ok(warnings)
    }

    /// All channels.
    pub(super) fn into_clip(self) -> Clip {
        Clip {
            rate_hz: self.rate_hz,
            channels: self.channels as u16,
            samples: self.samples.into(),
        }
    }
}

/// Applies the gain; what is no finite number becomes silence and is counted.
fn clean(samples: &mut [f32], gain: f32) -> usize {
    let mut n_not_numbers = 0;
    for sample in samples {
        if sample.is_finite() {
            *sample *= gain;
        } else {
            *sample = 0.0;
            n_not_numbers += 1;
        }
    }
    n_not_numbers
}
