//! The figures of a sound while it passes by: pieces come and go, so that a mix of two hours takes no more memory than a clip.

use super::fingerprint;
use super::hearing::Heard;
use crate::audio;

/// Below this a tenth of a second counts as silent: -60 dB of full scale.
const SILENT_RMS: f64 = 1e-3;
/// Length of the pieces whose loudness is measured, in seconds.
const PIECE_SECS: f64 = 0.1;
/// A cut top lies at least so high.
const TOP: f32 = 0.5;
/// Neighbours on a cut top differ by less than this, two steps of 16 bits.
const FLAT: f32 = 6.2e-5;
/// Beside a cut top the sound falls off by this at least; a slow wave that only reaches its top falls off more slowly.
const EDGE: f32 = 4e-3;
/// Samples on a cut top, at least.
const MIN_TOP: usize = 3;

/// A sound that is being measured. What it comes to does not depend on how it is cut into pieces.
#[derive(Default)]
pub(super) struct Measuring {
    rate_hz: u32,
    channels: usize,
    n_samples: usize,
    loudness: Loudness,
    /// Of each channel.
    sums: Vec<f64>,
    tops: Vec<Tops>,
    clipped: Clipped,
    hash: blake3::Hasher,
    /// The start of the sound as one channel, as much of it as the fingerprint takes in.
    head: Vec<f32>,
}

impl Measuring {
    /// The next piece: interleaved samples, whole frames, always of one rate and so many channels.
    pub(super) fn take(&mut self, rate_hz: u32, channels: usize, samples: &[f32]) {
        if self.n_samples == 0 {
            self.begin(rate_hz.max(1), channels.max(1));
        }
        let channels = self.channels;
        let n_before = self.n_samples / channels;
        self.n_samples += samples.len();
        self.hash_samples(samples);
        self.loudness.take(samples);
        for (at, frame) in samples.chunks_exact(channels).enumerate() {
            let of_channels = self.sums.iter_mut().zip(&mut self.tops);
            for (&sample, (sum, tops)) in frame.iter().zip(of_channels) {
                *sum += f64::from(sample);
                tops.take(n_before + at, sample, &mut self.clipped);
            }
        }
        let wanted = fingerprint::n_taken(self.rate_hz) - self.head.len();
        let n = wanted.min(samples.len() / channels);
        self.head
            .extend(audio::mixed(&samples[..n * channels], channels));
    }

    fn begin(&mut self, rate_hz: u32, channels: usize) {
        (self.rate_hz, self.channels) = (rate_hz, channels);
        self.loudness.piece = ((PIECE_SECS * f64::from(rate_hz)) as usize).max(1) * channels;
        self.sums = vec![0.0; channels];
        self.tops = vec![Tops::default(); channels];
        self.clipped.rate_hz = rate_hz;
        self.hash.update(&rate_hz.to_le_bytes());
        self.hash.update(&(channels as u16).to_le_bytes());
    }

    /// Condenses the sound itself: the same for a WAV and a FLAC file of it.
    fn hash_samples(&mut self, samples: &[f32]) {
        let mut bytes = [0u8; 4096];
        for samples in samples.chunks(bytes.len() / 4) {
            for (place, sample) in bytes.chunks_exact_mut(4).zip(samples) {
                place.copy_from_slice(&sample.to_le_bytes());
            }
            self.hash.update(&bytes[..samples.len() * 4]);
        }
    }

    /// The figures, after the last piece.
    pub(super) fn finish(mut self) -> Heard {
        let channels = self.channels.max(1);
        let n_frames = self.n_samples / channels;
        let rate = f64::from(self.rate_hz.max(1));
        self.loudness.end();
        let loudness = &self.loudness;
        let means = self.sums.iter().map(|sum| sum / n_frames.max(1) as f64);
        let dc = means.fold(
            0.0_f64,
            |dc, mean| {
                if mean.abs() > dc.abs() { mean } else { dc }
            },
        );
        let secs = n_frames as f64 / rate;
        let of_pieces = |n: usize| n as f64 * (loudness.piece / channels) as f64 / rate;
        let (start, length) = loudness.silence;
        let (clipped_share, clipped_at_secs) = self.clipped.share_and_worst(self.n_samples);
        Heard {
            rate_hz: self.rate_hz,
            channels: self.channels as u16,
            secs,
            warnings: Vec::new(),
            is_cut_off: false,
            rms: (loudness.energy / self.n_samples.max(1) as f64).sqrt(),
            silent_share: loudness.n_silent as f64 / loudness.n_pieces.max(1) as f64,
            silence: (of_pieces(start), of_pieces(length).min(secs)),
            clipped_share,
            clipped_at_secs,
            dc,
            digest: self.hash.finalize().to_hex()[..32].to_owned(),
            print: fingerprint::of(&self.head, self.rate_hz),
        }
    }
}

