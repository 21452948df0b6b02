//! Another speed at the same pitch, frame by frame in the callback: WSOLA (Verhelst and Roelands, ICASSP 1993).
//!
//! The sound is a chain of grains, each a piece of the track as it is, crossfaded with the one before. From one grain to the next the song
//! goes on by the step times the speed; where exactly the next one is cut, within some milliseconds, is chosen so that it continues the one
//! before best. The track lies in memory whole, so that nothing is buffered: a grain is three numbers, and a new speed holds from the next
//! grain on.

use super::source::Prepared;

/// From one grain to the next: short enough for attacks, long enough for a period of a bass.
const STEP_SECS: f64 = 0.060;
/// The crossfade at the beginning of a grain.
const OVERLAP_SECS: f64 = 0.012;
/// The cut is moved by up to this, to either side.
const SEARCH_SECS: f64 = 0.008;
/// Of the frames of the crossfade, and of the places to cut, every so many are compared at first; then all around the best place.
const COARSE: usize = 4;

/// Lengths in frames of the device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    step: u64,
    overlap: u64,
    search: u64,
}

impl Lengths {
    pub(super) fn new(rate_hz: u32) -> Self {
        let frames = |secs: f64| ((secs * f64::from(rate_hz)) as u64).max(1);
        Self {
            step: frames(STEP_SECS),
            overlap: frames(OVERLAP_SECS),
            search: frames(SEARCH_SECS),
        }
    }
}

/// A piece of the track that sounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grain {
    /// Its own speed.
    speed: f64,
    /// Where the song stood when it began.
    nominal: u64,
    /// The frame of the track that it begins with.
    start: u64,
    /// The frame with which the grain before would have gone on.
    before: u64,
    /// Frames of it that were played.
    n_played: u64,
}

impl Grain {
    /// Goes on from `at` without a change that could be heard.
    pub(super) fn from(at: u64, speed: f64) -> Self {
        Self {
            speed,
            nominal: at,
            start: at,
            before: at,
            n_played: 0,
        }
    }

    /// The next frame of a variant. Before the first frame of a new grain, `speed` takes effect.
    pub(super) fn next(
        &mut self,
        track: &Prepared,
        variant: usize,
        speed: f64,
        lengths: &Lengths,
    ) -> [f32; 2] {
        if self.n_played >= lengths.step {
            self.nominal = self.at();
            self.before = self.start + self.n_played;
            self.speed = speed;
            self.start = if speed == 1.0 {
                // Back to the track as it is.
                self.nominal
            } else {
                best_start(track, variant, self.nominal, self.before, lengths)
            };
            self.n_played = 0;
        }
        let new = track.frame(variant, self.start + self.n_played);
        let frame = if self.n_played < lengths.overlap && self.before != self.start {
            let old = track.frame(variant, self.before + self.n_played);
            let x = self.n_played as f32 / lengths.overlap as f32;
            let weight = x * x * (3.0 - 2.0 * x);
            std::array::from_fn(|i| new[i] * weight + old[i] * (1.0 - weight))
        } else {
            new
        };
        self.n_played += 1;
        frame
    }

    /// Where the song stands.
    pub(super) fn at(&self) -> u64 {
        self.nominal + (self.n_played as f64 * self.speed).round() as u64
    }

    /// How many frames of the song go by in one of the device.
    pub(super) fn speed(&self) -> f64 {
        self.speed
    }

    /// Whether it has become the track as it is, so that no grain is needed any more.
    pub(super) fn is_plain(&self, lengths: &Lengths) -> bool {
        self.speed == 1.0
            && self.start == self.nominal
            && (self.n_played >= lengths.overlap || self.before == self.start)
    }
}

/// Where near `nominal` the track continues best what goes on at `before`: the smallest squared difference over the crossfade.
fn best_start(
    track: &Prepared,
    variant: usize,
    nominal: u64,
    before: u64,
    lengths: &Lengths,
) -> u64 {
    let difference = |start: u64, every: usize| -> f32 {
        (0..lengths.overlap)
            .step_by(every)
            .map(|i| {
                let (old, new) = (
                    track.frame(variant, before + i),
                    track.frame(variant, start + i),
                );
                let (left, right) = (old[0] - new[0], old[1] - new[1]);
                left * left + right * right
            })
            .sum()
    };
    let best = |from: u64, to: u64, every: usize| {
        let mut best = (f32::INFINITY, nominal);
        for start in (from..=to).step_by(every) {
            let difference = difference(start, every);
            if difference < best.0 {
                best = (difference, start);
            }
        }
        best.1
    };
    let (from, to) = (
        nominal.saturating_sub(lengths.search),
        nominal + lengths.search,
    );
    let near = best(from, to, COARSE);
    let around = COARSE as u64;
    best(
        near.saturating_sub(around).max(from),
        (near + around).min(to),
        1,
    )
}
