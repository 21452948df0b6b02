//! What happens in the audio callback: read, crossfade, loop, count.
//!
//! No allocation, no lock, no system call. Dropping a track here only lowers a count: the worker holds another reference.

use super::grain::{Grain, Lengths};
use super::shared::{Clock, Shared, Wishes};
use super::source::Prepared;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Crossfade between positions, variants and rounds of a loop.
const CROSSFADE_SECS: f64 = 0.010;
/// Ramp at play and pause, short enough to leave an attack its bite.
const RAMP_SECS: f64 = 0.005;

/// The state of the callback.
pub(super) struct Engine {
    shared: Arc<Shared>,
    incoming: rtrb::Consumer<Arc<Prepared>>,
    /// The newest track from the ring, until a running crossfade is over.
    next: Option<Arc<Prepared>>,
    rate_hz: u32,
    crossfade_frames: u32,
    grains: Lengths,
    wishes: Wishes,
    /// A track and the frame where to start in it.
    start: (u64, u64),
    voice: Option<Voice>,
    /// What is wished takes over from this.
    leaving: Option<Leaving>,
    /// The end of a loop's round goes over into the next, perhaps while another voice is still taking over.
    round: Option<Leaving>,
    /// 0 in a pause, 1 while playing.
    ramp: f32,
    volume: f32,
    clock: Clock,
    told: Clock,
}

/// Something sounding.
#[derive(Clone)]
struct Voice {
    track: Arc<Prepared>,
    variant: usize,
    at: u64,
    /// Only at another speed than that of the recording.
    grain: Option<Grain>,
}

impl Voice {
    fn new(track: Arc<Prepared>, at: u64) -> Self {
        Self {
            track,
            variant: 0,
            at,
            grain: None,
        }
    }

    /// The next frame.
    #[inline]
    fn next(&mut self, speed: f64, grains: &Lengths) -> [f32; 2] {
        if speed != 1.0 && self.grain.is_none() {
            self.grain = Some(Grain::from(self.at, speed));
        }
        let Some(grain) = &mut self.grain else {
            let frame = self.track.frame(self.variant, self.at);
            self.at += 1;
            return frame;
        };
        let frame = grain.next(&self.track, self.variant, speed, grains);
        self.at = grain.at();
        if grain.is_plain(grains) {
            self.grain = None;
        }
        frame
    }

    fn speed(&self) -> f64 {
        self.grain.as_ref().map_or(1.0, Grain::speed)
    }

    fn jump(&mut self, to: u64) {
        self.at = to;
        self.grain = None;
    }
}

/// A voice that is faded out while another is faded in.
struct Leaving {
    voice: Voice,
    /// Length of the crossfade, and how much of it is to come.
    n_frames: u32,
    n_left: u32,
}

impl Leaving {
    fn new(voice: Voice, n_frames: u32) -> Self {
        let n_frames = n_frames.max(1);
        Self {
            voice,
            n_frames,
            n_left: n_frames,
        }
    }

    /// The next frame of both. `slot` is emptied when the crossfade is over.
    #[inline]
    fn mix(slot: &mut Option<Self>, new: [f32; 2], speed: f64, grains: &Lengths) -> [f32; 2] {
        let Some(leaving) = slot else { return new };
        let x = 1.0 - leaving.n_left as f32 / leaving.n_frames as f32;
        let voice = &mut leaving.voice;
        let last = voice.track.n_frames.saturating_sub(1);
        let old = if voice.at <= last {
            voice.next(speed, grains)
        } else {
            // The sound itself has ended. Turned about its last sample it goes on at the same value and the same slope.
            let end = voice.track.frame(voice.variant, last);
            let mirror = last.saturating_sub(voice.at - last);
            let back = voice.track.frame(voice.variant, mirror);
            voice.at += 1;
            std::array::from_fn(|i| 2.0 * end[i] - back[i])
        };
        // Both sum to one: the same music stays as loud as it is.
        let weight = x * x * (3.0 - 2.0 * x);
        leaving.n_left -= 1;
        if leaving.n_left == 0 {
            *slot = None;
        }
        std::array::from_fn(|i| new[i] * weight + old[i] * (1.0 - weight))
    }
}

impl Engine {
    /// The track that is loaded now will start at `start_secs`, any later one at its beginning.
    pub(super) fn new(
        shared: Arc<Shared>,
        incoming: rtrb::Consumer<Arc<Prepared>>,
        rate_hz: u32,
        start_secs: f64,
    ) -> Self {
        let wishes = Wishes::of_words(shared.wishes.read());
        let at = (start_secs * f64::from(rate_hz)).round() as u64;
        let clock = Clock {
            rate_hz,
            seek: wishes.seek,
            speed: 1.0,
            ..Clock::default()
        };
        Self {
            incoming,
            next: None,
            rate_hz,
            grains: Lengths::new(rate_hz),
            crossfade_frames: (CROSSFADE_SECS * f64::from(rate_hz)) as u32,
            start: (wishes.track, at),
            voice: None,
            leaving: None,
            round: None,
            ramp: 0.0,
            volume: wishes.volume,
            wishes,
            clock,
            told: Clock::default(),
            shared,
        }
    }