/// Energy, and what is silent, by tenths of a second.
#[derive(Default)]
struct Loudness {
    /// Samples of a tenth of a second.
    piece: usize,
    n_in_piece: usize,
    energy_of_piece: f64,
    energy: f64,
    n_pieces: usize,
    n_silent: usize,
    /// Silent pieces up to now.
    run: usize,
    /// The longest silence: its first piece, and how many.
    silence: (usize, usize),
}

impl Loudness {
    fn take(&mut self, mut samples: &[f32]) {
        while !samples.is_empty() {
            let n = samples.len().min(self.piece - self.n_in_piece);
            let (now, later) = samples.split_at(n);
            for &sample in now {
                self.energy_of_piece += f64::from(sample) * f64::from(sample);
            }
            self.n_in_piece += n;
            samples = later;
            if self.n_in_piece == self.piece {
                self.end();
            }
        }
    }

    /// Counts a piece, be it a full one or the last.
    fn end(&mut self) {
        let n = std::mem::take(&mut self.n_in_piece);
        if n == 0 {
            return;
        }
        let energy = std::mem::take(&mut self.energy_of_piece);
        self.energy += energy;
        self.n_pieces += 1;
        if (energy / n as f64).sqrt() < SILENT_RMS {
            self.n_silent += 1;
            self.run += 1;
            if self.run > self.silence.1 {
                self.silence = (self.n_pieces - self.run, self.run);
            }
        } else {
            self.run = 0;
        }
    }
}

/// Counts samples beyond full scale, which the cache's 16 bits would cut, and those on tops that were cut before.
#[derive(Default)]
struct Clipped {
    n_samples: usize,
    rate_hz: u32,
    /// As far as there are any.
    per_second: Vec<u32>,
}

impl Clipped {
    fn add(&mut self, frame: usize, n: usize) {
        self.n_samples += n;
        let second = frame / self.rate_hz.max(1) as usize;
        if self.per_second.len() <= second {
            self.per_second.resize(second + 1, 0);
        }
        self.per_second[second] += n as u32;
    }

    /// The share of all samples, and the second with most of them.
    fn share_and_worst(&self, n_samples: usize) -> (f64, f64) {
        let worst = (0..self.per_second.len())
            .rev()
            .max_by_key(|&second| self.per_second[second]);
        let share = self.n_samples as f64 / n_samples.max(1) as f64;
        (share, worst.unwrap_or(0) as f64)
    }
}

/// A stretch of samples that lie as high as its first.
#[derive(Clone, Copy)]
struct Top {
    start: usize,
    len: usize,
    height: f32,
    /// Whether the sound comes up to it from below.
    rises: bool,
}

impl Top {
    /// Whether a sample lies below it by more than a slow wave would.
    fn falls(self, beside: f32) -> bool {
        self.height.abs() - beside * self.height.signum() > EDGE
    }
}

/// Looks for cut tops in one channel, sample by sample; what reaches to the sound's end falls no more and is none.
///
/// Of the two samples on either side of a top one must lie clearly lower: the nearer one may lie just below the top by chance.
#[derive(Clone, Default)]
struct Tops {
    /// The two samples before this one, the nearer one last; as many as there are.
    before: [Option<f32>; 2],
    open: Option<Top>,
    /// A top that has ended, and how many of the two samples behind it are still to come. A new one cannot end before that.
    ended: Option<(Top, usize)>,
}