    /// Fills `out`, `[frames, 2]`, whose first frame will be heard at `heard_ns`.
    pub(super) fn render(&mut self, out: &mut [[f32; 2]], heard_ns: u64) {
        if let Some(words) = self.shared.wishes.try_read() {
            self.wishes = Wishes::of_words(words);
        }
        while let Ok(track) = self.incoming.pop() {
            self.next = Some(track);
        }
        // A change that comes during a crossfade waits for its end: the newest one only.
        if self.leaving.is_none() && self.round.is_none() {
            self.follow();
        }
        let repeat = self.repeat();
        let played = self.clock.played;
        for frame in &mut *out {
            *frame = self.next_frame(repeat);
        }
        if let Some(voice) = &self.voice {
            (self.clock.at, self.clock.variant) = (voice.at, voice.variant);
            self.clock.speed = voice.speed();
        }
        let n_played = self.clock.played - played;
        if n_played > 0 {
            self.clock.heard_ns = heard_ns + n_played * 1_000_000_000 / u64::from(self.rate_hz);
        }
        if self.clock != self.told {
            self.shared.clock.write(self.clock.words());
            self.told = self.clock;
        }
        self.shared.is_live.store(true, Ordering::Release);
    }

    /// Whether a gap in the sound would be heard.
    pub(super) fn is_sounding(&self) -> bool {
        self.ramp > 0.0
    }

    /// Brings the voice to what is wished, with one crossfade for all changes together.
    fn follow(&mut self) {
        let is_new = |next: &Prepared| {
            self.voice
                .as_ref()
                .is_none_or(|v| v.track.serial != next.serial)
        };
        let next = self.next.take();
        let mut wanted = match (next, self.voice.clone()) {
            // A new device goes on where the old one was.
            (Some(track), None) if track.serial == self.start.0 => {
                let at = self.start.1.min(track.n_frames);
                Voice::new(track, at)
            }
            (Some(track), _) if is_new(&track) => Voice::new(track, 0),
            (Some(track), Some(voice)) => Voice { track, ..voice },
            (None, Some(voice)) => voice,
            (_, None) => return,
        };
        if wanted.track.is_ready(self.wishes.variant) {
            wanted.variant = self.wishes.variant;
        }
        let mut jumps = wanted.track.serial != self.clock.track;
        // A seek in a track that has not come yet waits for it.
        if self.wishes.seek != self.clock.seek && self.wishes.track == wanted.track.serial {
            self.clock.seek = self.wishes.seek;
            let to = self.frame_of(self.wishes.seek_secs);
            wanted.jump(to.min(wanted.track.n_frames));
            jumps = true;
        }
        let stays = self.voice.as_ref().is_some_and(|voice| {
            Arc::ptr_eq(&voice.track, &wanted.track) && voice.variant == wanted.variant
        });
        if jumps {
            self.clock.track = wanted.track.serial;
            self.clock.ended = false;
            self.clock.jump_played = self.clock.played;
            self.clock.jump_from = None;
            self.clock.jump_to = wanted.at;
        } else if stays {
            return;
        }
        let before = self.voice.replace(wanted).filter(|_| self.ramp > 0.0);
        self.leaving = before.map(|voice| Leaving::new(voice, self.crossfade_frames));
    }

    fn frame_of(&self, secs: f64) -> u64 {
        (secs.max(0.0) * f64::from(self.rate_hz)).round() as u64
    }

    /// The loop in frames, if there is one ahead of the play head.
    fn repeat(&self) -> Option<(u64, u64)> {
        let (start, end) = self.wishes.repeat?;
        let voice = self.voice.as_ref()?;
        let (start, end) = (
            self.frame_of(start),
            self.frame_of(end).min(voice.track.n_frames),
        );
        (start < end && voice.at < end).then_some((start, end))
    }

    fn next_frame(&mut self, repeat: Option<(u64, u64)>) -> [f32; 2] {
        let Some(voice) = &mut self.voice else {
            return [0.0; 2];
        };
        let step = 1.0 / (RAMP_SECS * f64::from(self.rate_hz)) as f32;
        let goes_on = self.wishes.playing && !self.clock.ended;
        self.ramp = if goes_on {
            (self.ramp + step).min(1.0)
        } else {
            (self.ramp - step).max(0.0)
        };
        self.volume += (self.wishes.volume - self.volume).clamp(-step / 2.0, step / 2.0);
        if self.ramp == 0.0 {
            // Nothing is heard: a change needs no fade.
            self.leaving = None;
            self.round = None;
            self.volume = self.wishes.volume;
            return [0.0; 2];
        }

        let mut gain = self.ramp * self.volume;
        let left = voice.track.n_frames.saturating_sub(voice.at);
        let (speed, grains) = (self.wishes.speed, &self.grains);
        let frame = voice.next(speed, grains);
        let frame = Leaving::mix(&mut self.round, frame, speed, grains);
        let frame = Leaving::mix(&mut self.leaving, frame, speed, grains);
        if repeat.is_none() {
            // A clip that was cut out of music ends without a click.
            gain *= (left as f32 * step).min(1.0);
        }
        self.clock.played += 1;
        if let Some((start, end)) = repeat
            && voice.at >= end
        {
            let old = voice.clone();
            voice.jump(start);
            self.clock.jump_played = self.clock.played;
            self.clock.jump_from = Some(end);
            self.clock.jump_to = start;
            // No longer than half a round, so that it is over before the next one.
            let n_frames = u64::from(self.crossfade_frames).min((end - start) / 2);
            self.round = Some(Leaving::new(old, n_frames as u32));
        } else if voice.at >= voice.track.n_frames {
            self.clock.ended = true;
            self.ramp = 0.0;
        }
        frame.map(|sample| sample * gain)
    }
}