impl Tops {
    fn take(&mut self, at: usize, sample: f32, clipped: &mut Clipped) {
        if let Some(top) = &mut self.open {
            if (sample - top.height).abs() < FLAT {
                top.len += 1;
            } else {
                if top.len >= MIN_TOP && top.rises {
                    self.ended = Some((*top, 2));
                }
                self.open = None;
            }
        }
        if let Some((top, n_to_come)) = self.ended {
            self.ended = if top.falls(sample) {
                clipped.add(top.start, top.len);
                None
            } else {
                (n_to_come > 1).then_some((top, n_to_come - 1))
            };
        }
        if self.open.is_none() {
            if sample.abs() > 1.0 {
                clipped.add(at, 1);
            } else if sample.abs() >= TOP {
                let mut top = Top {
                    start: at,
                    len: 1,
                    height: sample,
                    rises: false,
                };
                let mut before = self.before.iter().flatten();
                top.rises = before.any(|&beside| top.falls(beside));
                self.open = Some(top);
            }
        }
        self.before = [self.before[1], Some(sample)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::Clip;
    use proptest::prelude::*;

    fn measure_in(clip: &Clip, pieces: &[usize]) -> Heard {
        let mut measuring = Measuring::default();
        let channels = usize::from(clip.channels);
        let mut rest = &clip.samples[..];
        for n in pieces.iter().cycle() {
            let (now, later) = rest.split_at((n * channels).min(rest.len()));
            measuring.take(clip.rate_hz, channels, now);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        measuring.finish()
    }

    fn measure(clip: &Clip) -> Heard {
        measure_in(clip, &[clip.n_frames()])
    }

    fn tone(hz: f32, gain: f32) -> Vec<f32> {
        let wave =
            (0..44_100).map(|i| gain * (std::f32::consts::TAU * hz * i as f32 / 44_100.0).sin());
        wave.collect()
    }

    fn clipped_share(wave: Vec<f32>) -> f64 {
        measure(&Clip::mono(wave, 44_100)).clipped_share
    }

    #[test]
    fn cut_tops_are_clipped_and_slow_waves_at_full_scale_are_not() {
        for hz in [30.0, 100.0, 440.0, 3000.0] {
            assert_eq!(clipped_share(tone(hz, 1.0)), 0.0, "{hz} Hz at full scale");
        }
        // A sine of twice the height is cut during two thirds of the time.
        for ceiling in [1.0, 0.8] {
            let cut: Vec<f32> = tone(440.0, 2.0 * ceiling)
                .iter()
                .map(|x| x.clamp(-ceiling, ceiling))
                .collect();
            let share = clipped_share(cut);
            assert!(
                (share - 0.66).abs() < 0.05,
                "{share} at a ceiling of {ceiling}"
            );
        }
        let share = clipped_share(tone(440.0, 1.1));
        assert!((share - 0.273).abs() < 0.02, "beyond full scale: {share}");
    }

    #[test]
    fn silence_offset_and_length_are_measured_on_all_channels() {
        let mut wave = tone(440.0, 0.5);
        wave.extend(vec![0.0; 88_200]);
        let interleaved: Vec<f32> = wave.iter().flat_map(|&x| [x, x * 0.1 + 0.05]).collect();
        let heard = measure(&Clip {
            rate_hz: 44_100,
            channels: 2,
            samples: interleaved.into(),
        });
        assert_eq!(heard.secs, 3.0);
        assert!((heard.dc - 0.05).abs() < 1e-3, "{}", heard.dc);
        let mut wave = tone(440.0, 0.5);
        wave.extend(vec![0.0; 88_200]);
        let heard = measure(&Clip::mono(wave, 44_100));
        assert!((heard.silent_share - 2.0 / 3.0).abs() < 0.02);
        assert!((heard.silence.0 - 1.0).abs() < 0.11 && (heard.silence.1 - 2.0).abs() < 0.11);
    }

    /// Levels about which tops are decided: flat, nearly flat, beyond full scale, on their way down.
    const LEVELS: [f32; 9] = [0.0, 0.3, 0.499, 0.7, 0.70005, 0.7039, -0.7, 1.0, 1.00003];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn pieces_come_to_what_the_whole_comes_to(
            levels in prop::collection::vec((0usize..LEVELS.len(), 1usize..5), 2..400),
            silence in 0usize..3000,
            channels in 1u16..4,
            pieces in prop::collection::vec(1usize..700, 1..5),
        ) {
            let mut samples = vec![0.0; silence * usize::from(channels)];
            samples.extend(levels.iter().flat_map(|&(level, n)| vec![LEVELS[level]; n]));
            samples.extend((0..500).map(|i| 0.8 * (i as f32 * 0.05).sin()));
            samples.truncate(samples.len() / usize::from(channels) * usize::from(channels));
            let clip = Clip { rate_hz: 4800, channels, samples: samples.into() };
            let found = measure_in(&clip, &pieces);
            let (digest, print) = (found.digest.clone(), found.print.clone());
            prop_assert_eq!(
                Heard { digest: String::new(), print: Vec::new(), ..found },
                plain(&clip)
            );
            let whole = measure(&clip);
            prop_assert_eq!((digest, print), (whole.digest, whole.print));
        }
    }

    #[test]
    fn of_a_long_sound_no_more_is_held_than_the_fingerprint_takes_in() {
        let mut measuring = Measuring::default();
        let piece: Vec<f32> = (0..80_000).map(|i| (i as f32 * 0.1).sin()).collect();
        for _ in 0..60 {
            measuring.take(8000, 2, &piece);
        }
        assert_eq!(measuring.head.len(), 120 * 8000);
        let heard = measuring.finish();
        assert_eq!(heard.secs, 300.0);
        assert!(heard.print.len() > 1200, "{}", heard.print.len());
    }

    /// The plain way, with the whole sound at hand: what [`Measuring`] must come to, but for digest and fingerprint.
    fn plain(clip: &Clip) -> Heard {
        let channels = usize::from(clip.channels.max(1));
        let rate = f64::from(clip.rate_hz.max(1));
        let piece = ((PIECE_SECS * rate) as usize).max(1) * channels;
        let (mut energy, mut n_silent, mut n_pieces) = (0.0, 0usize, 0usize);
        let mut silence = (0usize, 0usize);
        let mut run = 0usize;
        for (place, samples) in clip.samples.chunks(piece).enumerate() {
            let sum: f64 = samples.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            energy += sum;
            n_pieces += 1;
            if (sum / samples.len() as f64).sqrt() < SILENT_RMS {
                n_silent += 1;
                run += 1;
                if run > silence.1 {
                    silence = (place + 1 - run, run);
                }
            } else {
                run = 0;
            }
        }
        let mut dc = 0.0f64;
        let mut clipped = PlainClipped::new(clip.n_frames(), clip.rate_hz);
        for channel in 0..channels {
            let samples = clip.samples[channel.min(clip.samples.len())..]
                .iter()
                .step_by(channels);
            let mean = samples.map(|&x| f64::from(x)).sum::<f64>() / clip.n_frames().max(1) as f64;
            if mean.abs() > dc.abs() {
                dc = mean;
            }
            clipped.count(&clip.samples, channel, channels);
        }
        let (clipped_share, clipped_at_secs) = clipped.share_and_worst(channels);
        let secs = |pieces: usize| pieces as f64 * (piece / channels) as f64 / rate;
        Heard {
            rate_hz: clip.rate_hz,
            channels: clip.channels,
            secs: clip.duration_secs(),
            warnings: Vec::new(),
            is_cut_off: false,
            rms: (energy / clip.samples.len().max(1) as f64).sqrt(),
            silent_share: n_silent as f64 / n_pieces.max(1) as f64,
            silence: (secs(silence.0), secs(silence.1).min(clip.duration_secs())),
            clipped_share,
            clipped_at_secs,
            dc,
            digest: String::new(),
            print: Vec::new(),
        }
    }

    struct PlainClipped {
        n_samples: usize,
        n_frames: usize,
        rate_hz: u32,
        per_second: Vec<u32>,
    }

    impl PlainClipped {
        fn new(n_frames: usize, rate_hz: u32) -> Self {
            Self {
                n_samples: 0,
                n_frames,
                rate_hz: rate_hz.max(1),
                per_second: vec![0; n_frames / rate_hz.max(1) as usize + 1],
            }
        }

        fn add(&mut self, frame: usize, n: usize) {
            self.n_samples += n;
            self.per_second[frame / self.rate_hz as usize] += n as u32;
        }

        fn count(&mut self, samples: &[f32], channel: usize, channels: usize) {
            let at = |frame: usize| samples[frame * channels + channel];
            let mut frame = 0;
            while frame < self.n_frames {
                let first = at(frame);
                if first.abs() > 1.0 {
                    self.add(frame, 1);
                    frame += 1;
                    continue;
                }
                if first.abs() < TOP {
                    frame += 1;
                    continue;
                }
                let mut end = frame + 1;
                while end < self.n_frames && (at(end) - first).abs() < FLAT {
                    end += 1;
                }
                if end - frame >= MIN_TOP {
                    // Of the two samples beside it: the nearer one may lie just below the top by chance.
                    let falls = |beside: usize| first.abs() - at(beside) * first.signum() > EDGE;
                    let before = (frame.saturating_sub(2)..frame).any(falls);
                    if before && (end..(end + 2).min(self.n_frames)).any(falls) {
                        self.add(frame, end - frame);
                    }
                }
                frame = end;
            }
        }

        /// The share of all samples, and the second with most of them.
        fn share_and_worst(&self, channels: usize) -> (f64, f64) {
            let worst = (0..self.per_second.len())
                .rev()
                .max_by_key(|&second| self.per_second[second]);
            let share = self.n_samples as f64 / (self.n_frames * channels).max(1) as f64;
            (share, worst.unwrap_or(0) as f64)
        }
    }
}
